package dev.longspan.report;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.ArrayList;
import java.util.Formatter;
import java.util.List;
import java.util.Locale;

/** A {@link Chart} as inline SVG. Every point carries its figures' paths and values; colours come from the page's style. */
final class SvgChart {

    private static final int WIDTH = 760;
    private static final int HEIGHT = 360;
    private static final int LEFT = 76;
    private static final int RIGHT = WIDTH - 24;
    private static final int TOP = 40;
    private static final int BOTTOM = HEIGHT - 52;
    private static final int CHARACTER = 7;
    private static final int FEW_POINTS = 40;

    /** The figures of one point. */
    private record Point(String path, Number px, Number py) {
        double x() {
            return px.doubleValue();
        }

        double y() {
            return py.doubleValue();
        }
    }

    private final Chart chart;
    private final Figures figures;
    private final List<List<Point>> lines = new ArrayList<>();
    private final Scale x;
    private final Scale y;
    private final StringBuilder svg = new StringBuilder();
    private final Formatter out = new Formatter(svg, Locale.ROOT);

    SvgChart(Chart chart, Figures figures) {
        this.chart = chart;
        this.figures = figures;
        List<Double> xs = new ArrayList<>();
        List<Double> ys = new ArrayList<>();
        for (Chart.Series series : chart.series()) {
            List<Point> points = points(series);
            lines.add(points);
            points.forEach(p -> {
                xs.add(p.x());
                ys.add(p.y());
            });
        }
        for (Chart.Level level : chart.levels()) {
            if (figures.find(level.path()) instanceof Number n) {
                ys.add(n.doubleValue());
            }
        }
        x = Scale.of(chart.x(), xs, LEFT, RIGHT);
        y = Scale.of(chart.y(), ys, BOTTOM, TOP);
    }

    private List<Point> points(Chart.Series series) {
        List<Point> points = new ArrayList<>();
        for (int i = 0; i < figures.count(series.rows()); i++) {
            String path = series.rows() + "." + i;
            if (figures.find(path + "." + series.x()) instanceof Number px
                    && figures.find(path + "." + series.y()) instanceof Number py) {
                points.add(new Point(path, px, py));
            }
        }
        return points;
    }

    String svg() {
        out.format("<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"%s\" xmlns=\"http://www.w3.org/2000/svg\">%n",
                WIDTH, HEIGHT, Markup.escape(chart.title()));
        grid();
        levels();
        for (int i = 0; i < lines.size(); i++) {
            line(i);
        }
        legend();
        return svg.append("</svg>\n").toString();
    }

    private void grid() {
        for (double tick : x.ticks()) {
            double at = x.at(tick);
            out.format("<line class=\"grid\" x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\"/>", at, TOP, at, BOTTOM);
            out.format("<text class=\"tick\" x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s</text>%n", at, BOTTOM + 18,
                    label(chart.x(), tick));
        }
        for (double tick : y.ticks()) {
            double at = y.at(tick);
            out.format("<line class=\"grid\" x1=\"%d\" y1=\"%.1f\" x2=\"%d\" y2=\"%.1f\"/>", LEFT, at, RIGHT, at);
            out.format("<text class=\"tick\" x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s</text>%n", LEFT - 8, at + 4,
                    label(chart.y(), tick));
        }
        out.format("<text class=\"axis\" x=\"%d\" y=\"%d\" text-anchor=\"middle\">%s</text>%n", (LEFT + RIGHT) / 2, HEIGHT - 10,
                Markup.escape(chart.x().label()));
        out.format("<text class=\"axis\" transform=\"translate(16 %d) rotate(-90)\" text-anchor=\"middle\">%s</text>%n",
                (TOP + BOTTOM) / 2, Markup.escape(chart.y().label()));
    }

    private static String label(Chart.Axis axis, double tick) {
        // Ticks are sums and powers: rounded, they lose what binary fractions add to them.
        double rounded = new BigDecimal(tick).round(new MathContext(9)).doubleValue();
        String text = axis.format() == Format.TOKENS || axis.format() == Format.BYTES
                ? axis.format().text(rounded).replace(".0 ", " ").replace(".00 ", " ")
                : new BigDecimal(Double.toString(rounded)).stripTrailingZeros().toPlainString();
        return Markup.escape(text);
    }

    private void levels() {
        for (Chart.Level level : chart.levels()) {
            if (figures.find(level.path()) instanceof Number value) {
                double at = y.at(value.doubleValue());
                out.format("<line class=\"level\" x1=\"%d\" y1=\"%.1f\" x2=\"%d\" y2=\"%.1f\" data-y-path=\"%s\" data-y=\"%s\"/>",
                        LEFT, at, RIGHT, at, level.path(), value);
                out.format("<text class=\"tick\" x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s %s</text>%n", RIGHT - 4, at - 5,
                        Markup.escape(level.name()), Markup.escape(chart.y().format().text(value)));
            }
        }
    }

    private void line(int number) {
        Chart.Series series = chart.series().get(number);
        List<Point> points = lines.get(number);
        out.format("<path class=\"line s%d\" d=\"", number);
        for (int i = 0; i < points.size(); i++) {
            out.format("%s%.1f %.1f", i == 0 ? "M" : "L", x.at(points.get(i).x()), y.at(points.get(i).y()));
        }
        out.format("\"/>%n");
        for (Point p : points) {
            out.format("<circle class=\"s%1$d\" cx=\"%2$.1f\" cy=\"%3$.1f\" r=\"%4$s\" data-x-path=\"%5$s.%6$s\" data-x=\"%7$s\""
                    + " data-y-path=\"%5$s.%8$s\" data-y=\"%9$s\"><title>%10$s: %11$s, %12$s</title></circle>%n",
                    number, x.at(p.x()), y.at(p.y()), points.size() > FEW_POINTS ? "1.2" : "3.5", p.path, series.x(), p.px,
                    series.y(), p.py, Markup.escape(series.name()), Markup.escape(chart.x().format().text(p.px)),
                    Markup.escape(chart.y().format().text(p.py)));
        }
    }

    private void legend() {
        int at = LEFT;
        for (int i = 0; i < lines.size(); i++) {
            String name = chart.series().get(i).name();
            out.format("<line class=\"line s%d\" x1=\"%d\" y1=\"20\" x2=\"%d\" y2=\"20\"/>", i, at, at + 22);
            out.format("<text class=\"axis\" x=\"%d\" y=\"24\">%s</text>%n", at + 28, Markup.escape(name));
            at += 28 + CHARACTER * name.length() + 24;
        }
    }
}
