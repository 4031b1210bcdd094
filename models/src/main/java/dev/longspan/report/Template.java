package dev.longspan.report;

import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Prose with figures in it: {@code "{sweep.flatness.ratio:fixed2} times"}. */
final class Template {

    private static final Pattern FIGURE = Pattern.compile("\\{([A-Za-z0-9_.]+)(?::([a-z0-9]+))?\\}");

    private Template() {
    }

    /** As plain text; a figure that is not there is a dash. */
    static String text(String template, Figures figures) {
        return FIGURE.matcher(template).replaceAll(m -> {
            Object value = figures.find(m.group(1));
            return Matcher.quoteReplacement(value == null ? "–" : format(m.group(2)).text(value));
        });
    }

    /** As HTML: every figure a {@code data} element with its path and exact value. */
    static String html(String template, Figures figures) {
        StringBuilder html = new StringBuilder();
        int end = 0;
        for (Matcher m = FIGURE.matcher(template); m.find(); end = m.end()) {
            html.append(Markup.escape(template.substring(end, m.start())));
            Object value = figures.find(m.group(1));
            Format format = format(m.group(2));
            html.append(value == null ? "–" : String.format("<data data-path=\"%s\" data-format=\"%s\" value=\"%s\">%s</data>",
                    m.group(1), format, Markup.escape(value.toString()), Markup.escape(format.text(value))));
        }
        return html.append(Markup.escape(template.substring(end))).toString();
    }

    private static Format format(@Nullable String name) {
        return name == null ? Format.PLAIN : Format.valueOf(name.toUpperCase(Locale.ROOT));
    }
}
