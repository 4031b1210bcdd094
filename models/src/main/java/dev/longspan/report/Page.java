package dev.longspan.report;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** A report as one HTML file, well-formed XML too, that fetches nothing. */
final class Page {

    private final Report report;
    private final Figures figures;
    private final StringBuilder html = new StringBuilder();

    Page(Report report) {
        this.report = report;
        figures = new Figures(report.figures());
    }

    String html() {
        line("<!DOCTYPE html>");
        line("<html lang=\"en\" xmlns=\"http://www.w3.org/1999/xhtml\">");
        line("<head>");
        line("<meta charset=\"utf-8\"/>");
        line("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>");
        line("<meta name=\"color-scheme\" content=\"light dark\"/>");
        line("<title>Longspan report</title>");
        line("<style>");
        line(style());
        line("</style>");
        line("</head>");
        line("<body>");
        line("<h1>Longspan report</h1>");
        head();
        report.sections().forEach(this::section);
        line("<footer>Every figure on this page is read from <code>" + Report.RESULTS + "</code> beside it.</footer>");
        line("</body>");
        line("</html>");
        return html.toString();
    }

    private void head() {
        line("<ul class=\"headlines\">");
        for (Section section : report.sections()) {
            for (Section.Headline headline : section.headlines()) {
                line("<li>" + mark(headline.passed()) + Template.html(headline.text(), figures) + "</li>");
            }
        }
        line("</ul>");
    }

    private void section(Section section) {
        line("<section id=\"" + Markup.escape(section.id()) + "\">");
        line("<h2>" + mark(section.passed()) + Markup.escape(section.title()) + "</h2>");
        for (Block block : section.blocks()) {
            switch (block) {
                case Block.Prose prose -> line("<p>" + Template.html(prose.text(), figures) + "</p>");
                case Block.Facts facts -> facts(facts);
                case Block.Table table -> table(table);
                case Block.Plot plot -> plot(plot.chart(), section.redo());
                case Block.Listing listing -> line("<pre class=\"listing\" data-path=\"" + listing.path() + "\">"
                        + Markup.escape(String.valueOf(figures.find(listing.path()))) + "</pre>");
            }
        }
        line("<p class=\"redo\">Redo: <code>" + Markup.escape(section.redo()) + "</code></p>");
        line("</section>");
    }

    private void facts(Block.Facts facts) {
        line("<dl>");
        for (Map.Entry<String, String> fact : facts.byName().entrySet()) {
            line("<dt>" + Markup.escape(fact.getKey()) + "</dt><dd>" + Template.html(fact.getValue(), figures) + "</dd>");
        }
        line("</dl>");
    }

    private void table(Block.Table table) {
        line("<div class=\"scroll\"><table>");
        line("<thead><tr>" + cells("th", table.columns()) + "</tr></thead>");
        line("<tbody>");
        for (List<String> row : table.rows()) {
            line("<tr>" + cells("td", row) + "</tr>");
        }
        line("</tbody>");
        line("</table></div>");
    }

    private String cells(String element, List<String> cells) {
        StringBuilder row = new StringBuilder();
        for (String cell : cells) {
            row.append('<').append(element).append('>').append(Template.html(cell, figures)).append("</").append(element).append('>');
        }
        return row.toString();
    }

    private void plot(Chart chart, String redo) {
        line("<figure>");
        html.append(new SvgChart(chart, figures).svg());
        line("<figcaption>" + Markup.escape(chart.title()) + ". <span class=\"redo\">Redo: <code>" + Markup.escape(redo)
                + "</code></span></figcaption>");
        line("</figure>");
    }

    private static String mark(boolean passed) {
        return passed ? "<span class=\"ok\">✓</span> " : "<span class=\"failed\">✗</span> ";
    }

    private void line(String text) {
        html.append(text).append('\n');
    }

    private static String style() {
        try (InputStream css = Objects.requireNonNull(Page.class.getResourceAsStream("report.css"), "report.css")) {
            return new String(css.readAllBytes(), StandardCharsets.UTF_8).strip();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
