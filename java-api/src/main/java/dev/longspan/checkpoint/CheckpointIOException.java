package dev.longspan.checkpoint;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;

/** A checkpoint could not be read or written; a file that was already there is as it was before. */
public final class CheckpointIOException extends UncheckedIOException {
    private static final long serialVersionUID = 1;

    CheckpointIOException(String action, Path file, IOException cause) {
        super("cannot " + action + " " + file + ": " + reason(cause), cause);
    }

    private static String reason(IOException cause) {
        return switch (cause) {
            case AccessDeniedException denied -> "permission denied: " + denied.getFile();
            case NoSuchFileException missing -> "no such file or folder: " + missing.getFile();
            case NotDirectoryException other -> "not a folder: " + other.getFile();
            case FileSystemException other when other.getReason() != null -> other.getReason();
            default -> cause.getMessage() == null ? cause.toString() : cause.getMessage();
        };
    }
}
