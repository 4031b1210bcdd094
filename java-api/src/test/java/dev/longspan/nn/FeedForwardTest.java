package dev.longspan.nn;

import static org.assertj.core.api.Assertions.assertThat;

import dev.longspan.autograd.Gradients;
import dev.longspan.autograd.Pass;
import dev.longspan.autograd.Randomness;
import dev.longspan.autograd.Workspace;
import dev.longspan.backend.Backend;
import dev.longspan.kernel.Activation;
import dev.longspan.kernel.RandomTensors;
import dev.longspan.op.Elementwise;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class FeedForwardTest {

    private static final int ROWS = 8;
    private static final int WIDTH = 16;
    private static final int INNER = 48;

    private final TensorArena arena = new TensorArena();
    private final RandomTensors tensors = new RandomTensors(arena, new Random(1), DType.F32);
    private final Tensor x = tensors.contiguous(2, ROWS / 2, WIDTH);
    private final Linear up = new Linear(tensors.contiguous(INNER, WIDTH), tensors.contiguous(INNER));
    private final Linear gate = new Linear(tensors.contiguous(INNER, WIDTH), null);
    private final Linear down = new Linear(tensors.contiguous(WIDTH, INNER), null);
    private final Activation f = Activation.GELU;
    private final FeedForward plain = new FeedForward(up, null, null, down, f, 0, 0);
    private final FeedForward gated = new FeedForward(up, gate, null, down, f, 0, 0);

    @AfterEach
    void close() {
        arena.close();
    }

    @Test
    void inferenceKeepsNothingThatAnActivationIsOf() {
        assertThat(peakOfInference(plain)).isEqualTo(4 * ROWS * (INNER + WIDTH));
        assertThat(peakOfInference(gated)).isEqualTo(4 * ROWS * (2 * INNER + WIDTH));
    }

    private long peakOfInference(FeedForward layer) {
        try (Workspace workspace = new Workspace();
                Pass pass = Pass.inference(Backend.best(), Parallel.of(1), workspace)) {
            layer.apply(pass, x);
            return workspace.peakBytes();
        }
    }

    @Test
    void trainingGivesTheBitsOfOneOpAfterAnother() {
        Backend scalar = Backend.named("scalar");
        assertThat(bits(scalar, pass -> plain.apply(pass, x))).isEqualTo(bits(scalar, pass ->
                down.apply(pass, Elementwise.activation(pass, f, up.apply(pass, x)))));
        assertThat(bits(scalar, pass -> gated.apply(pass, x))).isEqualTo(bits(scalar, pass -> {
            Tensor raised = up.apply(pass, x);
            return down.apply(pass, Elementwise.gated(pass, f, gate.apply(pass, x), raised));
        }));
    }

    private List<List<Double>> bits(Backend backend, Function<Pass, Tensor> layer) {
        List<Tensor> inputs = Stream.of(x, up.weight(), up.bias(), gate.weight(), down.weight()).toList();
        Gradients gradients = new Gradients(arena, inputs);
        try (Workspace workspace = new Workspace(); Pass pass = Pass.training(backend, Parallel.of(1), workspace,
                gradients, new Randomness(1, 1))) {
            Tensor y = layer.apply(pass);
            pass.backward(Elementwise.sum(pass, 1, Elementwise.multiply(pass, y, y)));
            return Stream.concat(Stream.of(y), inputs.stream().map(gradients::of))
                    .map(t -> Arrays.stream(t.toDoubles()).boxed().toList()).toList();
        }
    }
}
