package dev.longspan.text;

/**
 * One text by name. The array is shared, not copied: nobody writes to it.
 *
 * @param name path within its source, with {@code /}
 */
@SuppressWarnings("ArrayRecordComponent") // compared by nobody
public record Document(String name, byte[] text) {
}
