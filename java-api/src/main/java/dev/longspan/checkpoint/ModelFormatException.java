package dev.longspan.checkpoint;

import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A model file is damaged, hostile or not what the model needs; the message is one line, and nothing was loaded. */
public final class ModelFormatException extends RuntimeException {
    private static final long serialVersionUID = 1;

    /** The offset where no single byte is to blame. */
    public static final long NO_OFFSET = -1;

    private static final int LONGEST_NAME = 120;

    private final transient Path file;
    private final long offset;
    private final @Nullable String tensor;

    /**
     * A problem of a file.
     *
     * @param offset byte within the file, or {@link #NO_OFFSET}
     * @param tensor name in the file, where one is to blame
     */
    public ModelFormatException(Path file, long offset, @Nullable String tensor, String problem) {
        super(file + (offset >= 0 ? ", byte " + offset : "")
                + (tensor != null ? ", tensor \"" + printable(tensor) + "\"" : "") + ": " + oneLine(problem));
        this.file = file;
        this.offset = offset;
        this.tensor = tensor;
    }

    public Path file() {
        return file;
    }

    /** Byte within the file, or {@link #NO_OFFSET}. */
    public long offset() {
        return offset;
    }

    public Optional<String> tensor() {
        return Optional.ofNullable(tensor);
    }

    /** A name out of a file, fit for a terminal: short and without control characters. */
    public static String printable(String name) {
        return oneLine(name.length() <= LONGEST_NAME ? name : name.substring(0, LONGEST_NAME) + "…");
    }

    private static String oneLine(String text) {
        return text.replaceAll("[\\p{Cntrl}\\p{Cf}\\u2028\\u2029]+", " ");
    }
}
