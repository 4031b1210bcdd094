package dev.longspan.cli;

import dev.longspan.backend.Backend;
import dev.longspan.longnet.DecoderArchitecture;
import dev.longspan.megalodon.MegalodonArchitecture;
import dev.longspan.model.Architectures;
import dev.longspan.parallel.Parallel;
import dev.longspan.rmt.RmtArchitecture;
import dev.longspan.tensor.NativeBudget;
import dev.longspan.transformer.DenseTransformer;
import dev.longspan.transformer.Llama;
import dev.longspan.transformer.SparseTransformer;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;

/** The command line {@code longspan}; the package documentation lists its exit statuses. */
@Command(
        name = "longspan",
        header = "Long-context attention for the JVM.",
        mixinStandardHelpOptions = true,
        scope = ScopeType.INHERIT,
        versionProvider = Main.Version.class,
        usageHelpAutoWidth = true,
        synopsisSubcommandLabel = "COMMAND",
        exitCodeListHeading = "%nExit status:%n",
        exitCodeList = {
            "0:done",
            "1:a check failed (verify, inspect, self-test, a loss that is not finite), or an error of the program",
            "2:wrong usage",
            "3:bad input file",
            "4:no resources: memory budget, Java heap, disk, a backend that cannot run",
            "130:stopped by SIGINT (Ctrl-C); train has written a checkpoint",
            "143:stopped by SIGTERM; train has written a checkpoint"})
public final class Main implements Runnable {

    @Spec
    private CommandSpec spec;

    @Option(names = "--format", scope = ScopeType.INHERIT, defaultValue = "text", paramLabel = "text|json",
            description = "Form of the results on standard output (default: ${DEFAULT-VALUE}).")
    private Output.Format format = Output.Format.text;

    @Option(names = "--seed", scope = ScopeType.INHERIT, defaultValue = "1", paramLabel = "N",
            description = "Seed of every random choice (default: ${DEFAULT-VALUE}).")
    private long seed;

    @Option(names = "--threads", scope = ScopeType.INHERIT, paramLabel = "N",
            description = "Threads that compute (default: one per processor). The results do not depend on it.")
    private @Nullable Integer threads;

    @Option(names = "--backend", scope = ScopeType.INHERIT, paramLabel = "NAME",
            description = "Backend to compute with (default: the best one on the CPU; see doctor); cuda must be asked for.")
    private @Nullable String backend;

    @Option(names = "--max-memory", scope = ScopeType.INHERIT, paramLabel = "SIZE", converter = ByteSize.class,
            description = "Most native memory to use, such as 8g (default: 80 %% of what the machine leaves).")
    private @Nullable Long maxMemory;

    @Option(names = "--quiet", scope = ScopeType.INHERIT, description = "No progress on standard error.")
    private boolean quiet;

    @Option(names = "--stacktrace", scope = ScopeType.INHERIT, description = "Show where an error happened.")
    private boolean stackTrace;

    private final Architectures architectures;

    private Main(Architectures architectures) {
        this.architectures = architectures;
    }

    /** Every architecture of this build. */
    static Architectures builtIn() {
        Architectures backbones = new Architectures(List.of(DenseTransformer.ARCHITECTURE, Llama.ARCHITECTURE,
                DecoderArchitecture.LONGNET, MegalodonArchitecture.MEGALODON));
        return new Architectures(List.of(DecoderArchitecture.LONGNET, DenseTransformer.ARCHITECTURE,
                SparseTransformer.ARCHITECTURE, Llama.ARCHITECTURE, MegalodonArchitecture.MEGALODON,
                MegalodonArchitecture.MEGA, new RmtArchitecture(backbones)));
    }

    public static void main(String[] args) {
        PrintWriter out = new PrintWriter(System.out, true, StandardCharsets.UTF_8);
        PrintWriter err = new PrintWriter(System.err, true, StandardCharsets.UTF_8);
        System.exit(run(builtIn(), out, err, args));
    }

    /** Runs one command line and returns its exit status. */
    static int run(Architectures architectures, PrintWriter out, PrintWriter err, String... args) {
        Main main = new Main(architectures);
        Failures failures = new Failures(main);
        try {
            CommandLine commands = new CommandLine(main)
                    .addSubcommand(new DoctorCommand())
                    .addSubcommand(new TrainCommand())
                    .addSubcommand(new CompareCommand())
                    .addSubcommand(new EvalCommand())
                    .addSubcommand(new RecallCommand())
                    .addSubcommand(new AskCommand())
                    .addSubcommand(new GenerateCommand())
                    .addSubcommand(new VerifyCommand())
                    .addSubcommand(new InspectCommand())
                    .addSubcommand(new ConvertCommand())
                    .addSubcommand(new BenchCommand())
                    .addSubcommand(new PlanCommand())
                    .addSubcommand(new RunCommand());
            PresetHelp.addTo(commands, architectures);
            return commands.setOut(out)
                    .setErr(err)
                    .setCaseInsensitiveEnumValuesAllowed(true)
                    .setExecutionExceptionHandler(failures)
                    .setParameterExceptionHandler(failures)
                    .execute(args);
        } catch (OutOfMemoryError heap) {
            // Nothing of the failed command is reachable any more, so there is heap enough for one line.
            return failures.report(heap, err);
        } finally {
            out.flush();
            err.flush();
        }
    }

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "missing command: doctor, train, eval, generate, ...");
    }

    /** Where the results go. */
    Output output() {
        return new Output(spec.commandLine().getOut(), format);
    }

    /** Where progress goes. */
    PrintWriter err() {
        return spec.commandLine().getErr();
    }

    Architectures architectures() {
        return architectures;
    }

    long seed() {
        return seed;
    }

    boolean stackTrace() {
        return stackTrace;
    }

    /** Whether to show progress at all. */
    boolean showsProgress() {
        return !quiet && format == Output.Format.text;
    }

    /** The backend to compute with, after the memory limit is set. */
    Backend backend() {
        limitMemory();
        return backend == null ? Backend.best() : Backend.named(backend);
    }

    void limitMemory() {
        if (maxMemory != null) {
            NativeBudget.process().limit(maxMemory);
        }
    }

    Parallel parallel() {
        return threads == null ? Parallel.all() : Parallel.of(threads);
    }

    static String version() {
        // Null when run from class files instead of the jar, whose manifest has it.
        @Nullable String version = Main.class.getPackage().getImplementationVersion();
        return version == null ? "development" : version;
    }

    static final class Version implements IVersionProvider {
        @Override
        public String[] getVersion() {
            return new String[] {"longspan " + version()};
        }
    }
}
