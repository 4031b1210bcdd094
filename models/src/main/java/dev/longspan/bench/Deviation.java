package dev.longspan.bench;

/** The largest absolute error of an answer, and the bound that it must keep. */
public record Deviation(double error, double bound) {

    /** Whether the answer is right; NaN is not. */
    public boolean isWithin() {
        return error <= bound;
    }

    /** No error. */
    public static final Deviation NONE = new Deviation(0, Double.MIN_VALUE);

    /** The one nearer to its bound. */
    public Deviation worse(Deviation other) {
        return error / bound >= other.error / other.bound || Double.isNaN(error) ? this : other;
    }

    /** The largest difference; NaN where any is. */
    public static Deviation of(double[] expected, double[] actual, double bound) {
        double worst = 0;
        for (int i = 0; i < expected.length; i++) {
            double error = Math.abs(actual[i] - expected[i]);
            worst = Double.isNaN(error) ? error : Math.max(worst, error); // Math.max keeps a NaN once there
        }
        return new Deviation(worst, bound);
    }
}
