package dev.longspan.cli;

import dev.longspan.bench.Comparison;
import dev.longspan.bench.Comparisons;
import dev.longspan.bench.Sweep;
import dev.longspan.bench.SweepConfig;
import dev.longspan.bench.SweepResult;
import dev.longspan.bench.SweepTable;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;

/** Measures; every answer is checked first. */
@Command(
        name = "bench",
        header = "Measure attention over the context, kernels by backend, or whole models.",
        synopsisSubcommandLabel = "[model|context|stream]",
        subcommands = {ModelBenchCommand.class, ContextBenchCommand.class, StreamBenchCommand.class},
        description = {
            "",
            "sweep      time per token and memory of LongNet's attention over the context, beside dense attention",
            "gemm       matrix products of every backend, side by side",
            "attention  attention of every backend, side by side",
            "scan       CEMA and timestep norms of every backend, side by side",
            "pointwise  norms, pointwise functions, embedding, loss and optimiser of every backend, side by side",
            "kernels    gemm, attention, scan and pointwise in one run",
            "",
            "Exit status 1 if an answer is wrong; for sweep also if time per token at the longest context is over 1.10 times "
                    + "that at 32K, or memory is not linear."},
        footer = {"", "Examples:", "  longspan bench", "  longspan bench sweep --to 128k --heads 8 --backward",
            "  longspan bench gemm --threads 1"})
final class BenchCommand implements Callable<Integer> {

    private static final double WARM_UP_SECONDS = 1.5;

    /** What is measured. */
    enum Kind {
        sweep, gemm, attention, scan, pointwise, kernels
    }

    @ParentCommand
    private Main main;

    @Parameters(arity = "0..1", defaultValue = "sweep", paramLabel = "KIND",
            description = "${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE}).")
    private Kind kind = Kind.sweep;

    @Option(names = "--from", defaultValue = "2k", paramLabel = "TOKENS", converter = ByteSize.class,
            description = "Shortest context of the sweep (default: ${DEFAULT-VALUE}).")
    private long from;

    @Option(names = "--to", defaultValue = "1m", paramLabel = "TOKENS", converter = ByteSize.class,
            description = "Longest context of the sweep (default: ${DEFAULT-VALUE}).")
    private long to;

    @Option(names = "--heads", defaultValue = "2", paramLabel = "N", description = "Heads (default: ${DEFAULT-VALUE}).")
    private int heads;

    @Option(names = "--dim", defaultValue = "64", paramLabel = "N",
            description = "Dimensions of a head (default: ${DEFAULT-VALUE}).")
    private int dim;

    @Option(names = "--backward", description = "Sweep forward and backward instead of forward.")
    private boolean backward;

    @Option(names = "--limit", defaultValue = "10", paramLabel = "SECONDS",
            description = "Dense attention stops where one step would take longer, LongNet at six times that (default: ${DEFAULT-VALUE}).")
    private double limit;

    Main main() {
        return main;
    }

    @Override
    public Integer call() {
        return switch (kind) {
            case sweep -> sweep();
            case gemm, attention, scan, pointwise, kernels -> kernels();
        };
    }

    private int kernels() {
        Comparisons comparisons = new Comparisons(main.parallel());
        Consumer<Comparison> line = c -> main.output().line("%s", c.line());
        boolean every = kind == Kind.kernels;
        List<Comparison> all = new ArrayList<>();
        all.addAll(every || kind == Kind.gemm ? comparisons.gemm(line) : List.of());
        all.addAll(every || kind == Kind.attention ? comparisons.attention(heads, dim, line) : List.of());
        all.addAll(every || kind == Kind.scan ? comparisons.scan(line) : List.of());
        all.addAll(every || kind == Kind.pointwise ? comparisons.pointwise(line) : List.of());
        return compare(all);
    }

    private int sweep() {
        Output output = main.output();
        SweepConfig config = new SweepConfig(from, to, heads, dim, backward, limit, SweepConfig.standard().cellSeconds());
        Sweep sweep = new Sweep(config, main.backend(), main.parallel());
        output.line("%s", SweepTable.header(config));
        sweep.warmUp(WARM_UP_SECONDS);
        SweepResult result = sweep.run(row -> output.line("%s", SweepTable.line(row)));
        output.line("%s", SweepTable.footer(result));
        output.result(result.figures());
        return result.passed() ? ExitStatus.OK : ExitStatus.CHECK_FAILED;
    }

    private int compare(List<Comparison> comparisons) {
        boolean passed = comparisons.stream().allMatch(Comparison::passed);
        main.output().result(Map.of("comparisons", comparisons.stream().map(Comparison::figures).toList(), "passed", passed));
        return passed ? ExitStatus.OK : ExitStatus.CHECK_FAILED;
    }
}
