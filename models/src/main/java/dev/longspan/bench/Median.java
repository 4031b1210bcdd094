package dev.longspan.bench;

import java.util.Arrays;
import java.util.function.DoubleSupplier;

/** Medians of repeated measurements. */
public final class Median {

    private static final int MOST = 9;

    private Median() {
    }

    public static double of(double... values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        int half = sorted.length / 2;
        return sorted.length % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
    }

    /** As many samples as fit the seconds, at least {@code least} and at most {@value #MOST}. */
    static double[] samples(DoubleSupplier sample, int least, double seconds) {
        double[] taken = new double[MOST];
        double spent = 0;
        int count = 0;
        while (count < least || count < MOST && spent + spent / count < seconds) {
            taken[count] = sample.getAsDouble();
            spent += taken[count++];
        }
        return Arrays.copyOf(taken, count);
    }
}
