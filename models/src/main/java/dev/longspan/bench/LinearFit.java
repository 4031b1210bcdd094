package dev.longspan.bench;

import java.util.List;

/**
 * Least squares {@code y ≈ intercept + slope · x}.
 *
 * @param worst largest {@code |y − fit| / y}
 */
public record LinearFit(double intercept, double slope, double worst) {

    /** Weighted by {@code 1/y²}, so that every point counts by its relative deviation. At least two points, y positive. */
    static LinearFit of(List<double[]> points) {
        double w = 0;
        double wx = 0;
        double wy = 0;
        double wxx = 0;
        double wxy = 0;
        for (double[] p : points) {
            double weight = 1 / (p[1] * p[1]);
            w += weight;
            wx += weight * p[0];
            wy += weight * p[1];
            wxx += weight * p[0] * p[0];
            wxy += weight * p[0] * p[1];
        }
        double slope = (w * wxy - wx * wy) / (w * wxx - wx * wx);
        double intercept = (wy - slope * wx) / w;
        double worst = 0;
        for (double[] p : points) {
            worst = Math.max(worst, Math.abs(p[1] - intercept - slope * p[0]) / p[1]);
        }
        return new LinearFit(intercept, slope, worst);
    }
}
