package dev.longspan.cli;

import dev.longspan.bench.SweepConfig;
import dev.longspan.report.Job;
import dev.longspan.report.MainJob;
import dev.longspan.report.Report;
import dev.longspan.report.Step;
import dev.longspan.report.SweepStep;
import dev.longspan.report.VerifyStep;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** The main job: everything worth seeing, in a few minutes, offline. */
@Command(
        name = "run",
        header = "Check, measure and train in about 2.5 minutes; leaves report.html and results.json.",
        description = {"", "doctor, verify, bench sweep. Exit status 1 if a check fails.", ""},
        footer = {"", "Examples:", "  longspan run", "  longspan run --out out/mine"})
final class RunCommand implements Callable<Integer> {

    @ParentCommand
    private Main main;

    @Spec
    private CommandSpec spec;

    @Option(names = "--out", defaultValue = "out", paramLabel = "DIR",
            description = "Folder for the report and the trained model (default: ${DEFAULT-VALUE}).")
    private Path out = Path.of("out");

    @Option(names = "--to", defaultValue = "1m", paramLabel = "TOKENS", converter = ByteSize.class,
            description = "Longest context of the sweep (default: ${DEFAULT-VALUE}).")
    private long to;

    @Override
    public Integer call() throws IOException {
        // An unwritable folder is found before minutes of work.
        Files.createDirectories(out);
        SweepConfig standard = SweepConfig.standard();
        SweepConfig sweep = new SweepConfig(standard.first(), to, standard.heads(), standard.dim(), standard.backward(),
                standard.limitSeconds(), standard.cellSeconds());
        PrintWriter progress = main.output().isJson() ? main.err() : spec.commandLine().getOut();
        List<Step> steps = List.of(
                new DoctorStep(main),
                new VerifyStep(Goldens.folder("longnet")),
                new SweepStep(sweep));
        Report report = new MainJob(steps).run(new Job(main.backend(), main.parallel(), main.seed(), out, progress));
        main.output().result(report.figures());
        return report.passed() ? ExitStatus.OK : ExitStatus.CHECK_FAILED;
    }
}
