package dev.longspan.cli;

import dev.longspan.model.ModelFolder;
import dev.longspan.recall.Curriculum;
import dev.longspan.recall.CurriculumRun;
import dev.longspan.recall.Examples;
import dev.longspan.recall.Origin;
import dev.longspan.recall.RecallListener;
import dev.longspan.recall.RecallReport;
import dev.longspan.recall.Recipe;
import dev.longspan.recall.RmtFolder;
import dev.longspan.recall.StageReport;
import dev.longspan.rmt.RmtEncoder;
import dev.longspan.task.MemoryTask;
import dev.longspan.task.Vocabulary;
import dev.longspan.tensor.TensorArena;
import dev.longspan.text.Corpus;
import dev.longspan.text.Sources;
import dev.longspan.train.RunFolder;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

/** Trains a recurrent memory on a task, stage by stage. */
@Command(
        name = "train",
        header = "Train a recurrent memory on documents of one segment, then two, and so on.",
        description = {"", "Leaves in DIR a model folder stage-N for each finished stage, log.jsonl and the last checkpoint; "
                + "Ctrl-C writes one, --resume goes on with the same bits.", ""},
        footer = {"", "Examples:",
            "  longspan recall train --task memorize --out out/memorize",
            "  longspan recall train --task detect --out out/detect --stages 1-7,10 --memory-noise 0.1",
            "  longspan recall train --task reasoning --out out/without --stages 7 --max-steps 2000",
            "  longspan recall train --out out/detect --resume"})
final class RecallTrainCommand implements Callable<Integer> {

    @ParentCommand
    private RecallCommand recall;

    @Option(names = "--out", required = true, paramLabel = "DIR", description = "Folder of the run.")
    private Path out;

    @Option(names = "--task", paramLabel = "NAME", description = "memorize, detect or reasoning (default: memorize).")
    private String task = "memorize";

    @Option(names = "--data", paramLabel = "DIR",
            description = "Hide the facts in the text files below a folder (default: the JDK's documentation).")
    private @Nullable Path data;

    @Option(names = "--vocabulary", defaultValue = "" + Vocabulary.SIZE, paramLabel = "N",
            description = "Words that the model knows (default: ${DEFAULT-VALUE}).")
    private int vocabulary;

    @Option(names = "--resume", description = "Go on from the last checkpoint in DIR, with its model and settings.")
    private boolean resume;

    @Option(names = "--minutes", paramLabel = "M", description = "Stop with a checkpoint after so many minutes.")
    private double minutes = Double.POSITIVE_INFINITY;

    @Mixin
    private final RecallOptions options = new RecallOptions();

    @Override
    public Integer call() throws IOException {
        return resume ? resume() : start(MemoryTask.named(task));
    }

    private int start(MemoryTask named) throws IOException {
        try (StopSignals signals = StopSignals.caught(); RunFolder folder = RunFolder.open(out)) {
            Optional<Path> last = folder.last();
            if (last.isPresent()) {
                throw new IllegalArgumentException("this folder holds a run: out=" + out + ", last checkpoint="
                        + last.get().getFileName() + "; go on with --resume or choose another --out");
            }
            Corpus noise = data == null ? Sources.standard() : Sources.folder(data);
            Vocabulary words = Vocabulary.of(noise, vocabulary);
            Recipe recipe = options.over(Recipe.paper(named, words, recall.main().seed()));
            Origin origin = Origin.of(named, recipe.placement(), noise, recipe.curriculum());
            return train(folder, new RmtFolder(recipe.shape(), words, origin), noise, Optional.empty(), signals);
        }
    }

    private int resume() throws IOException {
        Path checkpoint = ModelFolder.lastStep(out).orElseThrow(() ->
                new IllegalArgumentException("no checkpoint to resume from: out=" + out));
        RmtFolder model = RmtFolder.open(checkpoint);
        Corpus noise = data == null ? model.origin().noise() : Sources.folder(data);
        model.origin().checkSame(noise);
        try (StopSignals signals = StopSignals.caught(); RunFolder folder = RunFolder.open(out)) {
            return train(folder, model, noise, Optional.of(checkpoint), signals);
        }
    }

