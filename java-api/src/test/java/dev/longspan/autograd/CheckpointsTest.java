package dev.longspan.autograd;

import static org.assertj.core.api.Assertions.assertThat;

import dev.longspan.backend.Backend;
import dev.longspan.kernel.Activation;
import dev.longspan.op.Elementwise;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Layers {@code 0.9·x + dropout(gelu(x ⊙ weight))}, and what is kept of them. */
class CheckpointsTest {

    private static final int N = 1024;

    private final TensorArena arena = new TensorArena();
    private final Tensor weight = random(1);
    private final Tensor input = random(2);

    private Tensor random(long seed) {
        return arena.allocate(DType.F32, N).set(new Random(seed).doubles(N).toArray());
    }

    @AfterEach
    void close() {
        arena.close();
    }

    /** A network of so many layers around them. */
    @FunctionalInterface
    private interface Network {
        Tensor apply(Pass pass, List<Tensor> weights, Tensor x);
    }

    /** What a trip gives and takes. */
    private record Trip(float[] output, float[] dWeight, float[] dInput, long peakBytes) {
    }

    private Trip train(String backend, int layers, Network network) {
        Gradients gradients = new Gradients(arena, List.of(weight));
        try (Workspace workspace = new Workspace(1 << 20); Pass pass = Pass.training(backend(backend), Parallel.of(2), workspace,
                gradients, new Randomness(5, 6))) {
            pass.watch(input);
            Tensor y = network.apply(pass, Collections.nCopies(layers, weight), Elementwise.multiply(pass, input, input));
            Tensor loss = Elementwise.sum(pass, 1, Elementwise.multiply(pass, y, y));
            float[] output = y.toFloats();
            pass.backward(loss);
            return new Trip(output, gradients.of(weight).toFloats(), pass.gradient(input).toFloats(), workspace.peakBytes());
        }
    }

    private static Backend backend(String name) {
        Backend backend = Backend.named(name);
        Assumptions.assumeTrue(backend.reason() == null, () -> name + ": " + backend.reason());
        return backend;
    }

    private Trip train(String backend, int layers, Checkpoints checkpoints) {
        return train(backend, layers, (pass, weights, x) -> {
            List<Tensor> states = checkpoints.states(pass, weights, x, CheckpointsTest::layer);
            assertThat(states).hasSize(layers + 1).element(0).isSameAs(x);
            assertThat(states.subList(1, layers)).allMatch(state ->
                    state.dtype() == (checkpoints == Checkpoints.BF16 ? DType.BF16 : DType.F32));
            return states.getLast();
        });
    }

    private static Tensor layer(Pass pass, Tensor weight, Tensor x) {
        assertThat(x.dtype()).isEqualTo(DType.F32);
        Tensor f = Elementwise.activation(pass, Activation.GELU, Elementwise.multiply(pass, x, weight));
        return Elementwise.add(pass, x, 0.9, Elementwise.dropout(pass, 0.2, f));
    }

    /** x, and a constant that makes it what BF16 keeps of it: exact, as both lie within a factor of two. */
    private Tensor rounded(Pass pass, Tensor x) {
        Tensor half = arena.allocate(DType.BF16, N).copyFrom(x);
        float[] difference = half.toFloats();
        float[] values = x.toFloats();
        for (int i = 0; i < N; i++) {
            difference[i] -= values[i];
        }
        return Elementwise.add(pass, x, arena.allocate(DType.F32, N).set(difference));
    }

    private static void sameBits(Trip found, Trip expected) {
        assertThat(found.output).isEqualTo(expected.output);
        assertThat(found.dWeight).isEqualTo(expected.dWeight);
        assertThat(found.dInput).isEqualTo(expected.dInput);
    }

    @ParameterizedTest
    @ValueSource(strings = {"scalar", "vector", "host"})
    void exactOnesGiveTheSameBits(String backend) {
        sameBits(train(backend, 4, Checkpoints.EXACT), train(backend, 4, Checkpoints.NONE));
    }

    @ParameterizedTest
    @ValueSource(strings = {"scalar", "vector", "host"})
    void halfOnesGiveTheBitsOfANetworkThatRoundsBetweenLayersAndSendsGradientsThrough(String backend) {
        Trip found = train(backend, 4, Checkpoints.BF16);
        sameBits(found, train(backend, 4, (pass, weights, x) -> {
            Tensor y = x;
            for (int i = 0; i < 4; i++) {
                y = layer(pass, weight, i == 0 ? y : rounded(pass, y));
            }
            return y;
        }));
        assertThat(found.output).isNotEqualTo(train(backend, 4, Checkpoints.NONE).output);
    }

    @Test
    void theirBytesAreThoseThatOneLayerMoreTakes() {
        for (Checkpoints checkpoints : List.of(Checkpoints.EXACT, Checkpoints.BF16)) {
            long one = train("scalar", 1, checkpoints).peakBytes;
            for (int layers = 2; layers < 6; layers++) {
                assertThat(train("scalar", layers, checkpoints).peakBytes - one).as("%s, layers=%d", checkpoints, layers)
                        .isEqualTo(checkpoints.bytes(layers, N, DType.F32) - checkpoints.bytes(1, N, DType.F32));
            }
        }
        assertThat(Checkpoints.BF16.bytes(12, N, DType.F32)).isEqualTo((11 * 2 + 2 * 4) * N);
    }

    @Test
    void inferenceRoundsNothing() {
        try (Workspace workspace = new Workspace(); Pass pass = Pass.inference(Backend.named("scalar"), Parallel.of(1), workspace)) {
            List<Tensor> weights = Collections.nCopies(3, weight);
            assertThat(Checkpoints.BF16.states(pass, weights, input, CheckpointsTest::layer).getLast().toFloats())
                    .isEqualTo(Checkpoints.NONE.states(pass, weights, input, CheckpointsTest::layer).getLast().toFloats());
        }
    }
}
