package dev.longspan.jmh;

import static org.assertj.core.api.Assertions.assertThat;

import dev.longspan.backend.Backend;
import dev.longspan.bench.Deviation;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.Tensor;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A problem of each kind, small: the plain loops answer it right, and any other answer is wrong. */
class FamilyTest {

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "gemm|nt 12x9x33", "gemm|nn 5x6x7", "gemm|tn 8x3x16", "decode|40x24", "long|longnet-attention 200",
        "threads|gemm nt 12x9x33", "attention|causal 70x16 fwd+bwd",
        "attention|full 33x8 fwd+bwd", "attention|causal 40x16x3x2 fwd+bwd", "dilated-attention|200 fwd+bwd", "cema|130 fwd+bwd", "cema|64 fwd",
        "timestep-norm|64x4", "pointwise|rms_norm 60x33", "pointwise|layer_norm 60x33", "pointwise|gelu_tanh 60x33",
        "pointwise|gelu 60x33", "pointwise|silu 60x33", "pointwise|softmax 60x33",
        "small-kernel|16", "models|megalodon-small decode"})
    void aRightAnswerPassesAndAnyOtherFails(String family, String name) {
        try (Problem problem = Family.of(family).open().apply(name);
                Side side = problem.on(Backend.named("scalar"), Parallel.of(1))) {
            Deviation right = Turns.deviation(problem, side);
            assertThat(right.isWithin()).as("%s: %s", problem.name(), right).isTrue();
            for (Map.Entry<String, Tensor> answer : problem.task().answers().entrySet()) {
                side.answer();
                answer.getValue().fill(0.125);
                assertThat(problem.check().isWithin()).as("%s with a wrong %s", problem.name(), answer.getKey()).isFalse();
            }
        }
    }
}