    private int train(RunFolder folder, RmtFolder model, Corpus noise, Optional<Path> from, StopSignals signals)
            throws IOException {
        Main main = recall.main();
        Output output = main.output();
        Curriculum curriculum = model.origin().curriculum();
        var backend = main.backend();
        try (TensorArena arena = new TensorArena(backend.space())) {
            RmtEncoder network = model.shape().create(arena, curriculum.seed());
            Examples stories = Examples.of(model.origin().training(noise, model.vocabulary()));
            try (CurriculumRun run = new CurriculumRun(folder, model, network, backend, main.parallel(), stories)) {
                if (from.isPresent()) {
                    run.resume(from.get());
                }
                long parameters = run.learner().weights().values().stream().mapToLong(t -> t.elements()).sum();
                output.line("model     %,d parameters, memory %d, segments of %d tokens, %s; backend %s", parameters,
                        model.shape().memory(), model.shape().segment(), from.map(p -> "from " + p).orElse("fresh"),
                        backend.name());
                output.line("task      %s in %s", RecallCommand.name(model.origin().task()), noise.origin());
                output.line("stages    %s, batch %d", curriculum.allStages(), curriculum.batch());
                Watcher watcher = new Watcher(output, main.showsProgress() ? main.err() : null);
                CurriculumRun.End end = run.run(60 * minutes, signals.cancel(), watcher);
                return report(end, run, watcher, signals, output);
            }
        }
    }

    private int report(CurriculumRun.End end, CurriculumRun run, Watcher watcher, StopSignals signals, Output output) {
        long step = run.learner().progress().step();
        boolean more = end != CurriculumRun.End.DONE;
        output.line("%s after step %d", more ? "stopped" : "done", step);
        output.line(more ? "go on with: longspan recall train --out %s --resume" : "try: longspan recall matrix %s", out);
        Map<String, Object> result = new LinkedHashMap<>();
        result.put("end", end.name().toLowerCase(Locale.ROOT));
        result.put("step", step);
        result.put("checkpoint", run.lastCheckpoint().map(Path::toString).orElse("none"));
        result.put("stages", watcher.stages.stream().map(StageReport::toMap).toList());
        output.result(result);
        return signals.status().orElse(ExitStatus.OK);
    }

    /** Says where the training stands: a line for each stage, and in between one every few seconds. */
    private static final class Watcher implements RecallListener {

        private static final long NANOS_BETWEEN_LINES = 5_000_000_000L;

        private final Output output;
        private final @Nullable PrintWriter err;
        private final List<StageReport> stages = new ArrayList<>();
        private long printed = System.nanoTime();

        Watcher(Output output, @Nullable PrintWriter err) {
            this.output = output;
            this.err = err;
        }

        @Override
        public void onStep(RecallReport report) {
            long now = System.nanoTime();
            if (err != null && now - printed >= NANOS_BETWEEN_LINES) {
                printed = now;
                err.println(String.format(Locale.ROOT, "step %d, %s: loss %.4f, accuracy %.1f %%, %,.0f tokens/s, %,d MB", report.step(),
                        report.taught() < 1 ? "lessons, %d %% done".formatted(Math.round(100 * report.taught()))
                                : "%d segments, %d steps".formatted(report.segments(), report.stageStep()),
                        report.loss(), 100 * report.runningAccuracy(), report.tokensPerSecond(), report.memoryBytes() >> 20));
                err.flush();
            }
        }

        @Override
        public void onStage(StageReport report) {
            stages.add(report);
            output.line("stage %-3d %5d steps, %6.1f s: accuracy %.2f %%%s", report.segments(), report.steps(), report.seconds(),
                    100 * report.runningAccuracy(), report.learned() ? "" : ", below the threshold");
        }
    }
}
