package dev.longspan.cli;

import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;

/** The command line {@code longspan}: exit status 0 on success, 1 on failure, 2 on wrong usage. */
@Command(
        name = "longspan",
        description = "Long-context attention for the JVM.",
        mixinStandardHelpOptions = true,
        versionProvider = Main.Version.class)
public final class Main {
    private Main() {}

    public static void main(String[] args) {
        System.exit(new CommandLine(new Main()).execute(args));
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
