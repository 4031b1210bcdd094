package dev.longspan.generate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.longspan.backend.Backend;
import dev.longspan.generate.Generator.Request;
import dev.longspan.kernel.AttentionPattern.Branch;
import dev.longspan.longnet.LongNet;
import dev.longspan.longnet.LongNetConfig;
import dev.longspan.longnet.LongNetState;
import dev.longspan.parallel.CancelSignal;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.TensorArena;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class GeneratorTest {

    private final TensorArena arena = new TensorArena();
    private final LongNet model = LongNet.create(LongNetConfig.of(256, 16, 2, 1, List.of(new Branch(16, 1), new Branch(32, 2))),
            arena, DType.F32, 3);

    @AfterEach
    void close() {
        arena.close();
    }

    @Test
    void theSameSeedGivesTheSameTextAndChunksOfThePromptDoNotShow() {
        Generation whole = generate(request("The quick brown fox jumps over the lazy dog", 40, 1, List.of(), 1000));
        for (int chunk : new int[] {1, 7, 16, 33}) {
            Generation chunked = generate(request("The quick brown fox jumps over the lazy dog", 40, 1, List.of(), chunk));
            assertThat(chunked.text()).as("chunk=%d", chunk).isEqualTo(whole.text());
        }
        assertThat(whole.promptTokens()).isEqualTo(44);
        assertThat(whole.tokens()).isLessThanOrEqualTo(40).isPositive();
        assertThat(whole.stateBytes()).isPositive();
        assertThat(generate(request("The quick brown fox jumps over the lazy dog", 40, 2, List.of(), 1000)).text())
                .isNotEqualTo(whole.text());
    }

    @Test
    void packedWeightsGiveTheSameTextInTheirOwnMemory() {
        Request request = request("The quick brown fox jumps over the lazy dog", 10, 1, List.of(), 11);
        assumeThat(Backend.best().kernels().gemm().packs()).isTrue();
        try (TensorArena panels = new TensorArena()) {
            Generator<LongNetState> packing = Generator.of(Backend.best(), Parallel.all(), model)
                    .withPackedWeights(panels);
            String text = packing.generate(request, new CancelSignal(), piece -> { }).text();
            long once = panels.bytes();
            assertThat(once).isPositive();
            assertThat(packing.generate(request, new CancelSignal(), piece -> { }).text()).isEqualTo(text)
                    .isEqualTo(generate(request).text());
            assertThat(panels.bytes()).isEqualTo(once);
        }
    }

    @Test
    void aStopStringEndsTheTextBeforeItWhereverItsPiecesFall() {
        String text = generate(request("x", 60, 4, List.of(), 64)).text();
        assertThat(text.length()).isGreaterThan(12);
        String stop = text.substring(5, 8);
        Generation stopped = generate(request("x", 60, 4, List.of("never seen", stop), 64));
        assertThat(stopped.text()).isEqualTo(text.substring(0, text.indexOf(stop)));
        assertThat(stopped.end()).isEqualTo(Generation.End.STOP);
    }

    @Test
    void whatIsHeldBackAppearsAtTheEnd() {
        StopStrings stops = new StopStrings(List.of("abc", "bd"));
        assertThat(stops.add("xa")).isEqualTo("x");
        assertThat(stops.add("b")).isEmpty();
        assertThat(stops.add("b")).isEqualTo("ab");
        assertThat(stops.end()).isEqualTo("b");
        assertThat(new StopStrings(List.of("b", "abc")).add("abc")).isEqualTo("a");
        assertThatIllegalArgumentException().isThrownBy(() -> new StopStrings(List.of("")));
    }

    @Test
    void charactersAppearWholeAndWhatIsNoneIsReplaced() {
        Utf8 utf8 = new Utf8();
        StringBuilder shown = new StringBuilder();
        for (byte b : "aé€😀z".getBytes(StandardCharsets.UTF_8)) {
            String piece = utf8.add(Byte.toUnsignedInt(b));
            assertThat(piece).doesNotContain("\uFFFD");
            shown.append(piece);
        }
        assertThat(shown + utf8.end()).isEqualTo("aé€😀z");
        Utf8 torn = new Utf8();
        assertThat(torn.add(0xE2) + torn.add('a') + torn.add(0xFF) + torn.add(0xF0) + torn.end()).isEqualTo("\uFFFDa\uFFFD\uFFFD");
    }

    @Test
    void aSignalEndsItWithWhatWasDrawn() {
        CancelSignal cancel = new CancelSignal();
        StringBuilder heard = new StringBuilder();
        Generation generation = Generator.of(Backend.best(), Parallel.all(), model)
                .generate(request("x", 1000, 1, List.of(), 64), cancel, piece -> {
                    heard.append(piece);
                    if (heard.length() >= 3) {
                        cancel.raise();
                    }
                });
        assertThat(generation.end()).isEqualTo(Generation.End.CANCELLED);
        assertThat(generation.text()).isEqualTo(heard.toString());
    }

    private Generation generate(Request request) {
        StringBuilder heard = new StringBuilder();
        Generation generation = Generator.of(Backend.best(), Parallel.all(), model)
                .generate(request, new CancelSignal(), heard::append);
        assertThat(heard.toString()).isEqualTo(generation.text());
        return generation;
    }

    private static Request request(String prompt, int tokens, long seed, List<String> stops, int chunk) {
        return new Request(prompt, tokens, new Sampling(1, 0, 1, seed), stops, chunk);
    }
}
