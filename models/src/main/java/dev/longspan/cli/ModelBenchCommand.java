package dev.longspan.cli;

import dev.longspan.autograd.Checkpoints;
import dev.longspan.backend.Backend;
import dev.longspan.bench.ModelBench;
import dev.longspan.bench.ModelResult;
import dev.longspan.model.Architecture;
import dev.longspan.model.ModelConfig;
import dev.longspan.text.Bytes;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

/** How fast a model is. */
@Command(
        name = "model",
        header = "Tokens a second of a model: forward, forward + backward, decode; each with its share of the machine's peak.",
        description = {"", "Float32, one sequence of random bytes, fresh weights. Exit status 1 if an answer is wrong.", ""},
        footer = {"", "Examples:", "  longspan bench model", "  longspan bench model --arch llama --preset small --context 4k"})
final class ModelBenchCommand implements Callable<Integer> {

    @ParentCommand
    private BenchCommand bench;

    @Option(names = "--arch", defaultValue = "megalodon", paramLabel = "NAME",
            description = "Architecture (default: ${DEFAULT-VALUE}).")
    private String architecture = "megalodon";

    @Option(names = "--preset", defaultValue = "small", paramLabel = "NAME",
            description = "Its size (default: ${DEFAULT-VALUE}).")
    private String preset = "small";

    @Option(names = "--context", defaultValue = "8k", paramLabel = "TOKENS", converter = ByteSize.class,
            description = "Tokens of the sequence (default: ${DEFAULT-VALUE}).")
    private long context;

    @Option(names = "--recompute", description = "Training keeps each layer's input only and computes the rest twice.")
    private boolean recompute;

    @Override
    public Integer call() {
        Main main = bench.main();
        Output output = main.output();
        Backend backend = main.backend();
        Architecture named = main.architectures().named(architecture);
        ModelConfig config = ModelConfig.of(named, named.preset(preset, context, Bytes.VOCABULARY));
        ModelResult result = new ModelBench(backend, main.parallel(), main.seed())
                .run(config.blueprint().withCheckpoints(recompute ? Checkpoints.EXACT : Checkpoints.NONE), context);
        output.line("%s %s: %,d parameters, float32, batch 1, %d threads, backend %s (%s)", architecture, preset,
                result.parameters(), main.parallel().threads(), backend.name(), backend.detail());
        result.lines().forEach(line -> output.line("%s", line));
        if (architecture.equals("megalodon") && preset.equals("small")) {
            PEERS.lines().forEach(line -> output.line("%s", line));
        }
        Map<String, @Nullable Object> figures = new LinkedHashMap<>();
        figures.put("architecture", architecture);
        figures.put("preset", preset);
        figures.put("threads", main.parallel().threads());
        figures.putAll(result.figures());
        output.result(figures);
        return result.passed() ? ExitStatus.OK : ExitStatus.CHECK_FAILED;
    }

    /** Measured once, elsewhere: only to know the order of magnitude. */
    private static final String PEERS = """

            Not from this run: the same model in PyTorch 2.13 on the CPU, float32, on another machine: two cores, shared
            with other work at the time, a 1024 x 1024 product at 108 to 145 GFLOP/s there. tokens/s of 8K:
            forward  forward + backward  decode
               9565                3703       -  megalodon-hf with our blocked CEMA in PyTorch, 2 threads
               6210                2110       -  the same, 1 thread
               1290                 610     189  megalodon-hf as it is, 2 threads
                  -                   -     116  the original's Python and C++ operators, cached decode""";
}
