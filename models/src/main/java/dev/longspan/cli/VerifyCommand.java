package dev.longspan.cli;

import dev.longspan.verify.Line;
import dev.longspan.verify.Summary;
import dev.longspan.verify.Verify;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;

/** Compares this build with goldens of reference implementations. */
@Command(
        name = "verify",
        header = "Compare with a folder of goldens: inputs, weights and results of a reference implementation.",
        description = {"", "A line for each compared tensor and last 'N passed, N failed'. A tensor that the reference itself "
                + "got wrong, as exact arithmetic shows, is told and not counted. Exit status 1 on any failure, on anything in "
                + "the folder that is not known, and if there is nothing to compare.", ""},
        footer = {"", "Examples:", "  longspan verify goldens/longnet", "  longspan verify goldens/megalodon --backend scalar"})
final class VerifyCommand implements Callable<Integer> {

    @ParentCommand
    private Main main;

    @Parameters(paramLabel = "DIR", description = "A folder with manifest.json and safetensors files.")
    private Path folder;

    @Override
    public Integer call() throws IOException {
        var backend = main.backend();
        Output output = main.output();
        StringBuilder lines = new StringBuilder();
        Summary summary = Verify.run(folder, backend, main.parallel(), output.isJson() ? lines : output.lines());
        Map<String, Object> result = new LinkedHashMap<>();
        result.put("folder", folder.toString());
        result.put("backend", backend.name());
        result.put("passed", summary.passed());
        result.put("failed", summary.failed());
        result.put("spoilt", summary.spoilt());
        result.put("lines", summary.lines().stream().map(VerifyCommand::json).toList());
        output.result(result);
        return summary.isOk() ? ExitStatus.OK : ExitStatus.CHECK_FAILED;
    }

    private static Map<String, Object> json(Line line) {
        Map<String, Object> object = new LinkedHashMap<>();
        object.put("case", line.name());
        object.put("tensor", line.tensor());
        object.put("max_abs_error", line.maxAbsError());
        object.put("bound", line.bound());
        object.put("ok", line.isOk());
        object.put("verdict", line.verdict().name().toLowerCase(Locale.ROOT));
        return object;
    }
}
