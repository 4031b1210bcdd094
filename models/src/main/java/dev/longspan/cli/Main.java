package dev.longspan.cli;

import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The command line {@code longspan}: exit status 0 on success, 1 on failure, 2 on wrong usage. */
@Command(
        name = "longspan",
        description = "Long-context attention for the JVM.",
        mixinStandardHelpOptions = true,
        versionProvider = Main.Version.class)
public final class Main implements Runnable {
    @Spec
    private CommandSpec spec;

    private Main() {}

    public static void main(String[] args) {
        System.exit(new CommandLine(new Main()).execute(args));
    }

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "missing command");
    }

    static final class Version implements IVersionProvider {
        @Override
        public String[] getVersion() {
            // Null when run from class files instead of the jar, whose manifest has it.
            @Nullable String version = Main.class.getPackage().getImplementationVersion();
            return new String[] {"longspan " + (version == null ? "development" : version)};
        }
    }
}
