package dev.longspan.autograd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.longspan.backend.Backend;
import dev.longspan.kernel.Activation;
import dev.longspan.op.Elementwise;
import dev.longspan.op.Views;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The same bits with and without. */
class RecomputeTest {

    private static final int N = 500;

    private final TensorArena arena = new TensorArena();
    private final Tensor weight = random(1);
    private final Tensor a = random(2);
    private final Tensor b = random(3);

    private Tensor random(long seed) {
        return arena.allocate(DType.F32, N).set(new Random(seed).doubles(N).toArray());
    }

    @AfterEach
    void close() {
        arena.close();
    }

    /** Values and gradients of a small network around a piece. */
    private float[][] run(boolean recompute, Recompute.Piece piece) {
        Gradients gradients = new Gradients(arena, List.of(weight));
        // Slabs of 3,000 bytes: every tensor of 2,000 needs one of its own, so that moved outputs change slabs.
        try (Workspace workspace = new Workspace(3000);
                Pass pass = Pass.training(Backend.named("scalar"), Parallel.of(1), workspace, gradients, new Randomness(5, 6))) {
            pass.watch(a);
            Tensor before = Elementwise.dropout(pass, 0.1, Elementwise.add(pass, a, weight));
            List<Tensor> inputs = List.of(before, b);
            List<Tensor> outputs = recompute ? Recompute.run(pass, inputs, piece) : piece.apply(pass, inputs);
            Tensor sum = outputs.get(0);
            for (Tensor output : outputs.subList(1, outputs.size())) {
                sum = Elementwise.add(pass, sum, 3, output);
            }
            Tensor after = Elementwise.dropout(pass, 0.1, sum);
            float[] values = after.toFloats();
            pass.backward(Elementwise.sum(pass, 1, Elementwise.multiply(pass, after, after)));
            return new float[][]{values, pass.gradient(a).toFloats(), gradients.of(weight).toFloats()};
        }
    }

    private void sameBits(Recompute.Piece piece) {
        assertThat(run(true, piece)).isDeepEqualTo(run(false, piece));
    }

    private List<Tensor> layer(Pass pass, List<Tensor> inputs) {
        Tensor x = Elementwise.activation(pass, Activation.GELU, Elementwise.multiply(pass, inputs.get(0), weight));
        return List.of(Elementwise.add(pass, Elementwise.dropout(pass, 0.3, x), inputs.get(1)));
    }

    @Test
    void oneOutputWithDropout() {
        sameBits(this::layer);
    }

    @Test
    void severalOutputsInAnyOrder() {
        sameBits((pass, inputs) -> {
            Tensor first = layer(pass, inputs).get(0);
            Tensor second = Elementwise.scale(pass, 0.5, first);
            Tensor between = Elementwise.multiply(pass, first, second);
            Tensor third = Elementwise.activation(pass, Activation.SILU, between);
            return List.of(third, first, second);
        });
    }

    @Test
    void piecesWithinPieces() {
        sameBits((pass, inputs) -> {
            Tensor x = Recompute.run(pass, inputs, this::layer).get(0);
            Tensor y = Elementwise.dropout(pass, 0.2, x);
            return Recompute.run(pass, List.of(y, x), this::layer);
        });
    }

    @Test
    void anInputMayBeAnOutput() {
        sameBits((pass, inputs) -> List.of(layer(pass, inputs).get(0), inputs.get(0)));
    }

    @Test
    void slicesOfOneTensorMayBeOutputsInAnyOrder() {
        sameBits((pass, inputs) -> {
            Tensor x = Elementwise.multiply(pass, inputs.get(0), weight);
            Tensor back = Views.slice(pass, x, 0, N / 2, N);
            Tensor front = Views.slice(pass, x, 0, 0, N / 2);
            return List.of(back, front);
        });
    }

    @Test
    void oneTensorMayBeTwoOutputs() {
        sameBits((pass, inputs) -> {
            Tensor x = layer(pass, inputs).get(0);
            return List.of(x, inputs.get(0), x);
        });
    }

