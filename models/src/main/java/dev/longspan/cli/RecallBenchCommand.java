package dev.longspan.cli;

import dev.longspan.checkpoint.Checkpoint;
import dev.longspan.recall.Origin;
import dev.longspan.recall.RecallBench;
import dev.longspan.recall.RecallPlace;
import dev.longspan.recall.RecallResult;
import dev.longspan.recall.RecallRow;
import dev.longspan.recall.RecallTrial;
import dev.longspan.recall.RmtFolder;
import dev.longspan.task.Stories;
import dev.longspan.tensor.TensorArena;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;

/** What reading one long document costs from its start to its end. */
@Command(
        name = "bench",
        header = "Time per token and memory over documents of many segments; 4,096 of 499 tokens are the paper's two million.",
        description = {"", "Exit status 1 if the last segments take over 10 %% longer than other documents' first, in turns, or if "
                + "resident memory grows by over 10 %% behind the first tenth. What is recalled is printed, not judged.", ""},
        footer = {"", "Examples:", "  longspan recall bench out/detect/stage-7",
            "  longspan recall train --out out/wide --input 512 --stages 1 --max-steps 1 --consolidation 0",
            "  longspan recall bench out/wide/stage-1 --documents 1"})
final class RecallBenchCommand implements Callable<Integer> {

    private static final int WARM_UP = 64;

    @ParentCommand
    private RecallCommand recall;

    @Parameters(paramLabel = "MODEL", description = "A model folder, such as stage-7 of a run.")
    private Path path;

    @Option(names = "--segments", defaultValue = "4096", paramLabel = "N", description = "Segments (default: ${DEFAULT-VALUE}).")
    private int segments;

    @Option(names = "--documents", defaultValue = "4", paramLabel = "N",
            description = "Documents read side by side (default: ${DEFAULT-VALUE}).")
    private int documents;

    @Override
    public Integer call() throws IOException {
        Main main = recall.main();
        Output output = main.output();
        RmtFolder model = RmtFolder.open(path);
        List<RecallTrial> trials = List.of(new RecallTrial(Math.min(segments, WARM_UP), documents, 0),
                new RecallTrial(segments, documents, 0));
        Stories stories = Origin.heldOut(model.origin().task(), model.origin().placement(), model.origin().noise(),
                model.vocabulary(), main.seed());
        try (TensorArena arena = new TensorArena(main.backend().space()); Checkpoint weights = RmtFolder.weights(path)) {
            RecallResult result = new RecallBench(main.backend(), main.parallel(), model.load(path, weights, arena), stories, 1)
                    .run(trials, new RecallBench.Listener() {
                        @Override
                        public void onRow(RecallRow row) {
                            output.line("%s", RecallResult.header());
                            output.line("%s", RecallResult.line(row));
                        }

                        @Override
                        public void onPlace(RecallPlace place) {
                            output.line("%s", RecallResult.line(place));
                        }
                    });
            result.footer().forEach(line -> output.line("%s", line));
            output.result(result.figures());
            return result.isFlat() ? ExitStatus.OK : ExitStatus.CHECK_FAILED;
        }
    }
}
