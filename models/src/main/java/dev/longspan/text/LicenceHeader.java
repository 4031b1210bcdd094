package dev.longspan.text;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Locale;

/** The comment at the top of a source file that repeats in thousands of them and teaches a model nothing. */
final class LicenceHeader {

    private LicenceHeader() {
    }

    /** The text without a leading block comment that speaks of copyright or licence. */
    static byte[] strip(byte[] text) {
        int start = skipSpace(text, 0);
        if (start + 1 >= text.length || text[start] != '/' || text[start + 1] != '*') {
            return text;
        }
        int end = start + 2;
        while (end + 1 < text.length && (text[end] != '*' || text[end + 1] != '/')) {
            end++;
        }
        if (end + 1 >= text.length) {
            return text;
        }
        String comment = new String(text, start, end - start, StandardCharsets.ISO_8859_1).toLowerCase(Locale.ROOT);
        boolean licence = comment.contains("copyright") || comment.contains("license") || comment.contains("licence");
        return licence ? Arrays.copyOfRange(text, skipSpace(text, end + 2), text.length) : text;
    }

    private static int skipSpace(byte[] text, int from) {
        int at = from;
        while (at < text.length && text[at] <= ' ' && text[at] > 0) {
            at++;
        }
        return at;
    }
}
