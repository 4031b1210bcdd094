package dev.longspan.report;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a step found.
 *
 * @param id the field of results.json that holds the figures
 * @param passed whether every check of the step held
 * @param headlines sentences for the top of the report and the end of the output
 * @param blocks what the report shows
 * @param redo the command that repeats it
 */
public record Section(String id, String title, boolean passed, Map<String, @Nullable Object> figures,
        List<Headline> headlines, List<Block> blocks, String redo) {

    /** A template, and whether what it says holds. */
    public record Headline(String text, boolean passed) {
    }

    public Section {
        headlines = List.copyOf(headlines);
        blocks = List.copyOf(blocks);
    }
}
