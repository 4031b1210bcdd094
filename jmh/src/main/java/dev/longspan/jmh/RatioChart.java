package dev.longspan.jmh;

import dev.longspan.plot.ChartFile;
import java.awt.Color;
import java.awt.Font;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.knowm.xchart.AnnotationLine;
import org.knowm.xchart.HorizontalBarChart;
import org.knowm.xchart.HorizontalBarChartBuilder;

/**
 * Ratios as bars, one a problem and peer: above 1 longspan is faster. Bars end at {@value #MOST}.
 *
 * @param labels from top to bottom
 */
record RatioChart(String title, List<String> labels, List<Double> ratios) {

    private static final double MOST = 8;
    private static final int WIDTH = 1000;
    private static final int MARGIN = 70;
    private static final int BAR = 16;
    private static final Font TEXT = new Font(Font.SANS_SERIF, Font.PLAIN, 11);

    static RatioChart of(Results results) {
        List<String> labels = new ArrayList<>();
        List<Double> ratios = new ArrayList<>();
        for (Run run : results.runs()) {
            String threads = run.threads() == 1 ? "" : ", " + run.threads() + " threads";
            for (Row row : run.rows()) {
                for (Row.Result result : row.results()) {
                    if (!Double.isNaN(row.ratio(result))) {
                        labels.add(run.family() + " " + row.problem() + threads + ": " + result.side());
                        ratios.add(Math.min(MOST, row.ratio(result)));
                    }
                }
            }
        }
        return new RatioChart("time of peers over longspan's, " + results.machine().get("cpu"), labels, ratios);
    }

    /** Leaves {@code name.svg} and {@code name.png}, or nothing where nothing is to be shown. */
    List<Path> write(Path folder, String name) throws IOException {
        return labels.isEmpty() ? List.of() : ChartFile.write(chart(), folder, name);
    }

    private HorizontalBarChart chart() {
        HorizontalBarChart chart = new HorizontalBarChartBuilder().width(WIDTH).height(labels.size() * BAR + MARGIN).title(title)
                .build();
        chart.addSeries("ratio", ratios, labels);
        chart.addAnnotation(new AnnotationLine(1, true, false));
        chart.getStyler().setAvailableSpaceFill(0.7).setChartTitleFont(TEXT).setChartBackgroundColor(Color.WHITE)
                .setLegendVisible(false);
        chart.getStyler().setXAxisMaxLabelCount(labels.size()).setAxisTickLabelsFont(TEXT).setXAxisMin(0.0).setXAxisMax(MOST)
                .setXAxisDecimalPattern("0").setPlotContentSize(1);
        return chart;
    }
}
