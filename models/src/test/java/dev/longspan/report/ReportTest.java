package dev.longspan.report;

import static org.assertj.core.api.Assertions.assertThat;

import dev.longspan.json.Json;
import java.io.StringReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import javax.xml.parsers.DocumentBuilder;
import javax.xml.parsers.DocumentBuilderFactory;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NamedNodeMap;
import org.w3c.dom.NodeList;
import org.xml.sax.InputSource;

final class ReportTest {

    @TempDir
    private Path folder;

    @Test
    void everyFigureOnThePageIsTheOneInTheResults() throws Exception {
        Document page = write(sample());
        Figures results = new Figures(Json.object(Files.readString(folder.resolve(Report.RESULTS))));
        List<Element> shown = elements(page, "data");
        assertThat(shown).hasSizeGreaterThan(10);
        for (Element data : shown) {
            Object value = results.find(data.getAttribute("data-path"));
            assertThat(value).as(data.getAttribute("data-path")).isNotNull();
            assertThat(data.getAttribute("value")).isEqualTo(value.toString());
            assertThat(data.getTextContent()).isEqualTo(Format.valueOf(data.getAttribute("data-format")).text(value));
        }
        List<Element> points = elements(page, "circle");
        assertThat(points).hasSize(5);
        for (Element point : points) {
            assertThat(point.getAttribute("data-x")).isEqualTo(String.valueOf(results.find(point.getAttribute("data-x-path"))));
            assertThat(point.getAttribute("data-y")).isEqualTo(String.valueOf(results.find(point.getAttribute("data-y-path"))));
        }
        assertThat(elements(page, "pre").getFirst().getTextContent()).isEqualTo(results.find("demo.text"));
    }

    @Test
    void thePageFetchesNothing() throws Exception {
        Document page = write(sample());
        assertThat(elements(page, "script")).isEmpty();
        assertThat(elements(page, "link")).isEmpty();
        for (Element element : elements(page, "*")) {
            NamedNodeMap attributes = element.getAttributes();
            for (int i = 0; i < attributes.getLength(); i++) {
                String name = attributes.item(i).getNodeName();
                assertThat(name).isNotIn("src", "href", "xlink:href", "srcset", "action", "style");
                if (!name.equals("xmlns")) {
                    assertThat(attributes.item(i).getNodeValue()).doesNotContain("://");
                }
            }
        }
        assertThat(elements(page, "style").getFirst().getTextContent()).doesNotContain("url(", "@import", "://");
    }

    @Test
    void textOfAModelCannotBreakThePage() throws Exception {
        Document page = write(report(rows(2), "</pre><script>alert(1)</script> & \"\u0000\u001b[1m"));
        assertThat(elements(page, "script")).isEmpty();
        assertThat(elements(page, "pre").getFirst().getTextContent()).startsWith("</pre><script>alert(1)</script> & \"");
    }

    @Test
    void aPageWithThousandsOfPointsStaysBelowAMegabyte() throws Exception {
        write(report(rows(2000), "text"));
        assertThat(Files.size(folder.resolve(Report.PAGE))).isLessThan(1_000_000);
    }

    @Test
    void aPointLiesWhereItsValuesAre() throws Exception {
        Document page = write(sample());
        List<Element> points = elements(page, "circle");
        // x: 1K to 4K by powers of two over the plot's 660 pixels; y: 0 to 10 from pixel 308 up to 40.
        assertThat(points.stream().map(p -> p.getAttribute("cx")).toList()).startsWith("76.0", "406.0", "736.0");
        assertThat(points.getFirst().getAttribute("cy")).isEqualTo("308.0");
        assertThat(points.get(2).getAttribute("cy")).isEqualTo("40.0");
    }

    @Test
    void aMissingFigureIsADashAndNoPoint() throws Exception {
        Document page = write(sample());
        assertThat(page.getElementsByTagName("td").item(5).getTextContent()).isEqualTo("–");
    }

    @Test
    void headlinesAreTheSentencesOfTheSections() {
        assertThat(sample().headlines()).containsExactly("the last ratio is 0.50 at 4K tokens");
        assertThat(sample().passed()).isTrue();
    }

    private static Report sample() {
        return report(rows(3), "class A<T> {\n}\n");
    }

    /** A row has tokens, a time that grows from 0 to 10, and every second one lacks a second time. */
    private static List<Map<String, @Nullable Object>> rows(int count) {
        List<Map<String, @Nullable Object>> rows = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            Map<String, @Nullable Object> row = new LinkedHashMap<>();
            row.put("tokens", 1024L << Math.min(i, 40));
            row.put("time", i * 10.0 / (count - 1));
            row.put("second", i % 2 == 0 ? 1.0 / 3 : null);
            rows.add(row);
        }
        return rows;
    }

    private static Report report(List<Map<String, @Nullable Object>> rows, String text) {
        Map<String, @Nullable Object> figures = new LinkedHashMap<>();
        figures.put("rows", rows);
        figures.put("ratio", 0.4951);
        figures.put("text", text);
        List<List<String>> cells = new ArrayList<>();
        for (int i = 0; i < Math.min(rows.size(), 3); i++) {
            String at = "{demo.rows." + i + ".";
            cells.add(List.of(at + "tokens:tokens}", at + "time:fixed2}", at + "second:scientific}"));
        }
        Chart chart = new Chart("Times", new Chart.Axis("tokens", true, Format.TOKENS),
                new Chart.Axis("seconds", false, Format.FIXED1),
                List.of(new Chart.Series("first", "demo.rows", "tokens", "time"),
                        new Chart.Series("second", "demo.rows", "tokens", "second")),
                List.of(new Chart.Level("floor", "demo.ratio")));
        Section section = new Section("demo", "A demo", true, figures,
                List.of(new Section.Headline("the last ratio is {demo.ratio:fixed2} at {demo.rows.2.tokens:tokens} tokens", true)),
                List.of(new Block.Facts(Map.of("CPU & more", "{demo.ratio}")), new Block.Prose("ratio {demo.ratio:percent} & more"), new Block.Plot(chart),
                        new Block.Table(List.of("tokens", "time", "second"), cells), new Block.Listing("demo.text")),
                "longspan demo --x \"1\"");
        return new Report(List.of(section));
    }

    private Document write(Report report) throws Exception {
        report.write(folder);
        DocumentBuilder parser = DocumentBuilderFactory.newInstance().newDocumentBuilder();
        return parser.parse(new InputSource(new StringReader(Files.readString(folder.resolve(Report.PAGE)))));
    }

    private static List<Element> elements(Document page, String name) {
        NodeList found = page.getElementsByTagName(name);
        List<Element> elements = new ArrayList<>();
        for (int i = 0; i < found.getLength(); i++) {
            elements.add((Element) found.item(i));
        }
        return elements;
    }
}
