package dev.longspan.cli;

import dev.longspan.bench.SweepConfig;
import dev.longspan.model.Architecture;
import dev.longspan.report.Job;
import dev.longspan.report.MainJob;
import dev.longspan.report.RecallStep;
import dev.longspan.report.Report;
import dev.longspan.report.Step;
import dev.longspan.report.StreamStep;
import dev.longspan.report.SweepStep;
import dev.longspan.report.TrainingStep;
import dev.longspan.report.TrainingStep.Subject;
import dev.longspan.report.VerifyStep;
import dev.longspan.text.Corpus;
import dev.longspan.text.Sources;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** The main job: everything worth seeing, in a few minutes, offline. */
@Command(
        name = "run",
        header = "Check, measure and train in about 4 minutes; leaves report.html and results.json.",
        description = {"", "doctor, bench sweep, bench stream, what a trained recurrent memory recalls, then a small "
                + "training of LongNet and of MEGALODON at a context of 8K, verify. Exit status 1 if a check fails.", ""},
        footer = {"", "Examples:", "  longspan run", "  longspan run --data ~/texts --out out/mine"})
final class RunCommand implements Callable<Integer> {

    private static final int CONTEXT = 8192;

    @ParentCommand
    private Main main;

    @Spec
    private CommandSpec spec;

    @Option(names = "--out", defaultValue = "out", paramLabel = "DIR",
            description = "Folder for the report and the models (default: ${DEFAULT-VALUE}).")
    private Path out = Path.of("out");

    @Option(names = "--data", paramLabel = "DIR",
            description = "Train on every text file below a folder (default: the sources of the running JDK).")
    private @Nullable Path data;

    @Option(names = "--preset", defaultValue = "tiny", paramLabel = "NAME",
            description = "Size of the trained and streaming models (default: ${DEFAULT-VALUE}).")
    private String preset = "tiny";

    @Option(names = "--train-seconds", defaultValue = "20", paramLabel = "S",
            description = "How long to train each model (default: ${DEFAULT-VALUE}).")
    private double trainSeconds;

    @Option(names = "--to", defaultValue = "1m", paramLabel = "TOKENS", converter = ByteSize.class,
            description = "Longest context of the sweep, and length of the stream (default: ${DEFAULT-VALUE}).")
    private long to;

    @Override
    public Integer call() throws IOException {
        // An unwritable folder is found before minutes of work.
        Files.createDirectories(out);
        Corpus corpus = data == null ? Sources.standard() : Sources.folder(data);
        SweepConfig standard = SweepConfig.standard();
        SweepConfig sweep = new SweepConfig(standard.first(), to, standard.heads(), standard.dim(), standard.backward(),
                standard.limitSeconds(), standard.cellSeconds());
        PrintWriter progress = main.output().isJson() ? main.err() : spec.commandLine().getOut();
        Architecture megalodon = main.architectures().named("megalodon");
        TrainingStep.Plan plan = new TrainingStep.Plan(corpus, preset, CONTEXT, trainSeconds, 16 << 10, 128 << 10);
        List<Step> steps = List.of(
                new DoctorStep(main),
                new SweepStep(sweep),
                new StreamStep(megalodon, preset, to),
                RecallStep.shipped(noise(corpus)),
                new TrainingStep(new Subject("training", "LongNet", main.architectures().named("longnet"), "model"), plan),
                new TrainingStep(new Subject("training_megalodon", "MEGALODON", megalodon, "model-megalodon"), plan),
                // Last: its many small shapes spoil the compiled kernels for those that are timed.
                new VerifyStep(List.of(Goldens.folder("longnet"), Goldens.folder("megalodon"))));
        Report report = new MainJob(steps).run(new Job(main.backend(), main.parallel(), main.seed(), out, progress));
        main.output().result(report.figures());
        return report.passed() ? ExitStatus.OK : ExitStatus.CHECK_FAILED;
    }

    /** The JDK's documentation, whose words the shipped memory knows, where it is. */
    private Corpus noise(Corpus training) throws IOException {
        return data != null && Sources.jdkZip().isPresent() ? Sources.standard() : training;
    }
}
