package dev.longspan.cli;

import dev.longspan.autograd.Checkpoints;
import dev.longspan.json.Json;
import dev.longspan.model.Architecture;
import dev.longspan.model.Blueprint;
import dev.longspan.model.ModelConfig;
import dev.longspan.model.ModelFolder;
import dev.longspan.nn.LanguageModel;
import dev.longspan.tensor.TensorArena;
import dev.longspan.text.Bytes;
import dev.longspan.text.Corpus;
import dev.longspan.text.Sources;
import dev.longspan.train.RunFolder;
import dev.longspan.train.StepReport;
import dev.longspan.train.TrainListener;
import dev.longspan.train.TrainProgress;
import dev.longspan.train.TrainSettings;
import dev.longspan.train.TrainingRun;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

/** Trains a model on text, or goes on with a run. */
@Command(
        name = "train",
        header = "Train a byte-level language model on text; Ctrl-C writes a checkpoint, --resume goes on with the same bits.",
        description = {
            "",
            "Reads the sources of the running JDK (lib/src.zip) unless --data names a folder; a twentieth of the files is held "
                    + "out. Leaves log.jsonl and the last checkpoints step-.../ in the folder --out.", ""},
        footer = {"", "Examples:",
            "  longspan train --out out/run --preset tiny --context 8k --steps 200",
            "  longspan train --out out/run --resume",
            "  longspan train --out out/mine --data ~/texts --preset small --set decoder_layers=6 --minutes 30"})
final class TrainCommand implements Callable<Integer> {

    @ParentCommand
    private Main main;

    @Option(names = "--out", required = true, paramLabel = "DIR", description = "Folder of the run.")
    private Path out;

    @Option(names = "--resume", description = "Go on from the last checkpoint in DIR, with its model and settings.")
    private boolean resume;

    @Option(names = "--data", paramLabel = "DIR", description = "Train on every text file below a folder.")
    private @Nullable Path data;

    @Option(names = "--arch", defaultValue = "longnet", paramLabel = "NAME",
            description = "longnet, transformer, sparse-transformer, llama, megalodon, mega or rmt "
                    + "(default: ${DEFAULT-VALUE}).")
    private String architecture = "longnet";

    @Option(names = "--preset", defaultValue = "tiny", paramLabel = "NAME",
            description = "Size of the model, see below (default: ${DEFAULT-VALUE}).")
    private String preset = "tiny";

    @Option(names = "--config", paramLabel = "FILE", description = "A config.json instead of a preset.")
    private @Nullable Path config;

    @Option(names = "--set", paramLabel = "KEY=VALUE", description = "Change a key of the model's config.json, or of an object in it (backbone.KEY); repeatable.")
    private Map<String, String> changes = new LinkedHashMap<>();

    @Option(names = "--context", defaultValue = "2k", paramLabel = "N", converter = ByteSize.class,
            description = "Tokens of one sequence (default: ${DEFAULT-VALUE}).")
    private long context;

    @Option(names = "--batch", defaultValue = "1", paramLabel = "N",
            description = "Sequences computed at once (default: ${DEFAULT-VALUE}).")
    private int batch;

    @Option(names = "--accumulate", defaultValue = "1", paramLabel = "N",
            description = "Batches summed into one step (default: ${DEFAULT-VALUE}).")
    private int accumulate;

    @Option(names = "--steps", paramLabel = "N",
            description = "Steps of the whole run; the learning rate falls over them (default: 1000).")
    private @Nullable Long steps;

    @Option(names = "--minutes", paramLabel = "M", description = "Stop with a checkpoint after so many minutes.")
    private double minutes = Double.POSITIVE_INFINITY;

    @Option(names = "--learning-rate", defaultValue = "1e-3", paramLabel = "X",
            description = "Highest learning rate (default: ${DEFAULT-VALUE}).")
    private double learningRate;

    @Option(names = "--end-learning-rate", paramLabel = "X", description = "Learning rate at the end (default: a tenth).")
    private @Nullable Double endLearningRate;

    @Option(names = "--warmup", paramLabel = "N", description = "Steps of rising learning rate (default: a tenth).")
    private @Nullable Long warmup;

    @Option(names = "--clip", defaultValue = "1", paramLabel = "X",
            description = "Largest norm of the gradient; 0 is off (default: ${DEFAULT-VALUE}).")
    private double clip;

