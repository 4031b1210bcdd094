package dev.longspan.cli;

import dev.longspan.checkpoint.Checkpoint;
import dev.longspan.generate.Generation;
import dev.longspan.generate.Generator;
import dev.longspan.generate.Sampling;
import dev.longspan.model.ModelFolder;
import dev.longspan.tensor.TensorArena;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;

/** Continues a text. */
@Command(
        name = "generate",
        header = "Continue a text, token by token from the model's bounded state.",
        description = {"", "Text goes to standard output as it is drawn, statistics to standard error. The same --seed gives the "
                + "same text.", ""},
        footer = {"", "Examples:", "  longspan generate out/run --prompt 'public static '",
            "  longspan generate out/run --prompt-file A.java --tokens 500 --temperature 0.7 --top-p 0.95 --stop '}'"})
final class GenerateCommand implements Callable<Integer> {

    @ParentCommand
    private Main main;

    @Parameters(paramLabel = "MODEL", description = "A model folder, or the folder of a training run.")
    private Path model;

    @Option(names = "--prompt", defaultValue = "", paramLabel = "TEXT", description = "What comes before (default: nothing).")
    private String prompt = "";

    @Option(names = "--prompt-file", paramLabel = "FILE", description = "Read the prompt from a UTF-8 file.")
    private @Nullable Path promptFile;

    @Option(names = "--tokens", defaultValue = "200", paramLabel = "N",
            description = "Most tokens to draw (default: ${DEFAULT-VALUE}).")
    private int tokens;

    @Option(names = "--temperature", defaultValue = "0.8", paramLabel = "X",
            description = "0 takes the likeliest token (default: ${DEFAULT-VALUE}).")
    private double temperature;

    @Option(names = "--top-k", defaultValue = "0", paramLabel = "N",
            description = "Draw from the N likeliest only; 0 is off (default: ${DEFAULT-VALUE}).")
    private int topK;

    @Option(names = "--top-p", defaultValue = "1", paramLabel = "X",
            description = "Draw from the fewest that reach probability X (default: ${DEFAULT-VALUE}).")
    private double topP;

    @Option(names = "--stop", paramLabel = "TEXT", description = "End before this text; repeatable.")
    private List<String> stops = new ArrayList<>();

    @Option(names = "--chunk", defaultValue = "4k", paramLabel = "N", converter = ByteSize.class,
            description = "Tokens of the prompt read at once (default: ${DEFAULT-VALUE}).")
    private long chunk;

    @Override
    public Integer call() throws IOException {
        var backend = main.backend();
        Output output = main.output();
        Generator.Request request = new Generator.Request(promptFile == null ? prompt : Files.readString(promptFile), tokens,
                new Sampling(temperature, topK, topP, main.seed()), stops, (int) Math.min(chunk, Integer.MAX_VALUE));
        ModelFolder folder = ModelFolder.open(model, main.architectures());
        try (StopSignals signals = StopSignals.caught(); TensorArena arena = new TensorArena();
                Checkpoint weights = folder.weights()) {
            output.text(request.prompt());
            Generation done = Generator.of(backend, main.parallel(), folder.load(weights, arena))
                    .generate(request, signals.cancel(), output::text);
            output.line("");
            if (main.showsProgress()) {
                main.err().printf(java.util.Locale.ROOT, "prompt %d tokens at %,.0f/s | %d tokens at %,.0f/s | state %s%n",
                        done.promptTokens(), done.promptTokensPerSecond(), done.tokens(), done.tokensPerSecond(),
                        ByteSize.text(done.stateBytes()));
                main.err().flush();
            }
            output.result(done.toMap());
            return signals.status().orElse(ExitStatus.OK);
        }
    }
}
