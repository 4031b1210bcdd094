package dev.longspan.report;

import java.util.List;

/**
 * What a line chart shows.
 *
 * @param levels horizontal lines to compare with
 */
public record Chart(String title, Axis x, Axis y, List<Series> series, List<Level> levels) {

    public Chart {
        series = List.copyOf(series);
        levels = List.copyOf(levels);
    }

    /** An axis; ticks of a logarithmic one are powers of two for tokens and bytes and of ten otherwise. */
    public record Axis(String label, boolean logarithmic, Format format) {
    }

    /** A line through the points that the elements of the list at {@code rows} have; elements without either value are left out. */
    public record Series(String name, String rows, String x, String y) {
    }

    /** The figure at a path as a horizontal line. */
    public record Level(String name, String path) {
    }
}