    @Option(names = "--weight-decay", defaultValue = "0.01", paramLabel = "X",
            description = "Weight decay of matrices (default: ${DEFAULT-VALUE}).")
    private double weightDecay;

    @Option(names = "--eval-every", defaultValue = "100", paramLabel = "N",
            description = "Steps between evaluations on held-out text; 0 is at the end only (default: ${DEFAULT-VALUE}).")
    private long evalEvery;

    @Option(names = "--eval-bytes", defaultValue = "64k", paramLabel = "SIZE", converter = ByteSize.class,
            description = "Held-out bytes of one evaluation (default: ${DEFAULT-VALUE}).")
    private long evalBytes;

    @Option(names = "--save-every", defaultValue = "500", paramLabel = "N",
            description = "Steps between checkpoints; 0 is at the end only (default: ${DEFAULT-VALUE}).")
    private long saveEvery;

    @Option(names = "--keep", defaultValue = "2", paramLabel = "N",
            description = "Checkpoints that stay (default: ${DEFAULT-VALUE}).")
    private int keep;

    @Option(names = "--packing", defaultValue = "stream", paramLabel = "stream|documents",
            description = "Whether tokens see the documents before theirs in a sequence; documents keeps them apart, with MEGALODON "
                    + "(default: ${DEFAULT-VALUE}).")
    private TrainSettings.Packing packing = TrainSettings.Packing.STREAM;

    @Mixin
    private RecomputeOption recompute = new RecomputeOption();

    @Override
    public Integer call() throws IOException {
        return resume ? resume() : start();
    }

    private int start() throws IOException {
        // All that can be wrong with the options is found before anything is read or written.
        TrainSettings settings = settings();
        ModelConfig model = modelConfig();
        try (StopSignals signals = StopSignals.caught(); RunFolder folder = RunFolder.open(out)) {
            Optional<Path> last = folder.last();
            if (last.isPresent()) {
                throw new IllegalArgumentException("this folder holds a run: out=" + out + ", last checkpoint="
                        + last.get().getFileName() + "; go on with --resume or choose another --out");
            }
            Corpus corpus = data == null ? Sources.standard() : Sources.folder(data);
            return train(folder, model, settings, corpus, Optional.empty(), signals);
        }
    }

    private int resume() throws IOException {
        Path checkpoint = ModelFolder.lastStep(out).orElseThrow(() ->
                new IllegalArgumentException("no checkpoint to resume from: out=" + out));
        TrainSettings saved = TrainingRun.settingsOf(checkpoint);
        ModelConfig model = ModelFolder.open(checkpoint, main.architectures()).config();
        Corpus corpus = data == null ? TrainingRun.corpusOf(checkpoint) : Sources.folder(data);
        try (StopSignals signals = StopSignals.caught(); RunFolder folder = RunFolder.open(out)) {
            TrainSettings settings = (steps == null ? saved : saved.withSteps(steps))
                    .withCheckpoints(recompute.checkpoints().orElse(saved.checkpoints()));
            return train(folder, model, settings, corpus, Optional.of(checkpoint), signals);
        }
    }

    private int train(RunFolder folder, ModelConfig model, TrainSettings settings, Corpus corpus, Optional<Path> from,
            StopSignals signals) throws IOException {
        Output output = main.output();
        Blueprint blueprint = model.blueprint().withCheckpoints(settings.checkpoints());
        var backend = main.backend();
        try (TensorArena arena = new TensorArena(backend.space())) {
            LanguageModel<?> network = blueprint.create(arena, settings.seed());
            try (TrainingRun run = new TrainingRun(folder, backend, main.parallel(), network, model.json(), corpus, settings)) {
                if (from.isPresent()) {
                    run.resume(from.get());
                }
                long parameters = run.trainer().weights().values().stream().mapToLong(t -> t.elements()).sum();
                output.line("model     %s, %,d parameters, %s; backend %s", model.architecture().name(), parameters,
                        from.map(p -> "from " + p).orElse("fresh"), backend.name());
                output.line("text      %s: %s to train on, %s held out", corpus.origin(),
                        ByteSize.text(Corpus.bytes(corpus.train())), ByteSize.text(Corpus.bytes(corpus.heldOut())));
                output.line("steps     %d of %,d tokens, context %,d", settings.steps(), settings.tokensPerStep(),
                        settings.context());
                return report(run(run, settings, signals), run, settings, signals, output);
            }
        }
    }

