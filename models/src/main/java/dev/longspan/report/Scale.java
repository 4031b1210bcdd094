package dev.longspan.report;

import java.util.ArrayList;
import java.util.List;

/**
 * Values to pixels along one axis.
 *
 * @param low value at pixel {@code from}
 * @param high value at pixel {@code to}
 */
record Scale(double low, double high, boolean logarithmic, double from, double to, List<Double> ticks) {

    private static final int TICKS = 6;
    private static final int MOST_POWERS = 12;

    /** A scale whose ticks enclose the values; tokens and bytes get powers of two. */
    static Scale of(Chart.Axis axis, List<Double> values, double from, double to) {
        double low = values.stream().mapToDouble(v -> v).min().orElse(0);
        double high = values.stream().mapToDouble(v -> v).max().orElse(1);
        if (axis.logarithmic()) {
            return logarithmic(low, high, axis.format() == Format.TOKENS || axis.format() == Format.BYTES ? 2 : 10, from, to);
        }
        double step = step((high > low ? high - low : Math.max(Math.abs(high), 1)) / TICKS);
        List<Double> ticks = new ArrayList<>();
        long first = (long) Math.floor(low / step);
        long last = Math.max((long) Math.ceil(high / step), first + 1);
        for (long i = first; i <= last; i++) {
            ticks.add(i * step);
        }
        return new Scale(ticks.getFirst(), ticks.getLast(), false, from, to, ticks);
    }

    private static Scale logarithmic(double low, double high, int base, double from, double to) {
        if (base == 10 && high < 100 * low) {
            return oneTwoFive(low, high, from, to);
        }
        double unit = Math.log(base);
        long first = (long) Math.floor(Math.log(low) / unit + 1e-9);
        long last = Math.max((long) Math.ceil(Math.log(high) / unit - 1e-9), first + 1);
        long stride = Math.ceilDiv(last - first, MOST_POWERS);
        List<Double> ticks = new ArrayList<>();
        for (long i = first; i <= last; i += stride) {
            ticks.add(Math.pow(base, i));
        }
        return new Scale(Math.pow(base, first), Math.pow(base, last), true, from, to, ticks);
    }

    /** Less than two decades: ticks at 1, 2 and 5 times powers of ten. */
    private static Scale oneTwoFive(double low, double high, double from, double to) {
        List<Double> ticks = new ArrayList<>();
        for (int power = (int) Math.floor(Math.log10(low)); ticks.isEmpty() || ticks.getLast() < high; power++) {
            for (double factor : new double[] {1, 2, 5}) {
                double tick = factor * Math.pow(10, power);
                if (tick <= low) {
                    ticks.clear();
                }
                if (ticks.isEmpty() || ticks.getLast() < high) {
                    ticks.add(tick);
                }
            }
        }
        return new Scale(ticks.getFirst(), ticks.getLast(), true, from, to, ticks);
    }

    /** The first of 1, 2, 5, 10, … times a power of ten that is not below {@code atLeast}. */
    private static double step(double atLeast) {
        double power = Math.pow(10, Math.floor(Math.log10(atLeast)));
        for (double factor : new double[] {1, 2, 5}) {
            if (factor * power >= atLeast * (1 - 1e-9)) {
                return factor * power;
            }
        }
        return 10 * power;
    }

    /** Pixel of a value. */
    double at(double value) {
        double share = logarithmic ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low);
        return from + share * (to - from);
    }
}
