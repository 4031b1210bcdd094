package dev.longspan.cli;

import dev.longspan.checkpoint.Checkpoint;
import dev.longspan.generate.Continuation;
import dev.longspan.generate.Generation;
import dev.longspan.generate.Generator;
import dev.longspan.generate.Sampling;
import dev.longspan.generate.StateFile;
import dev.longspan.model.ModelFolder;
import dev.longspan.model.WeightStorage;
import dev.longspan.nn.LanguageModel;
import dev.longspan.nn.StreamState;
import dev.longspan.parallel.CancelSignal;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.TensorArena;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;

/** Continues a text. */
@Command(
        name = "generate",
        header = "Continue a text, token by token from the model's bounded state.",
        description = {"", "Text goes to standard output as it is drawn, statistics to standard error. The same --seed gives the "
                + "same text, also when it is drawn in parts with --save-state and --state.", ""},
        footer = {"", "Examples:", "  longspan generate out/run --prompt 'public static '",
            "  longspan generate out/run --prompt-file A.java --tokens 500 --temperature 0.7 --top-p 0.95 --stop '}'",
            "  longspan generate out/run --prompt-file book.txt --tokens 0 --save-state book.state",
            "  longspan generate out/run --state book.state --prompt 'In short, ' --save-state book.state"})
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

    @Option(names = "--state", paramLabel = "FILE",
            description = "Go on where a text stood: behind all that --save-state has seen, then the prompt.")
    private @Nullable Path state;

    @Option(names = "--save-state", paramLabel = "FILE",
            description = "Leave there where the text stands at the end. Replaces the file whole or not at all; may be --state's.")
    private @Nullable Path saveState;

    @Option(names = "--weights", defaultValue = "MAPPED", paramLabel = "mapped|f32|bf16",
            description = "Matrices as they lie in the file, or copied to memory that is read faster, bf16 with half the bytes, "
                    + "rounded (default: mapped).")
    private WeightStorage weights = WeightStorage.MAPPED;

    @Option(names = "--pack",
            description = "Pack matrices once, not in each chunk of the prompt: faster from the second chunk on, the more "
                    + "so the smaller --chunk is, for as much memory again as they take in float32 (default: not).")
    private boolean pack;

    @Option(names = "--caches", paramLabel = "f32|bf16",
            description = "How keys and values are kept, bf16 rounded, in half of the memory (default: as the model computes; "
                    + "a --state stays as it is).")
    private @Nullable DType caches;

    @Mixin
    private final StatisticsOption statistics = new StatisticsOption();

    @Override
    public Integer call() throws IOException {
        Generator.Request request = new Generator.Request(promptFile == null ? prompt : Files.readString(promptFile), tokens,
                new Sampling(temperature, topK, topP, main.seed()), stops, (int) Math.min(chunk, Integer.MAX_VALUE));
        checkPlaceForState();
        if (state != null && caches != null) {
            throw new IllegalArgumentException("a state has its caches already: state=" + state + ", caches=" + caches);
        }
        ModelFolder folder = ModelFolder.open(model, main.architectures());
        try (StopSignals signals = StopSignals.caught(); TensorArena arena = new TensorArena(main.backend().space());
                Checkpoint stored = folder.weights()) {
            generate(statistics.of(folder.load(stored, arena, weights)), arena, request, signals.cancel());
            return signals.status().orElse(ExitStatus.OK);
        }
    }

    private <S extends StreamState> void generate(LanguageModel<S> network, TensorArena arena, Generator.Request request,
            CancelSignal cancel) {
        Output output = main.output();
        Generator<S> plain = new Generator<>(main.backend(), main.parallel(), network);
        Generator<S> generator = pack ? plain.withPackedWeights(arena) : plain;
        Continuation<S> from = state != null ? StateFile.read(state, network, arena)
                : caches == null ? generator.start(arena) : Continuation.start(network, arena, caches);
        output.text(request.prompt());
        Generator.Continued<S> done = generator.goOn(from, request, cancel, output::text);
        if (saveState == null) {
            output.text(done.next().map(Continuation::unfinishedText).orElse(""));
        }
        output.line("");
        Map<String, Object> result = done.generation().toMap();
        if (saveState != null) {
            Path file = saveState;
            done.next().ifPresent(next -> {
                StateFile.save(file, next);
                result.put("state", file.toString());
            });
        }
        tell(done.generation(), done.next().isPresent());
        output.result(result);
    }

    /** Before anything is generated: a text that cannot be kept would be lost. */
    private void checkPlaceForState() throws IOException {
        if (saveState == null) {
            return;
        }
        if (Files.isDirectory(saveState)) {
            throw new IllegalArgumentException("a state is saved in a file, not in a folder: save-state=" + saveState);
        }
        Path folder = saveState.toAbsolutePath().getParent();
        if (folder == null || !Files.isDirectory(folder)) {
            throw new NoSuchFileException(String.valueOf(folder));
        }
    }

    private void tell(Generation done, boolean stands) {
        if (main.showsProgress()) {
            main.err().printf(Locale.ROOT, "prompt %d tokens at %,.0f/s | %d tokens at %,.0f/s | state %s%s%n",
                    done.promptTokens(), done.promptTokensPerSecond(), done.tokens(), done.tokensPerSecond(),
                    ByteSize.text(done.stateBytes()), saveState == null ? "" : stands ? ", saved in " + saveState
                            : ", not saved: stopped within the prompt");
            main.err().flush();
        }
    }
}
