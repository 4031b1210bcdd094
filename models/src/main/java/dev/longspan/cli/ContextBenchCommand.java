package dev.longspan.cli;

import dev.longspan.autograd.Checkpoints;
import dev.longspan.bench.Contestant;
import dev.longspan.bench.ContextBench;
import dev.longspan.bench.ContextRow;
import dev.longspan.bench.SweepTable;
import dev.longspan.model.Architecture;
import dev.longspan.model.Blueprint;
import dev.longspan.model.ModelConfig;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.OutOfNativeMemoryException;
import dev.longspan.text.Bytes;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

/** What a longer context costs two models. */
@Command(
        name = "context",
        header = "Forward + backward of two models of one size at a short and at a long context, in turns.",
        description = {"", "Float32, one sequence of random bytes, fresh weights. Exit status 1 if an answer is wrong.",
            "Dense attention at 32K takes a minute or two a step on two cores.", ""},
        footer = {"", "Examples:", "  longspan bench context", "  longspan bench context --to 8k --preset tiny",
            "  longspan bench context --recompute --max-memory 4g"})
final class ContextBenchCommand implements Callable<Integer> {

    /** arXiv 2404.08801, figure 4: 7B against Llama 2 7B with FlashAttention-2, by context. */
    private static final Map<Long, Double> PAPER = Map.of(4096L, 0.94, 32_768L, 1.32);

    @ParentCommand
    private BenchCommand bench;

    @Option(names = "--arch", defaultValue = "megalodon,llama", split = ",", paramLabel = "NAME",
            description = "Two architectures (default: ${DEFAULT-VALUE}).")
    private List<String> architectures = List.of();

    @Option(names = "--preset", defaultValue = "small", paramLabel = "NAME",
            description = "Size of both (default: ${DEFAULT-VALUE}).")
    private String preset = "small";

    @Option(names = "--from", defaultValue = "4k", paramLabel = "TOKENS", converter = ByteSize.class,
            description = "Short context (default: ${DEFAULT-VALUE}).")
    private long from;

    @Option(names = "--to", defaultValue = "32k", paramLabel = "TOKENS", converter = ByteSize.class,
            description = "Long context (default: ${DEFAULT-VALUE}).")
    private long to;

    @Option(names = "--recompute", description = "Both keep each layer's input only and compute the rest twice: less memory.")
    private boolean recompute;

    @Override
    public Integer call() {
        if (architectures.size() != 2) {
            throw new IllegalArgumentException("two architectures are compared: --arch=" + String.join(",", architectures));
        }
        Main main = bench.main();
        Output output = main.output();
        ContextBench measure = new ContextBench(main.backend(), main.parallel(), main.seed(), line -> {
            if (main.showsProgress()) {
                main.err().println(line);
            }
        });
        List<Long> parameters = architectures.stream()
                .map(name -> blueprint(name, from).plan(from, 1, DType.F32).parameters()).toList();
        output.line("%s %s: %,d parameters, %s %2$s: %,d; forward + backward, float32, batch 1, %d threads, backend %s",
                architectures.get(0), preset, parameters.get(0), architectures.get(1), parameters.get(1),
                main.parallel().threads(), main.backend().name());
        output.line("%8s  %20s  %20s  %7s  %8s", "context", architectures.get(0) + " tokens/s",
                architectures.get(1) + " tokens/s", "ratio", "of bound");
        List<ContextRow> rows = new ArrayList<>();
        for (long context : new long[] {from, to}) {
            ContextRow row = measured(measure, context);
            rows.add(row);
            output.line("%s", line(row));
        }
        if (architectures.equals(List.of("megalodon", "llama"))) {
            output.line("paper (arXiv 2404.08801, figure 4; not from this run): 7B on A100s, 0.94 at 4K and 1.32 at 32K");
        }
        boolean passed = rows.stream().allMatch(ContextRow::isRight);
        output.line(passed ? "logits and gradients of the first tokens checked against float64" : "CHECK FAILED");
        Map<String, @Nullable Object> figures = new LinkedHashMap<>();
        figures.put("preset", preset);
        figures.put("parameters", parameters);
        figures.put("rows", rows.stream().map(ContextRow::figures).toList());
        figures.put("paper", architectures.equals(List.of("megalodon", "llama")) ? PAPER : null);
        figures.put("passed", passed);
        output.result(figures);
        return passed ? ExitStatus.OK : ExitStatus.CHECK_FAILED;
    }

    private ContextRow measured(ContextBench measure, long context) {
        try {
            return measure.run(architectures.stream().map(name -> new Contestant(name, blueprint(name, context))).toList(),
                    context);
        } catch (OutOfNativeMemoryException e) {
            throw recompute ? e : new OutOfNativeMemoryException(e.getMessage() + "; --recompute needs less");
        }
    }

    private Blueprint blueprint(String name, long context) {
        Architecture architecture = bench.main().architectures().named(name);
        Blueprint blueprint = ModelConfig.of(architecture, architecture.preset(preset, context, Bytes.VOCABULARY)).blueprint();
        return blueprint.withCheckpoints(recompute ? Checkpoints.EXACT : Checkpoints.NONE);
    }

    private static String line(ContextRow row) {
        StringBuilder line = new StringBuilder(String.format(Locale.ROOT, "%8s", SweepTable.context(row.tokens())));
        for (int i = 0; i < 2; i++) {
            line.append(row.deviations().get(i).isWithin() ? String.format(Locale.ROOT, "  %,20.0f", row.tokensPerSecond(i))
                    : String.format(Locale.ROOT, "  %20s", "wrong answer"));
        }
        double share = row.deviations().stream().mapToDouble(d -> d.error() / d.bound()).max().orElseThrow();
        return line.append(row.isRight() ? String.format(Locale.ROOT, "  %7.2f", row.ratio()) : String.format("  %7s", "-"))
                .append(String.format(Locale.ROOT, "  %6.1f %%", 100 * share)).toString();
    }
}
