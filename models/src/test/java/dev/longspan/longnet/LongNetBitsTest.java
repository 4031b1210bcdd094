package dev.longspan.longnet;

import static org.assertj.core.api.Assertions.assertThat;

import dev.longspan.autograd.Gradients;
import dev.longspan.autograd.Pass;
import dev.longspan.backend.Backend;
import dev.longspan.kernel.Rotary;
import dev.longspan.op.Loss;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Loss, logits and gradients are the same bits however the work is divided. */
class LongNetBitsTest {

    static List<Backend> backends() {
        return Backend.onHost().stream().filter(backend -> backend.available() != null).toList();
    }

    private static List<float[]> run(LongNetConfig config, Backend backend, int threads) {
        List<float[]> results = new ArrayList<>();
        try (Bench bench = new Bench(backend, Parallel.of(threads))) {
            LongNet model = LongNet.create(config, bench.arena, DType.F32, 5);
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

    private static List<LongNetConfig> configs() {
        LongNetConfig.Dropouts some = new LongNetConfig.Dropouts(0.1, 0.1, 0.1);
        return List.of(Bench.awkward().withDropouts(some), Bench.llama(Rotary.Pairs.HALVES), Bench.gatedLongNet());
    }

    @ParameterizedTest
    @MethodSource("backends")
    void oneAndTwoThreadsAndARepeatedRunGiveTheSameBits(Backend backend) {
        for (LongNetConfig config : configs()) {
            List<float[]> once = run(config, backend, 1);
            for (int threads : new int[] {2, 2, 1}) {
                List<float[]> again = run(config, backend, threads);
                for (int i = 0; i < once.size(); i++) {
                    assertThat(again.get(i)).as("tensor %d with %d threads of %s", i, threads, config)
                            .isEqualTo(once.get(i));
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("backends")
    void aSequenceGivesTheSameBitsAtAnyPlaceInTheBatch(Backend backend) {
        try (Bench bench = new Bench(backend, Parallel.of(2))) {
            LongNet model = LongNet.create(Bench.awkward(), bench.arena, DType.F32, 5);
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
