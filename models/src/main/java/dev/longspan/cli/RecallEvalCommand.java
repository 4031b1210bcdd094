package dev.longspan.cli;

import dev.longspan.parallel.CancelledException;
import dev.longspan.recall.CurriculumRun;
import dev.longspan.recall.PaperFigures;
import dev.longspan.recall.Recall;
import dev.longspan.recall.RmtFolder;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
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

/** How far back a trained memory remembers. */
@Command(
        name = "eval",
        header = "Accuracy by the length of the document, beside the paper's figure 1 and a memory that is zeroed.",
        description = {"", "Documents in noise that training never saw are read segment by segment, as many side by side as --batch "
                + "says. The interval is Wilson's, 95 %%. The control zeroes the memory between segments: then only the last one "
                + "counts, and the answer is a guess.", ""},
        footer = {"", "Examples:", "  longspan recall eval out/memorize/stage-7",
            "  longspan recall eval out/detect/stage-7 --segments 1-15 --documents 1000"})
final class RecallEvalCommand implements Callable<Integer> {

    @ParentCommand
    private RecallCommand recall;

    @Parameters(paramLabel = "MODEL", description = "A model folder, such as stage-7 of a run, or a run for its last stage.")
    private Path path;

    @Option(names = "--segments", converter = SegmentList.Converter.class, defaultValue = "1,2,4,7,16,32,64,128,256,512,1024,2048,4096",
            paramLabel = "LIST", description = "Segments of the documents, such as 1-15,64 (default: ${DEFAULT-VALUE}).")
    private SegmentList segments = new SegmentList(List.of());

    @Option(names = "--no-control", description = "Leave out what the model says with its memory zeroed.")
    private boolean noControl;

    @Mixin
    private final RecallQuestions questions = new RecallQuestions();

    @Override
    public Integer call() throws IOException {
        Output output = recall.main().output();
        Path folder = CurriculumRun.lastStage(path);
        RmtFolder model = RmtFolder.open(folder);
        List<Map<String, Object>> rows = new ArrayList<>();
        try (StopSignals signals = StopSignals.caught()) {
            ask(folder, model, rows, signals, output);
            if (signals.status().isPresent()) {
                return signals.status().getAsInt();
            }
        }
        Map<String, Object> result = new LinkedHashMap<>();
        result.put("model", folder.toString());
        result.put("task", RecallCommand.name(model.origin().task()));
        result.put("trained", model.origin().segments());
        result.put("rows", rows);
        output.result(result);
        return ExitStatus.OK;
    }

    private void ask(Path folder, RmtFolder model, List<Map<String, Object>> rows, StopSignals signals, Output output)
            throws IOException {
        Main main = recall.main();
        output.line("%s  %s, segments of %d tokens, trained on up to %d of them; the paper's on up to %d", folder,
                RecallCommand.name(model.origin().task()), model.shape().segment(), model.origin().segments(),
                PaperFigures.TRAINED);
        output.line("%8s %11s %9s %9s %18s %7s %12s", "segments", "tokens", "documents", "accuracy", "95 % interval", "paper",
                "tokens/s");
        try {
            questions.ask(folder, model, questions.noise(model), segments.counts(),
                    noControl ? List.of(Recall.Memory.CARRIED) : List.of(Recall.Memory.values()),
                    main.backend(), main.parallel().cancelledBy(signals.cancel()), main.seed(), score -> {
                        @Nullable Double paper = PaperFigures.figure1(model.origin().task(), score.segments()).orElse(null);
                        print(score, paper, output);
                        Map<String, Object> row = RecallQuestions.toMap(score);
                        if (paper != null) {
                            row.put("paper", paper / 100);
                        }
                        rows.add(row);
                    });
        } catch (CancelledException stopped) {
            output.line("stopped");
        }
    }

    private static void print(Recall.Score score, @Nullable Double paper, Output output) {
        if (score.memory() == Recall.Memory.ZEROED) {
            output.line("%8s %11s %9d %8.1f%% %8.1f - %5.1f %%  memory zeroed", "", "", score.answers().asked(),
                    100 * score.answers().accuracy(), 100 * score.answers().low(), 100 * score.answers().high());
            return;
        }
        output.line("%8d %,11d %9d %8.1f%% %8.1f - %5.1f %% %7s %,12.0f", score.segments(),
                score.tokens() / score.answers().asked(), score.answers().asked(), 100 * score.answers().accuracy(),
                100 * score.answers().low(), 100 * score.answers().high(),
                paper == null ? "" : String.format(Locale.ROOT, "%.1f", paper), score.tokens() / score.seconds());
    }
}
