package dev.longspan.plot;

import java.awt.Dimension;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import javax.imageio.ImageIO;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;
import javax.xml.transform.TransformerException;
import javax.xml.transform.TransformerFactory;
import javax.xml.transform.dom.DOMSource;
import javax.xml.transform.stream.StreamResult;
import org.apache.batik.svggen.SVGGraphics2D;
import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.internal.chartpart.Chart;
import org.w3c.dom.Document;

/** A chart as PNG and SVG. */
public final class ChartFile {

    private ChartFile() {
    }

    /** Writes {@code name.png} and {@code name.svg} into an existing folder; what is there is replaced. */
    public static List<Path> write(Chart<?, ?> chart, Path folder, String name) throws IOException {
        Path png = folder.resolve(name + ".png");
        Path svg = folder.resolve(name + ".svg");
        try (OutputStream out = Files.newOutputStream(png)) {
            ImageIO.write(BitmapEncoder.getBufferedImage(chart), "png", out);
        }
        try (OutputStream out = Files.newOutputStream(svg)) {
            writeSvg(chart, out);
        }
        return List.of(png, svg);
    }

    /** Through the JDK's serializer: Batik's own names a DTD on the web that every reader would fetch. */
    private static void writeSvg(Chart<?, ?> chart, OutputStream out) throws IOException {
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
}