    private Outcome run(TrainingRun run, TrainSettings settings, StopSignals signals) throws IOException {
        Outcome outcome = new Outcome();
        if (!main.showsProgress()) {
            outcome.end = run.run(60 * minutes, signals.cancel(), outcome);
            return outcome;
        }
        try (TrainProgress progress = TrainProgress.on(main.err(), run.trainer().step(), settings.steps())) {
            outcome.next = progress;
            outcome.end = run.run(60 * minutes, signals.cancel(), outcome);
        }
        return outcome;
    }

    private int report(Outcome outcome, TrainingRun run, TrainSettings settings, StopSignals signals, Output output) {
        long step = run.trainer().step();
        String checkpoint = run.lastCheckpoint().map(Path::toString).orElse("none");
        boolean more = outcome.end != TrainingRun.End.DONE;
        output.line("%s after step %d of %d%s", more ? "stopped" : "done", step, settings.steps(),
                Double.isNaN(outcome.heldOut) ? "" : String.format(java.util.Locale.ROOT, ", held-out %.4f bits per byte",
                        outcome.heldOut));
        output.line("checkpoint %s", checkpoint);
        output.line(more ? "go on with: longspan train --out %s --resume" : "try: longspan generate %s --prompt 'public '", out);
        Map<String, Object> result = new LinkedHashMap<>();
        result.put("end", outcome.end.name().toLowerCase(java.util.Locale.ROOT));
        result.put("step", step);
        result.put("steps", settings.steps());
        result.put("checkpoint", checkpoint);
        if (!Double.isNaN(outcome.heldOut)) {
            result.put("held_out_bpb", outcome.heldOut);
        }
        if (outcome.last != null) {
            result.put("loss", outcome.last.loss());
            result.put("tokens_per_s", outcome.last.tokensPerSecond());
            result.put("memory_bytes", outcome.last.memoryBytes());
        }
        output.result(result);
        return signals.status().orElse(ExitStatus.OK);
    }

    /** What came last, and whoever else listens. */
    private static final class Outcome implements TrainListener {
        private TrainListener next = NONE;
        private TrainingRun.End end = TrainingRun.End.CANCELLED;
        private @Nullable StepReport last;
        private double heldOut = Double.NaN;

        @Override
        public void onStep(StepReport report) {
            last = report;
            next.onStep(report);
        }

        @Override
        public void onEvaluation(long step, double bitsPerByte) {
            heldOut = bitsPerByte;
            next.onEvaluation(step, bitsPerByte);
        }
    }

    private TrainSettings settings() {
        long all = steps == null ? 1000 : steps;
        return new TrainSettings(Math.toIntExact(Math.min(context, Integer.MAX_VALUE - 8)), batch, accumulate, all, learningRate,
                endLearningRate == null ? learningRate / 10 : endLearningRate, warmup == null ? all / 10 : warmup, clip,
                weightDecay, evalEvery, evalBytes, saveEvery, keep, main.seed(), packing,
                recompute.checkpoints().orElse(Checkpoints.NONE));
    }

    private ModelConfig modelConfig() throws IOException {
        ModelConfig model;
        if (config != null) {
            model = ModelConfig.read(config, main.architectures());
        } else {
            Architecture kind = main.architectures().named(architecture);
            model = ModelConfig.of(kind, kind.preset(preset, context, Bytes.VOCABULARY));
        }
        if (changes.isEmpty()) {
            return model;
        }
        Map<String, @Nullable Object> settings = new LinkedHashMap<>(model.settings());
        changes.forEach((key, value) -> put(settings, key, value(value)));
        return ModelConfig.of(model.architecture(), settings);
    }

    @SuppressWarnings("unchecked") // Json makes objects with strings as keys
    private static void put(Map<String, @Nullable Object> settings, String key, @Nullable Object value) {
        int dot = key.indexOf('.');
        if (dot > 0 && settings.get(key.substring(0, dot)) instanceof Map<?, ?> inner) {
            Map<String, @Nullable Object> changed = new LinkedHashMap<>((Map<String, @Nullable Object>) inner);
            put(changed, key.substring(dot + 1), value);
            settings.put(key.substring(0, dot), changed);
        } else {
            settings.put(key, value);
        }
    }

    /** JSON where it is any, otherwise text: {@code 6}, {@code [2048,4096]}, {@code true}, {@code gelu}. */
    private static @Nullable Object value(String text) {
        try {
            return Json.object("{\"value\":" + text + "}").get("value");
        } catch (IllegalArgumentException plain) {
            return text;
        }
    }
}
