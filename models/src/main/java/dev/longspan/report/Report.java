package dev.longspan.report;

import dev.longspan.json.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Sections and the figures that they show. */
public record Report(List<Section> sections) {

    /** File names within a folder. */
    public static final String PAGE = "report.html";
    public static final String RESULTS = "results.json";

    public Report {
        sections = List.copyOf(sections);
    }

    /** Every figure, each section's under its id. */
    public Map<String, @Nullable Object> figures() {
        Map<String, @Nullable Object> figures = new LinkedHashMap<>();
        figures.put("passed", passed());
        sections.forEach(s -> figures.put(s.id(), s.figures()));
        return figures;
    }

    /** Whether every section's checks held. */
    public boolean passed() {
        return sections.stream().allMatch(Section::passed);
    }

    /** The headline sentences with their figures. */
    public List<String> headlines() {
        Figures figures = new Figures(figures());
        List<String> lines = new ArrayList<>();
        for (Section section : sections) {
            section.headlines().forEach(h ->
                    lines.add((h.passed() ? "" : "FAILED: ") + Template.text(h.text(), figures)));
        }
        return lines;
    }

    /** Writes {@value #RESULTS} and {@value #PAGE}. */
    public void write(Path folder) throws IOException {
        Files.createDirectories(folder);
        Files.writeString(folder.resolve(RESULTS), Json.pretty(figures()) + "\n");
        Files.writeString(folder.resolve(PAGE), new Page(this).html());
    }
}
