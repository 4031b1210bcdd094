package dev.longspan.plot;

import java.awt.Color;
import java.awt.Font;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.knowm.xchart.HeatMapChart;
import org.knowm.xchart.HeatMapChartBuilder;
import org.knowm.xchart.style.Styler;

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
        return ChartFile.write(chart(), folder, name);
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
