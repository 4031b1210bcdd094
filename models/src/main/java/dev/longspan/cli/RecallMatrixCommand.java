package dev.longspan.cli;

import dev.longspan.parallel.CancelledException;
import dev.longspan.parallel.Parallel;
import dev.longspan.recall.CurriculumRun;
import dev.longspan.recall.PaperFigures;
import dev.longspan.recall.Recall;
import dev.longspan.recall.RmtFolder;
import dev.longspan.task.MemoryTask;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SortedMap;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;

/** The paper's figure 5 from the stages of a run. */
@Command(
        name = "matrix",
        header = "Accuracy of every stage of a run by the length of the document: the paper's figure 5.",
        description = {"", "A row for each stage, below it what the paper's figure shows where it shows a number.", ""},
        footer = {"", "Examples:", "  longspan recall matrix out/memorize",
            "  longspan recall matrix out/detect --segments 1-30 --documents 1000 --format json"})
final class RecallMatrixCommand implements Callable<Integer> {

    @ParentCommand
    private RecallCommand recall;

    @Parameters(paramLabel = "RUN", description = "The folder of a run.")
    private Path run;

    @Option(names = "--segments", converter = SegmentList.Converter.class, defaultValue = "1-15", paramLabel = "LIST",
            description = "Segments of the documents (default: ${DEFAULT-VALUE}).")
    private SegmentList segments = new SegmentList(List.of());

    @Mixin
    private final RecallQuestions questions = new RecallQuestions();

    @Override
    public Integer call() throws IOException {
        Output output = recall.main().output();
        SortedMap<Integer, Path> stages = CurriculumRun.stages(run);
        if (stages.isEmpty()) {
            throw new IllegalArgumentException("a run must have finished stages: run=" + run);
        }
        try (StopSignals signals = StopSignals.caught()) {
            List<Map<String, Object>> rows = new ArrayList<>();
            Parallel parallel = recall.main().parallel().cancelledBy(signals.cancel());
            RmtFolder first = RmtFolder.open(stages.firstEntry().getValue());
            RecallQuestions.Noise noise = questions.noise(first);
            output.line("%s  %s, accuracy in %%", run, RecallCommand.name(first.origin().task()));
            output.line("%-10s%s", "segments", line(segments.counts(), n -> String.valueOf(n)));
            try {
                for (Map.Entry<Integer, Path> stage : stages.entrySet()) {
                    row(stage.getKey(), stage.getValue(), noise, parallel, rows, output);
                }
            } catch (CancelledException stopped) {
                return signals.status().orElse(ExitStatus.CHECK_FAILED);
            }
            Map<String, Object> result = new LinkedHashMap<>();
            result.put("run", run.toString());
            result.put("task", RecallCommand.name(first.origin().task()));
            result.put("stages", rows);
            output.result(result);
            return ExitStatus.OK;
        }
    }

    private void row(int trained, Path folder, RecallQuestions.Noise noise, Parallel parallel, List<Map<String, Object>> rows,
            Output output) throws IOException {
        RmtFolder model = RmtFolder.open(folder);
        MemoryTask task = model.origin().task();
        List<Map<String, Object>> cells = new ArrayList<>();
        Map<Integer, String> shown = new LinkedHashMap<>();
        questions.ask(folder, model, noise, segments.counts(), List.of(Recall.Memory.CARRIED), recall.main().backend(), parallel,
                recall.main().seed(), score -> {
                    Map<String, Object> cell = RecallQuestions.toMap(score);
                    paper(task, trained, score.segments()).ifPresent(percent -> cell.put("paper", percent / 100));
                    cells.add(cell);
                    shown.put(score.segments(), percent(100 * score.answers().accuracy()));
                });
        output.line("%-10s%s", "1 to " + trained, line(segments.counts(), n -> String.valueOf(shown.get(n))));
        if (segments.counts().stream().anyMatch(n -> paper(task, trained, n).isPresent())) {
            output.line("%-10s%s", "  paper", line(segments.counts(), n ->
                    paper(task, trained, n).map(RecallMatrixCommand::percent).orElse("")));
        }
        Map<String, Object> row = new LinkedHashMap<>();
        row.put("trained", trained);
        row.put("model", folder.toString());
        row.put("cells", cells);
        rows.add(row);
    }

    private static java.util.Optional<Double> paper(MemoryTask task, int trained, int segments) {
        return PaperFigures.figure5(task, trained, segments);
    }

    private static String percent(double value) {
        return String.format(Locale.ROOT, "%.1f", value);
    }

    private static String line(List<Integer> segments, java.util.function.IntFunction<String> cell) {
        StringBuilder line = new StringBuilder();
        segments.forEach(n -> line.append(String.format(Locale.ROOT, "%6s", cell.apply(n))));
        return line.toString();
    }
}
