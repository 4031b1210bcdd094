package dev.longspan.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.longspan.autograd.Gradients;
import dev.longspan.autograd.Pass;
import dev.longspan.autograd.Randomness;
import dev.longspan.autograd.Workspace;
import dev.longspan.backend.Backend;
import dev.longspan.op.Gemm;
import dev.longspan.op.Loss;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class ChunkedLossTest {

    private static final int ROWS = 600;
    private static final int CLASSES = 33_000;
    private static final int WIDTH = 8;
    /** Of so many rows at a time. */
    private static final long LOGITS_BYTES = 256L * CLASSES * 4;

    private final TensorArena arena = new TensorArena();
    private final SplittableRandom random = new SplittableRandom(1);
    private final Tensor hidden = normal(2, ROWS / 2, WIDTH);
    private final Tensor weight = normal(CLASSES, WIDTH);
    private final Tensor targets = arena.allocate(DType.I64, 2, ROWS / 2)
            .set(random.longs(ROWS, -1, CLASSES).toArray());
    private final Gradients gradients = new Gradients(arena, List.of(weight));

    @AfterEach
    void free() {
        arena.close();
    }

    private Tensor normal(long... shape) {
        Tensor t = arena.allocate(DType.F32, shape);
        return t.set(random.doubles(t.elements(), -1, 1).toArray());
    }

    private Tensor logits(Pass pass, Tensor rows) {
        return Gemm.linear(pass, rows, weight, null);
    }

    private Tensor losses(Pass pass, boolean chunked) {
        return chunked ? ChunkedLoss.of(pass, hidden, targets, CLASSES, this::logits)
                : Loss.crossEntropy(pass, logits(pass, hidden), targets);
    }

    private record Trained(double[] losses, double[] dHidden, double[] dWeight, long peakBytes) {
    }

    private Trained train(boolean chunked) {
        gradients.zero();
        try (Workspace workspace = new Workspace(1 << 20);
                Pass pass = Pass.training(Backend.best(), Parallel.of(2), workspace, gradients, Randomness.NONE)) {
            pass.watch(hidden);
            Tensor losses = losses(pass, chunked);
            pass.backward(Loss.mean(pass, losses, targets));
            return new Trained(losses.toDoubles(), pass.gradient(hidden).toDoubles(), gradients.of(weight).toDoubles(),
                    workspace.peakBytes());
        }
    }

    @Test
    void lossesAndGradientsAreThoseOfAllLogits() {
        Trained whole = train(false);
        Trained chunked = train(true);
        assertThat(chunked.losses).isEqualTo(whole.losses);
        assertThat(chunked.dHidden).isEqualTo(whole.dHidden);
        assertThat(chunked.dWeight).containsExactly(whole.dWeight, within(1e-8));
        assertThat(whole.peakBytes).isGreaterThan(2L * ROWS * CLASSES * 4);
        assertThat(chunked.peakBytes).isBetween(2 * LOGITS_BYTES, 2 * LOGITS_BYTES + (1 << 20));
    }

    @Test
    void inferenceHasThoseOfOneChunkAtATime() {
        try (Workspace workspace = new Workspace(1 << 20);
                Pass pass = Pass.inference(Backend.best(), Parallel.of(2), workspace)) {
            assertThat(losses(pass, true).toDoubles()).isEqualTo(losses(pass, false).toDoubles());
        }
        try (Workspace workspace = new Workspace(1 << 20);
                Pass pass = Pass.inference(Backend.best(), Parallel.of(2), workspace)) {
            assertThat(losses(pass, true).hasShape(ROWS)).isTrue();
            assertThat(workspace.peakBytes()).isBetween(LOGITS_BYTES, LOGITS_BYTES + (1 << 20));
        }
    }

    @Test
    void whatFitsIsNotCut() {
        assertThat(ChunkedLoss.rowsAtOnce(8192, 256)).isEqualTo(8192);
        assertThat(ChunkedLoss.rowsAtOnce(1 << 20, 256)).isEqualTo(32_768);
        assertThat(ChunkedLoss.rowsAtOnce(8192, 1 << 20)).isEqualTo(256);
        assertThat(ChunkedLoss.rowsAtOnce(0, 0)).isZero();
    }
}
