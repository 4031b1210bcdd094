package dev.longspan.jmh;

import dev.longspan.plot.ChartFile;
import java.awt.Color;
import java.awt.Font;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.knowm.xchart.HorizontalBarChart;
import org.knowm.xchart.HorizontalBarChartBuilder;
import org.knowm.xchart.style.Styler;

/**
 * Ratios as bars, a series a peer: above 1 longspan is faster. Bars end at {@value #MOST}.
 *
 * @param problems from top to bottom
 * @param ratios by peer, then by problem
 */
record RatioChart(String title, List<String> problems, Map<String, Map<String, Double>> ratios) {

    private static final double MOST = 8;
    private static final int WIDTH = 1000;
    private static final int MARGIN = 120;
    private static final int BAR = 9;
    private static final Font TEXT = new Font(Font.SANS_SERIF, Font.PLAIN, 11);

    static RatioChart of(Results results) {
        Set<String> problems = new LinkedHashSet<>();
        Map<String, Map<String, Double>> ratios = new LinkedHashMap<>();
        for (Run run : results.runs()) {
            for (Row row : run.rows()) {
                for (Row.Result result : row.results()) {
                    if (!Double.isNaN(row.ratio(result))) {
                        String problem = run.family() + " " + row.problem() + (run.threads() == 1 ? "" : ", " + run.threads()
                                + " threads");
                        problems.add(problem);
                        ratios.computeIfAbsent(result.side(), s -> new LinkedHashMap<>())
                                .put(problem, row.ratio(result));
                    }
                }
            }
        }
        return new RatioChart("time of peers over longspan's, " + results.machine().get("cpu"), List.copyOf(problems), ratios);
    }

    /** Leaves {@code name.svg} and {@code name.png}, or nothing where nothing is to be shown. */
    List<Path> write(Path folder, String name) throws IOException {
        return problems.isEmpty() ? List.of() : ChartFile.write(chart(), folder, name);
    }

    private HorizontalBarChart chart() {
        int height = problems.size() * ratios.size() * BAR + problems.size() * BAR + MARGIN;
        HorizontalBarChart chart = new HorizontalBarChartBuilder().width(WIDTH).height(height).title(title).build();
        List<String> fromBottom = problems.reversed();
        ratios.forEach((peer, byProblem) -> {
            List<Double> bars = new ArrayList<>();
            fromBottom.forEach(problem -> bars.add(Math.min(MOST, byProblem.getOrDefault(problem, 0.0))));
            chart.addSeries(peer, bars, fromBottom);
        });
        chart.getStyler().setAvailableSpaceFill(0.8).setChartTitleFont(TEXT).setChartBackgroundColor(Color.WHITE)
                .setLegendPosition(Styler.LegendPosition.OutsideS).setLegendLayout(Styler.LegendLayout.Horizontal);
        chart.getStyler().setAxisTickLabelsFont(TEXT).setXAxisMin(0.0).setXAxisMax(MOST).setXAxisDecimalPattern("0");
        return chart;
    }
}
