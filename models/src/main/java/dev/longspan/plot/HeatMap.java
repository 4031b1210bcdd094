package dev.longspan.plot;

import java.awt.Color;
import java.awt.Dimension;
import java.awt.Font;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import javax.imageio.ImageIO;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;
import javax.xml.transform.TransformerException;
import javax.xml.transform.TransformerFactory;
import javax.xml.transform.dom.DOMSource;
import javax.xml.transform.stream.StreamResult;
import org.apache.batik.svggen.SVGGraphics2D;
import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.HeatMapChart;
import org.knowm.xchart.HeatMapChartBuilder;
import org.knowm.xchart.style.Styler;
import org.w3c.dom.Document;

/**
 * A square of numbers from 0 on as colours, white for 0 and dark blue for the largest; row 0 at the top.
 *
 * @param labels of the rows, and of the columns
 * @param values [row][column]
 */
@SuppressWarnings("ArrayRecordComponent") // compared by nobody
public record HeatMap(String title, List<String> labels, double[][] values) {

    private static final int CELL = 14;
    private static final int MARGIN = 190;
    private static final Font TEXT = new Font(Font.SANS_SERIF, Font.PLAIN, 11);
    private static final Color[] SCALE = {Color.WHITE, new Color(0x9ecae1), new Color(0x08306b)};

    public HeatMap {
        labels = List.copyOf(labels);
        int side = labels.size();
        if (side == 0 || values.length != side || Arrays.stream(values).anyMatch(row -> row.length != side)) {
            throw new IllegalArgumentException("values must be a square with a label a row: labels=" + side + ", rows="
                    + values.length);
        }
    }

    /** Writes {@code name.png} and {@code name.svg} into an existing folder; what is there is replaced. */
    public List<Path> write(Path folder, String name) throws IOException {
        Path png = folder.resolve(name + ".png");
        Path svg = folder.resolve(name + ".svg");
        HeatMapChart chart = chart();
        try (OutputStream out = Files.newOutputStream(png)) {
            ImageIO.write(BitmapEncoder.getBufferedImage(chart), "png", out);
        }
        try (OutputStream out = Files.newOutputStream(svg)) {
            writeSvg(chart, out);
        }
        return List.of(png, svg);
    }

    /** Through the JDK's serializer: Batik's own names a DTD on the web that every reader would fetch. */
    private static void writeSvg(HeatMapChart chart, OutputStream out) throws IOException {
        try {
            Document document = DocumentBuilderFactory.newDefaultNSInstance().newDocumentBuilder().getDOMImplementation()
                    .createDocument(SVGGraphics2D.SVG_NAMESPACE_URI, "svg", null);
            SVGGraphics2D graphics = new SVGGraphics2D(document);
            graphics.setSVGCanvasSize(new Dimension(chart.getWidth(), chart.getHeight()));
            chart.paint(graphics, chart.getWidth(), chart.getHeight());
            TransformerFactory.newDefaultInstance().newTransformer()
                    .transform(new DOMSource(graphics.getRoot()), new StreamResult(out));
        } catch (ParserConfigurationException | TransformerException e) {
            throw new IOException("cannot write SVG: " + e.getMessage(), e);
        }
    }

    private HeatMapChart chart() {
        int side = labels.size() * CELL + MARGIN;
        HeatMapChart chart = new HeatMapChartBuilder().width(side).height(side).title(title).build();
        // XChart draws row 0 at the bottom.
        List<Number[]> cells = new ArrayList<>();
        for (int column = 0; column < labels.size(); column++) {
            for (int row = 0; row < labels.size(); row++) {
                cells.add(new Number[] {column, row, values[labels.size() - 1 - row][column]});
            }
        }
        chart.addSeries("probability", labels, labels.reversed(), cells);
        chart.getStyler().setRangeColors(SCALE).setMin(0)
                .setMax(Arrays.stream(values).flatMapToDouble(Arrays::stream).max().orElseThrow())
                .setHeatMapDecimalValueFormatter(value -> String.format(Locale.ROOT, "%.2f", value));
        chart.getStyler().setXAxisLabelRotation(90).setAxisTickLabelsFont(TEXT).setXAxisMaxLabelCount(labels.size())
                .setPlotContentSize(1).setChartTitleFont(TEXT).setChartBackgroundColor(Color.WHITE)
                .setLegendPosition(Styler.LegendPosition.OutsideE);
        return chart;
    }
}
