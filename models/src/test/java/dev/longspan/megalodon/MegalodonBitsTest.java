package dev.longspan.megalodon;

import static org.assertj.core.api.Assertions.assertThat;

import dev.longspan.autograd.Gradients;
import dev.longspan.autograd.Pass;
import dev.longspan.backend.Backend;
import dev.longspan.longnet.Bench;
import dev.longspan.op.Loss;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Logits and gradients are the same bits however the work is divided. */
class MegalodonBitsTest {

    static List<Backend> backends() {
        return Backend.onHost().stream().filter(backend -> backend.available() != null).toList();
    }

    private static List<float[]> run(Backend backend, int threads) {
        List<float[]> results = new ArrayList<>();
        try (Bench bench = new Bench(backend, Parallel.of(threads))) {
            Megalodon model = Megalodon.create(Megalodons.awkward().withDropouts(new MegalodonConfig.Dropouts(0.1, 0.1, 0.1)),
                    bench.arena, DType.F32, 5);
            Gradients gradients = new Gradients(bench.arena, model.parameters().values());
            try (Pass pass = bench.training(gradients)) {
                Tensor logits = model.logits(pass, bench.tokens(1, 2, 70));
                pass.backward(Loss.meanCrossEntropy(pass, logits, bench.tokens(2, 2, 70)));
                results.add(logits.toFloats());
                model.parameters().values().forEach(p -> results.add(gradients.of(p).toFloats()));
            }
        }
        return results;
    }

    @ParameterizedTest
    @MethodSource("backends")
    void oneAndTwoThreadsAndARepeatedRunGiveTheSameBits(Backend backend) {
        List<float[]> once = run(backend, 1);
        for (int threads : new int[] {2, 2, 1}) {
            List<float[]> again = run(backend, threads);
            for (int i = 0; i < once.size(); i++) {
                assertThat(again.get(i)).as("tensor %d with %d threads", i, threads).isEqualTo(once.get(i));
            }
        }
    }

    @ParameterizedTest
    @MethodSource("backends")
    void aSequenceGivesTheSameBitsAtAnyPlaceInTheBatch(Backend backend) {
        try (Bench bench = new Bench(backend, Parallel.of(2))) {
            Megalodon model = Megalodon.create(Megalodons.awkward(), bench.arena, DType.F32, 5);
            Tensor three = bench.tokens(1, 3, 70);
            double[] together = bench.values(pass -> model.logits(pass, three));
            int each = 70 * Bench.VOCABULARY;
            for (int b = 0; b < 3; b++) {
                Tensor alone = bench.arena.allocate(DType.I64, 1, 70).copyFrom(three.slice(0, b, b + 1));
                assertThat(bench.values(pass -> model.logits(pass, alone))).as("sequence %d", b)
                        .isEqualTo(Arrays.copyOfRange(together, b * each, (b + 1) * each));
            }
        }
    }
}
