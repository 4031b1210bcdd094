package dev.longspan.model;

import static org.assertj.core.api.Assertions.assertThat;

import dev.longspan.autograd.Pass;
import dev.longspan.autograd.Workspace;
import dev.longspan.backend.Backend;
import dev.longspan.longnet.DecoderArchitecture;
import dev.longspan.megalodon.MegalodonArchitecture;
import dev.longspan.nn.LanguageModel;
import dev.longspan.nn.Parameters;
import dev.longspan.nn.StreamState;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Models that decode from matrices held otherwise than in their file. */
class WeightStorageTest {

    private static final long VOCABULARY = 50;
    private static final Parallel TWO = Parallel.of(2);

    @ParameterizedTest
    @ValueSource(strings = {"longnet", "megalodon"})
    void copiesGiveTheBitsOfTheFileAndBfloat16ThoseOfRoundedWeights(String architecture) {
        Blueprint blueprint = blueprint(architecture);
        try (TensorArena arena = new TensorArena()) {
            Map<String, Tensor> stored = blueprint.create(arena, 5).parameters();
            Parameters file = (name, shape) -> Objects.requireNonNull(stored.get(name), name);
            List<Float> mapped = decoded(blueprint.build(WeightStorage.MAPPED.of(file, arena)));
            assertThat(decoded(blueprint.build(WeightStorage.F32.of(file, arena)))).isEqualTo(mapped);
            assertThat(decoded(blueprint.build(WeightStorage.BF16.of(file, arena))))
                    .isEqualTo(decoded(blueprint.build(rounded(file, arena)))).isNotEqualTo(mapped);
        }
    }

    @Test
    void bfloat16TakesHalfTheBytesOfMatricesAlone() {
        Blueprint blueprint = blueprint("longnet");
        try (TensorArena arena = new TensorArena()) {
            Map<String, Tensor> stored = blueprint.create(arena, 5).parameters();
            Parameters file = (name, shape) -> Objects.requireNonNull(stored.get(name), name);
            blueprint.build(WeightStorage.BF16.of(file, arena)).parameters().forEach((name, tensor) ->
                    assertThat(tensor.dtype()).as(name).isEqualTo(tensor.rank() == 2 && !name.startsWith("embedding")
                            ? DType.BF16 : DType.F32));
        }
    }

    private static Blueprint blueprint(String architecture) {
        Architecture kind = architecture.equals("longnet") ? DecoderArchitecture.LONGNET : MegalodonArchitecture.MEGALODON;
        return kind.read(kind.preset("tiny", 64, VOCABULARY));
    }

    /** Matrices in float32 whose values bfloat16 has too. */
    private static Parameters rounded(Parameters from, TensorArena arena) {
        return new Parameters() {
            @Override
            public Tensor get(String name, long... shape) {
                return from.get(name, shape);
            }

            @Override
            public Tensor matrix(String name, long out, long in) {
                return arena.allocate(DType.F32, out, in)
                        .copyFrom(arena.allocate(DType.BF16, out, in).copyFrom(from.get(name, out, in)));
            }
        };
    }

    /** Logits of seven tokens at once, which are packed, and of four more, one by one. */
    private static <S extends StreamState> List<Float> decoded(LanguageModel<S> model) {
        List<Float> logits = new ArrayList<>();
        try (TensorArena arena = new TensorArena(); Workspace workspace = new Workspace()) {
            S state = model.start(arena, 1);
            for (int tokens : new int[] {7, 1, 1, 1, 1}) {
                try (Pass pass = Pass.inference(Backend.named("vector"), TWO, workspace)) {
                    LanguageModel.Step<S> step = model.next(pass, state, pass.allocate(DType.I32, 1, tokens).fill(3));
                    for (float logit : step.logits().toFloats()) {
                        logits.add(logit);
                    }
                    state = step.state();
                }
            }
        }
        return logits;
    }
}
