package dev.longspan.bench;

import dev.longspan.backend.Backend;
import dev.longspan.parallel.Parallel;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What this machine's multipliers give just now: the fastest of many products of {@value #SIZE} × {@value #SIZE} matrices by
 * the same kernels on the same threads.
 */
public record Peak(double flopsPerSecond, Deviation deviation) {

    static final int SIZE = 1024;

    private static final double WARM_UP_SECONDS = 0.7;
    private static final double SECONDS = 0.7;

    static Peak measure(Backend backend, Parallel parallel) {
        try (GemmRun product = new GemmRun(backend, parallel, SIZE, false)) {
            for (double spent = 0; spent < WARM_UP_SECONDS; ) {
                spent += product.seconds();
            }
            double best = Double.POSITIVE_INFINITY;
            for (double spent = 0; spent < SECONDS; ) {
                double seconds = product.seconds();
                best = Math.min(best, seconds);
                spent += seconds;
            }
            return new Peak(2.0 * SIZE * SIZE * SIZE / best, product.deviation());
        }
    }

    /** The faster of two measurements. */
    Peak faster(Peak other) {
        return flopsPerSecond >= other.flopsPerSecond ? this : other;
    }

    Map<String, Object> figures() {
        Map<String, Object> figures = new LinkedHashMap<>();
        figures.put("product", SIZE);
        if (deviation.isWithin()) {
            figures.put("gflopPerSecond", flopsPerSecond * 1e-9);
        }
        return figures;
    }
}
