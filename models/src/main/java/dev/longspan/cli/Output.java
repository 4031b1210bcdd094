package dev.longspan.cli;

import dev.longspan.json.Json;
import java.io.PrintWriter;
import java.util.Locale;
import java.util.Map;

/** What a command answers: lines of text as they come, or one JSON object at the end. */
final class Output {

    /** The forms of output. */
    enum Format {
        text, json
    }

    private final PrintWriter out;
    private final Format format;

    Output(PrintWriter out, Format format) {
        this.out = out;
        this.format = format;
    }

    boolean isJson() {
        return format == Format.json;
    }

    /** A line for people, in the form of {@link String#format}; nothing in JSON. */
    @SuppressWarnings("AnnotateFormatMethod") // its annotation would be a dependency
    void line(String form, Object... values) {
        if (!isJson()) {
            out.println(values.length == 0 ? form : String.format(Locale.ROOT, form, values));
            out.flush();
        }
    }

    /** Where lines are appended as they come; for text only. */
    Appendable lines() {
        return out;
    }

    /** Text as it is generated; nothing in JSON. */
    void text(String piece) {
        if (!isJson()) {
            out.print(piece);
            out.flush();
        }
    }

    /** The result for machines; nothing in text. */
    void result(Map<String, ?> object) {
        if (isJson()) {
            out.println(Json.pretty(object));
            out.flush();
        }
    }
}
