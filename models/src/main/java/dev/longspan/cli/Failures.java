package dev.longspan.cli;

import dev.longspan.checkpoint.CheckpointIOException;
import dev.longspan.checkpoint.ModelFormatException;
import dev.longspan.tensor.OutOfNativeMemoryException;
import dev.longspan.train.NonFiniteException;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.IExecutionExceptionHandler;
import picocli.CommandLine.IParameterExceptionHandler;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.UnmatchedArgumentException;

/** Turns every failure into one line {@code error: …} on standard error and its exit status. */
final class Failures implements IExecutionExceptionHandler, IParameterExceptionHandler {

    private final Main main;

    Failures(Main main) {
        this.main = main;
    }

    @Override
    public int handleExecutionException(Exception failure, CommandLine command, ParseResult parsed) {
        return report(failure, command.getErr());
    }

    @Override
    public int handleParseException(ParameterException failure, String[] arguments) {
        CommandLine command = failure.getCommandLine();
        PrintWriter err = command.getErr();
        err.println("error: " + oneLine(failure.getMessage()));
        if (!UnmatchedArgumentException.printSuggestions(failure, err)) {
            err.println("see: " + command.getCommandSpec().qualifiedName() + " --help");
        }
        err.flush();
        return ExitStatus.USAGE;
    }

    int report(Throwable failure, PrintWriter err) {
        err.println("error: " + oneLine(message(failure)));
        if (main.stackTrace()) {
            failure.printStackTrace(err);
        }
        err.flush();
        return status(failure);
    }

    private static int status(Throwable failure) {
        return switch (failure) {
            case ModelFormatException damaged -> ExitStatus.BAD_FILE;
            case CheckpointIOException file -> isMissing(file.getCause()) ? ExitStatus.BAD_FILE : ExitStatus.NO_RESOURCES;
            case UncheckedIOException file -> isMissing(file.getCause()) ? ExitStatus.BAD_FILE : ExitStatus.NO_RESOURCES;
            case IOException file -> isMissing(file) ? ExitStatus.BAD_FILE : ExitStatus.NO_RESOURCES;
            case OutOfNativeMemoryException memory -> ExitStatus.NO_RESOURCES;
            case OutOfMemoryError heap -> ExitStatus.NO_RESOURCES;
            case UnsupportedOperationException backend -> ExitStatus.NO_RESOURCES;
            case NonFiniteException numbers -> ExitStatus.CHECK_FAILED;
            case IllegalArgumentException usage -> ExitStatus.USAGE;
            default -> ExitStatus.CHECK_FAILED;
        };
    }

    private static boolean isMissing(@Nullable Throwable cause) {
        return cause instanceof NoSuchFileException;
    }

    private static String message(Throwable failure) {
        return switch (failure) {
            case OutOfMemoryError heap -> "the Java heap is full (" + heap.getMessage()
                    + "): raise it with LONGSPAN_JAVA_OPTS=-Xmx8g";
            case AccessDeniedException denied -> "permission denied: " + denied.getFile();
            case NoSuchFileException missing -> "no such file or folder: " + missing.getFile();
            case FileSystemException other when other.getReason() != null -> other.getReason() + ": " + other.getFile();
            case UncheckedIOException bare when bare.getCause() != null
                    && bare.getCause().toString().equals(bare.getMessage()) -> message(bare.getCause());
            case UncheckedIOException told when told.getMessage() != null -> told.getMessage();
            case IllegalArgumentException usage when usage.getMessage() != null -> usage.getMessage();
            case RuntimeException own when own.getClass().getName().startsWith("dev.longspan.")
                    && own.getMessage() != null -> own.getMessage();
            case UnsupportedOperationException backend when backend.getMessage() != null -> backend.getMessage();
            case IOException io when io.getMessage() != null -> io.getMessage();
            default -> failure + " (--stacktrace says where)";
        };
    }

    private static String oneLine(@Nullable String text) {
        return text == null ? "unknown" : text.strip().replaceAll("\\s*\\R\\s*", "; ");
    }
}
