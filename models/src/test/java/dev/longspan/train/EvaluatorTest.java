package dev.longspan.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.longspan.backend.Backend;
import dev.longspan.kernel.AttentionPattern.Branch;
import dev.longspan.longnet.LongNet;
import dev.longspan.longnet.LongNetConfig;
import dev.longspan.nn.LanguageModel;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.TensorArena;
import dev.longspan.text.Document;
import dev.longspan.text.Passage;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class EvaluatorTest {

    private static final List<Passage> PASSAGES = Passage.all(List.of(document("ab".repeat(2600)), document("c".repeat(700))), 5000);

    private final TensorArena arena = new TensorArena();

    @AfterEach
    void close() {
        arena.close();
    }

    @Test
    void aModelThatKnowsNothingCostsEightBitsAByteEverywhere() {
        Bigram model = Bigram.create(arena, 256, 4, 1);
        model.output().weight().fill(0);
        model.table().weight().fill(0);
        model.parameters().get("output.bias").fill(0);
        HeldOutBits found = measure(model, 1024);
        assertThat(found.bytes()).isEqualTo(5900);
        assertThat(found.positions()).extracting(PositionBits::from).containsExactly(0L, 1024L, 4096L);
        assertThat(found.positions()).extracting(PositionBits::bytes).containsExactly(1024L + 200 + 700, 3072L, 904L);
        assertThat(found.positions()).allSatisfy(p -> assertThat(p.bitsPerByte()).isCloseTo(8, within(1e-6)));
        assertThat(found.bitsPerByte()).isCloseTo(8, within(1e-6));
    }

    @Test
    void aModelOfOneByteOfContextGainsNothingFromMore() {
        Bigram model = Bigram.create(arena, 256, 8, 1);
        HeldOutBits found = measure(model, 100);
        assertThat(found.beyondCut()).isEqualTo(4900 + 100 + 600);
        assertThat(found.bitsWhenCut()).isCloseTo(found.bitsBeyondCut(), within(1e-6));
        try (Evaluator evaluator = new Evaluator(Backend.best(), model)) {
            assertThat(evaluator.bitsPerByte(Parallel.all(), PASSAGES)).isCloseTo(found.bitsPerByte(), within(1e-9));
        }
    }

    @Test
    void withTheContextCutAByteCostsWhatItCostsAtTheEndOfItsWindow() {
        LongNet model = LongNet.create(LongNetConfig.of(256, 8, 2, 1, List.of(new Branch(64, 1))), arena, DType.F32, 2);
        Document document = document("the quick brown fox");
        try (Evaluator evaluator = new Evaluator(Backend.best(), model)) {
            HeldOutBits found = evaluator.measure(Parallel.all(), List.of(new Passage(document, 0, 12)), 8);
            double expected = 8 * evaluator.bitsPerByte(Parallel.all(), List.of(new Passage(document, 4, 12)))
                    - 4 * evaluator.bitsPerByte(Parallel.all(), List.of(new Passage(document, 4, 8)));
            assertThat(found.bitsWhenCut()).isCloseTo(expected, within(1e-4));
            assertThat(found.bitsWhenCut()).isNotCloseTo(found.bitsBeyondCut(), within(1e-4));
        }
    }

    private HeldOutBits measure(LanguageModel<?> model, int cut) {
        try (Evaluator evaluator = new Evaluator(Backend.best(), model)) {
            return evaluator.measure(Parallel.all(), PASSAGES, cut);
        }
    }

    private static Document document(String text) {
        return new Document(text.substring(0, 2), text.getBytes(StandardCharsets.UTF_8));
    }
}