    @Test
    void aViewOfAnInputMayBeAnOutput() {
        sameBits((pass, inputs) -> {
            Tensor x = layer(pass, inputs).get(0);
            return List.of(x, inputs.get(0), Views.reshape(pass, inputs.get(0), N));
        });
    }

    @Test
    void outputsWithGapsAreRefused() {
        assertThatIllegalArgumentException().isThrownBy(() -> run(true, (pass, inputs) -> {
            Tensor x = Views.reshape(pass, layer(pass, inputs).get(0), 2, N / 2);
            return List.of(Views.slice(pass, x, 1, 0, 5));
        })).withMessageContaining("contiguous");
    }

    @Test
    void whatThePieceAllocatesIsFreedUntilTheWayBack() {
        Gradients gradients = new Gradients(arena, List.of(weight));
        try (Workspace workspace = new Workspace(1 << 20);
                Pass pass = Pass.training(Backend.named("scalar"), Parallel.of(1), workspace, gradients, new Randomness(5, 6))) {
            Tensor start = pass.allocate(DType.F32, 1);
            Tensor x = Recompute.run(pass, List.of(a, b), (inner, inputs) -> {
                Tensor y = inputs.get(0);
                for (int i = 0; i < 20; i++) {
                    y = Elementwise.multiply(inner, y, weight);
                }
                return List.of(y);
            }).get(0);
            assertThat(x.segment().address() - start.segment().address()).isEqualTo(64);
            assertThat(x.get(7)).isNotZero();
        }
    }

    @Test
    void layersInARowKeepATensorEachAndOneGradientForAll() {
        long tensor = 2048; // N floats on cache lines
        try (InARow three = new InARow(3, true, false); InARow four = new InARow(4, true, false);
                InARow watched = new InARow(4, true, true); InARow kept = new InARow(4, false, false)) {
            assertThat(four.workspace.peakBytes() - three.workspace.peakBytes()).isEqualTo(tensor);
            assertThat(watched.workspace.peakBytes() - four.workspace.peakBytes()).as("a gradient each").isEqualTo(4 * tensor);
            assertThat(four.gradient).isEqualTo(watched.gradient).isEqualTo(kept.gradient);
        }
    }

    /** Layers {@code x + gelu(x ⊙ weight)}, there and back. */
    private final class InARow implements AutoCloseable {
        private final Workspace workspace = new Workspace(1 << 20);
        private final float[] gradient;

        InARow(int layers, boolean recompute, boolean isWatched) {
            Gradients gradients = new Gradients(arena, List.of(weight));
            try (Pass pass = Pass.training(Backend.named("scalar"), Parallel.of(1), workspace, gradients, new Randomness(5, 6))) {
                Tensor x = Elementwise.multiply(pass, a, weight);
                for (int i = 0; i < layers; i++) {
                    x = recompute ? Recompute.run(pass, List.of(x), this::layer).getFirst() : layer(pass, List.of(x)).getFirst();
                    if (isWatched) {
                        pass.watch(x);
                    }
                }
                pass.backward(Elementwise.sum(pass, 1, x));
                gradient = gradients.of(weight).toFloats();
            }
        }

        private List<Tensor> layer(Pass pass, List<Tensor> inputs) {
            Tensor x = inputs.getFirst();
            return List.of(Elementwise.add(pass, x, Elementwise.activation(pass, Activation.GELU,
                    Elementwise.multiply(pass, x, weight))));
        }

        @Override
        public void close() {
            workspace.close();
        }
    }

    @Test
    void inferenceRunsThePieceAsItIs() {
        try (Workspace workspace = new Workspace();
                Pass pass = Pass.inference(Backend.named("scalar"), Parallel.of(1), workspace)) {
            assertThat(Recompute.run(pass, List.of(a, b), (inner, inputs) -> {
                assertThat(inner).isSameAs(pass);
                return inputs;
            })).containsExactly(a, b);
        }
    }
}
