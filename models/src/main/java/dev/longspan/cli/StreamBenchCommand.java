package dev.longspan.cli;

import dev.longspan.backend.Backend;
import dev.longspan.bench.StreamBench;
import dev.longspan.bench.StreamConfig;
import dev.longspan.bench.StreamResult;
import dev.longspan.bench.SweepTable;
import dev.longspan.model.Architecture;
import dev.longspan.model.ModelConfig;
import dev.longspan.text.Bytes;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

/** Whether a stream stays as fast and as small as it was. */
@Command(
        name = "stream",
        header = "One long stream through a model: time per token and memory from its first tokens to its last.",
        description = {"", "Float32, random bytes, fresh weights. Exit status 1 if time per token or memory at the end exceed "
                + "those behind the warm-up by more than 10 %%, or an answer is wrong.", ""},
        footer = {"", "Examples:", "  longspan bench stream", "  longspan bench stream --preset small --tokens 256k --piece 2k"})
final class StreamBenchCommand implements Callable<Integer> {

    private static final long SECONDS_BETWEEN_LINES = 10;

    @ParentCommand
    private BenchCommand bench;

    @Option(names = "--arch", defaultValue = "megalodon", paramLabel = "NAME",
            description = "Architecture (default: ${DEFAULT-VALUE}).")
    private String architecture = "megalodon";

    @Option(names = "--preset", defaultValue = "small", paramLabel = "NAME",
            description = "Its size (default: ${DEFAULT-VALUE}).")
    private String preset = "small";

    @Option(names = "--tokens", defaultValue = "1m", paramLabel = "N", converter = ByteSize.class,
            description = "Tokens of the stream (default: ${DEFAULT-VALUE}).")
    private long tokens;

    @Option(names = "--piece", defaultValue = "4k", paramLabel = "N", converter = ByteSize.class,
            description = "Tokens read at once (default: ${DEFAULT-VALUE}).")
    private long piece;

    @Override
    public Integer call() {
        Main main = bench.main();
        Output output = main.output();
        StreamConfig stream = new StreamConfig(tokens, Math.toIntExact(piece));
        Backend backend = main.backend();
        Architecture named = main.architectures().named(architecture);
        ModelConfig config = ModelConfig.of(named, named.preset(preset, tokens, Bytes.VOCABULARY));
        output.line("%s %s, float32, batch 1, pieces of %s, %d threads, backend %s (%s)", architecture, preset,
                SweepTable.context(piece), main.parallel().threads(), backend.name(), backend.detail());
        output.line("%s", StreamResult.header());
        StreamResult result = new StreamBench(backend, main.parallel(), main.seed()).run(config.blueprint(), stream,
                row -> output.line("%s", StreamResult.line(row)), progress(main));
        result.footer().forEach(line -> output.line("%s", line));
        Map<String, @Nullable Object> figures = new LinkedHashMap<>();
        figures.put("architecture", architecture);
        figures.put("preset", preset);
        figures.putAll(result.figures());
        output.result(figures);
        return result.passed() ? ExitStatus.OK : ExitStatus.CHECK_FAILED;
    }

    private LongConsumer progress(Main main) {
        long start = System.nanoTime();
        long[] printed = {start};
        return read -> {
            long now = System.nanoTime();
            if (main.showsProgress() && now - printed[0] > SECONDS_BETWEEN_LINES * 1_000_000_000) {
                printed[0] = now;
                main.err().println(String.format(Locale.ROOT, "%,d of %,d tokens, about %.0f s left", read, tokens,
                        (now - start) * 1e-9 * (tokens - read) / read));
            }
        };
    }
}
