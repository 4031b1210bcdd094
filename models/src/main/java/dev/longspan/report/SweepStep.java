package dev.longspan.report;

import dev.longspan.bench.Sweep;
import dev.longspan.bench.SweepConfig;
import dev.longspan.bench.SweepResult;
import dev.longspan.bench.SweepRow;
import dev.longspan.bench.SweepTable;
import java.util.ArrayList;
import java.util.List;

/** LongNet's attention over the context, beside dense attention. */
public final class SweepStep implements Step {

    private static final double WARM_UP_SECONDS = 1.5;

    private final SweepConfig config;

    public SweepStep(SweepConfig config) {
        this.config = config;
    }

    @Override
    public String name() {
        return "time and memory over the context";
    }

    @Override
    public int shareSeconds() {
        return 62;
    }

    @Override
    public Section run(Job job) {
        Sweep sweep = new Sweep(config, job.backend(), job.parallel());
        job.out().println(SweepTable.header(config));
        job.out().flush();
        sweep.warmUp(WARM_UP_SECONDS);
        SweepResult result = sweep.run(row -> {
            job.out().println(SweepTable.line(row));
            job.out().flush();
        });
        job.out().println(SweepTable.footer(result));
        return new Section("sweep", "Time and memory over the context", result.passed(), result.figures(),
                headlines(result), blocks(result), "longspan bench sweep");
    }

    private static List<Section.Headline> headlines(SweepResult result) {
        List<Section.Headline> lines = new ArrayList<>();
        if (result.flatness() != null) {
            lines.add(new Section.Headline("LongNet attention: {sweep.flatness.ratio:fixed2} times the time per token at "
                    + "{sweep.flatness.longTokens:tokens} tokens as at {sweep.flatness.shortTokens:tokens} "
                    + "(at most {sweep.flatness.bound:fixed2})", result.flatness().isWithin()));
        }
        for (int i = result.rows().size() - 1; i >= 0; i--) {
            SweepRow row = result.rows().get(i);
            if (row.longnet() != null && row.dense() != null) {
                lines.add(new Section.Headline(("at {sweep.rows.%1$d.tokens:tokens} tokens {sweep.rows.%1$d.longnet.microsPerToken:fixed2} µs "
                        + "a token, dense attention {sweep.rows.%1$d.dense.microsPerToken:fixed2} µs").formatted(i),
                        row.longnet().isRight() && row.dense().isRight()));
                break;
            }
        }
        if (result.memory() != null) {
            lines.add(new Section.Headline("peak memory: {sweep.memory.bytesPerToken:fixed1} bytes per token, off a straight line "
                    + "by at most {sweep.memory.worst:percent}", result.memory().worst() <= SweepResult.LINEAR_WITHIN));
        }
        return lines;
    }

    private static List<Block> blocks(SweepResult result) {
        Chart.Axis tokens = new Chart.Axis("context (tokens)", true, Format.TOKENS);
        List<List<String>> rows = new ArrayList<>();
        for (int i = 0; i < result.rows().size(); i++) {
            String at = "{sweep.rows." + i + ".";
            rows.add(List.of(at + "tokens:tokens}", at + "longnet.microsPerToken:fixed2}", at + "dense.microsPerToken:fixed2}",
                    at + "longnet.bytes:bytes}", at + "longnet.repetitions}", at + "longnet.error:scientific}",
                    at + "dense.error:scientific}", at + "longnet.bound:scientific}"));
        }
        return List.of(
                new Block.Prose("Forward of causal attention, {sweep.heads} heads of {sweep.dim}, float32, backend {sweep.backend}. "
                        + "LongNet's schedule is geometric, w = 2048·2^i and r = 2^i, up to a segment that holds all tokens. "
                        + "Sampled rows of every answer are compared with the definition in float64; a time whose answer is "
                        + "wrong is not shown. Dense attention stops where one step would take over 10 s. MEGALODON's lines are those of the "
                        + "next section: a whole model, not attention alone."),
                new Block.Plot(new Chart("Time per token over the context", tokens,
                        new Chart.Axis("µs per token", true, Format.FIXED2), List.of(
                        new Chart.Series("LongNet", "sweep.rows", "tokens", "longnet.microsPerToken"),
                        new Chart.Series("dense", "sweep.rows", "tokens", "dense.microsPerToken"), whole("microsPerToken")),
                        List.of())),
                new Block.Plot(new Chart("Peak native memory over the context", tokens,
                        new Chart.Axis("peak memory", true, Format.BYTES), List.of(
                        new Chart.Series("LongNet", "sweep.rows", "tokens", "longnet.bytes"),
                        new Chart.Series("dense", "sweep.rows", "tokens", "dense.bytes"), whole("bytes")), List.of())),
                new Block.Table(List.of("tokens", "LongNet µs/token", "dense µs/token", "LongNet memory", "repetitions",
                        "LongNet error", "dense error", "bound"), rows));
    }

    /** {@link StreamStep}'s rows, where it has run. */
    private static Chart.Series whole(String figure) {
        return new Chart.Series("MEGALODON, whole model, streamed", "stream.rows", "tokens", figure);
    }
}
