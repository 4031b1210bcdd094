package dev.longspan.cli;

import dev.longspan.task.MemoryTask;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** The memory tasks of the Recurrent Memory Transformer. */
@Command(
        name = "recall",
        header = "Teach a recurrent memory to hold facts, and ask how far back it remembers.",
        synopsisSubcommandLabel = "train|eval|matrix|compare|bench",
        subcommands = {RecallTrainCommand.class, RecallEvalCommand.class, RecallMatrixCommand.class,
            RecallCompareCommand.class, RecallBenchCommand.class},
        description = {
            "",
            "Facts are hidden in a long document of other text, and a question about them stands at its end: one fact at the start "
                    + "(memorize), one anywhere (detect), two anywhere (reasoning). A small BERT reads segment by segment and hands "
                    + "its memory on.", ""},
        footer = {"", "Examples:",
            "  longspan recall train --task memorize --out out/memorize",
            "  longspan recall eval out/memorize/stage-7 --segments 7,64,512,4096",
            "  longspan recall matrix out/memorize",
            "  longspan recall compare --seconds 120"})
final class RecallCommand implements Runnable {

    @ParentCommand
    private Main main;

    @Spec
    private CommandSpec spec;

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "missing subcommand: train, eval, matrix, compare or bench");
    }

    Main main() {
        return main;
    }

    static String name(MemoryTask task) {
        return task.name().toLowerCase(java.util.Locale.ROOT);
    }
}
