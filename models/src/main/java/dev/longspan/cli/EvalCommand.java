package dev.longspan.cli;

import dev.longspan.checkpoint.Checkpoint;
import dev.longspan.model.ModelFolder;
import dev.longspan.parallel.CancelledException;
import dev.longspan.tensor.TensorArena;
import dev.longspan.text.Corpus;
import dev.longspan.text.Passage;
import dev.longspan.text.Sources;
import dev.longspan.train.Evaluator;
import dev.longspan.train.HeldOutBits;
import dev.longspan.train.NonFiniteException;
import dev.longspan.train.PositionBits;
import dev.longspan.train.TrainingRun;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;

/** Says what held-out text costs a model, by how much of it the model has read before. */
@Command(
        name = "eval",
        header = "Bits per byte on held-out text by position, and the gain over the same model with its context cut.",
        description = {"", "A model that uses its context costs fewer bits at later positions. The cut model sees only the "
                + "bytes just before each byte: between half and all of --cut. The text is that of the run unless --data "
                + "names a folder.", ""},
        footer = {"", "Examples:", "  longspan eval out/run", "  longspan eval out/run --context 64k --bytes 1m --cut 1k",
            "  longspan eval out/mega --context 64k --statistics truncated"})
final class EvalCommand implements Callable<Integer> {

    @ParentCommand
    private Main main;

    @Parameters(paramLabel = "MODEL", description = "A model folder, or the folder of a training run.")
    private Path model;

    @Option(names = "--data", paramLabel = "DIR", description = "Measure on the held-out files of a folder.")
    private @Nullable Path data;

    @Option(names = "--context", paramLabel = "N", converter = ByteSize.class,
            description = "Bytes read at once (default: as in training).")
    private @Nullable Long context;

    @Option(names = "--bytes", defaultValue = "256k", paramLabel = "SIZE", converter = ByteSize.class,
            description = "Held-out bytes to measure on, spread over all (default: ${DEFAULT-VALUE}).")
    private long bytes;

    @Option(names = "--cut", defaultValue = "1k", paramLabel = "N", converter = ByteSize.class,
            description = "The shorter context to compare with (default: ${DEFAULT-VALUE}).")
    private long cut;

    @Mixin
    private final StatisticsOption statistics = new StatisticsOption();

    @Override
    public Integer call() throws IOException {
        var backend = main.backend();
        Output output = main.output();
        ModelFolder folder = ModelFolder.open(model, main.architectures());
        long length = context == null ? TrainingRun.settingsOf(folder.path()).context() : context;
        if (length <= 0 || length > Integer.MAX_VALUE - 8 || cut <= 0 || bytes <= 0) {
            throw new IllegalArgumentException("context, cut and bytes must be positive: context="
                    + length + ", cut=" + cut + ", bytes=" + bytes);
        }
        Corpus corpus = data == null ? TrainingRun.corpusOf(folder.path()) : Sources.folder(data);
        List<Passage> passages = Passage.sample(Passage.all(corpus.heldOut(), (int) length), bytes);
        try (StopSignals signals = StopSignals.caught(); TensorArena arena = new TensorArena(backend.space());
                Checkpoint weights = folder.weights();
                Evaluator evaluator = new Evaluator(backend, statistics.of(folder.load(weights, arena)))) {
            try {
                HeldOutBits found = evaluator.measure(main.parallel().cancelledBy(signals.cancel()), passages,
                        (int) Math.min(cut, length));
                if (!Double.isFinite(found.bitsPerByte())) {
                    throw new NonFiniteException("the loss of " + folder.path());
                }
                print(found, folder.path(), corpus, output);
                return ExitStatus.OK;
            } catch (CancelledException stopped) {
                return signals.status().orElse(ExitStatus.CHECK_FAILED);
            }
        }
    }

    private static void print(HeldOutBits found, Path path, Corpus corpus, Output output) {
        output.line("%s on %,d held-out bytes of %s", path, found.bytes(), corpus.origin());
        output.line("%-18s %10s %9s", "position", "bytes", "bits/byte");
        for (PositionBits part : found.positions()) {
            output.line("%-18s %,10d %9.4f", part.from() + " - " + part.to(), part.bytes(), part.bitsPerByte());
        }
        output.line("%-18s %,10d %9.4f", "all", found.bytes(), found.bitsPerByte());
        if (found.beyondCut() > 0) {
            output.line("beyond %d: %.4f with the whole context, %.4f with it cut to %d: gain %.4f bits per byte", found.cut(),
                    found.bitsBeyondCut() / found.beyondCut(), found.bitsWhenCut() / found.beyondCut(), found.cut(),
                    found.gain());
        }
        Map<String, Object> result = found.toMap();
        result.put("model", path.toString());
        output.result(result);
    }
}
