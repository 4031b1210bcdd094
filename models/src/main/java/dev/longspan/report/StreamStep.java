package dev.longspan.report;

import dev.longspan.bench.StreamBench;
import dev.longspan.bench.StreamConfig;
import dev.longspan.bench.StreamResult;
import dev.longspan.model.Architecture;
import dev.longspan.model.ModelConfig;
import dev.longspan.text.Bytes;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A whole MEGALODON reads one long stream in memory that does not grow. */
public final class StreamStep implements Step {

    private static final int PIECE = 4096;
    /** Pieces that even a short stream is cut into. */
    private static final int LEAST_PIECES = 32;

    private final Architecture architecture;
    private final String preset;
    private final StreamConfig config;

    /** Of at most {@code tokens} tokens. */
    public StreamStep(Architecture architecture, String preset, long tokens) {
        this.architecture = architecture;
        this.preset = preset;
        int piece = Math.clamp(tokens / LEAST_PIECES, 2, PIECE);
        this.config = new StreamConfig(tokens / piece * piece, piece);
    }

    @Override
    public String name() {
        return "MEGALODON over a stream of " + Format.TOKENS.text(config.tokens());
    }

    @Override
    public int shareSeconds() {
        return 5 + (int) (config.tokens() / 50_000);
    }

    @Override
    public Section run(Job job) {
        job.out().println("a whole model (" + architecture.name() + " " + preset + "), float32, in pieces of "
                + Format.TOKENS.text(config.piece()));
        job.out().println(StreamResult.header());
        job.out().flush();
        StreamResult result = new StreamBench(job.backend(), job.parallel(), job.seed()).run(
                ModelConfig.of(architecture, architecture.preset(preset, config.tokens(), Bytes.VOCABULARY)).blueprint(), config,
                row -> {
                    job.out().println(StreamResult.line(row));
                    job.out().flush();
                }, read -> { });
        result.footer().forEach(job.out()::println);
        Map<String, @Nullable Object> figures = new LinkedHashMap<>();
        figures.put("preset", preset);
        figures.put("backend", job.backend().name());
        figures.putAll(result.figures());
        return new Section("stream", "MEGALODON: one stream, constant memory", result.passed(), figures, headlines(result),
                blocks(result), "longspan bench stream --preset " + preset + " --tokens " + config.tokens());
    }

    private static List<Section.Headline> headlines(StreamResult result) {
        return List.of(new Section.Headline("MEGALODON, a whole model: {stream.ratio:fixed2} times the time per token at "
                        + "{stream.tokens:tokens} tokens as at {stream.earlyTokens:tokens}, {stream.growth:fixed2} times the memory "
                        + "as at {stream.settledTokens:tokens} "
                        + "(at most " + (1 + StreamResult.FLAT_WITHIN) + " each)", result.isFlat() && result.isRight()));
    }

    private static List<Block> blocks(StreamResult result) {
        List<List<String>> rows = new ArrayList<>();
        for (int i = 0; i < result.rows().size(); i++) {
            String at = "{stream.rows." + i + ".";
            rows.add(List.of(at + "tokens:tokens}", at + "microsPerToken:fixed2}", at + "bytes:bytes}"));
        }
        return List.of(new Block.Prose("One stream of {stream.tokens:tokens} bytes through a MEGALODON of {stream.parameters} "
                        + "parameters (preset {stream.preset}), float32, backend {stream.backend}, {stream.piece:tokens} at "
                        + "once: every layer and the logits, where the sweep above measures attention alone. What it carries "
                        + "from piece to piece does not grow. Resident memory after {stream.settledTokens:tokens}: "
                        + "{stream.early.resident:bytes}, at the end: {stream.end.resident:bytes}, Java heap included."),
                new Block.Prose("Logits of the first tokens are off float64 by {stream.prefix.error:scientific} of the largest "
                        + "(bound {stream.prefix.bound:scientific}), those of the last piece off another partition's by "
                        + "{stream.partition.error:scientific} (bound {stream.partition.bound:scientific})."),
                new Block.Table(List.of("tokens", "µs/token", "tensors"), rows));
    }
}
