package dev.longspan.verify;

import dev.longspan.json.JsonObject;
import dev.longspan.tensor.DType;
import java.util.Arrays;

/** {@code max|a − b| ≤ tol · (10⁻³ + max|b|)} over finite elements, infinities and NaN in the same places; 0 asks for equality. */
record Tolerance(double f64, double f32) {

    static final Tolerance EXACT = new Tolerance(0, 0);

    static Tolerance of(JsonObject json, Precision precision) {
        if (json.flag("exact", false)) {
            return EXACT;
        }
        return precision == Precision.BF16 ? new Tolerance(json.number("bf16"), json.number("bf16"))
                : new Tolerance(json.number("f64"), json.number("f32"));
    }

    double of(DType dtype) {
        return dtype == DType.F64 ? f64 : f32;
    }

    /** Outcome of one comparison; {@code problem} is empty where the numbers can be compared. */
    record Comparison(double maxAbsError, double bound, String problem) {
        boolean isOk() {
            return problem.isEmpty() && maxAbsError <= bound;
        }

        /** The same with the parts named if it did not hold in them. */
        Comparison in(Parts parts) {
            return isOk() || parts.lengths().isEmpty() ? this
                    : new Comparison(maxAbsError, bound, (problem + " " + parts).strip());
        }

        /** Whether this one should be told of two comparisons with the same expectation. */
        boolean isWorseThan(Comparison other) {
            return other.isOk() && (!isOk() || maxAbsError > other.maxAbsError);
        }
    }

    Comparison compare(Values computed, Values expected, DType dtype) {
        if (!Arrays.equals(computed.shape(), expected.shape())) {
            return new Comparison(Double.NaN, 0, "shape " + Arrays.toString(computed.shape()) + ", expected "
                    + Arrays.toString(expected.shape()));
        }
        double error = 0;
        double largest = 0;
        for (int i = 0; i < expected.elements().length; i++) {
            double a = computed.elements()[i];
            double b = expected.elements()[i];
            if (Double.isFinite(a) && Double.isFinite(b)) {
                error = Math.max(error, Math.abs(a - b));
                largest = Math.max(largest, Math.abs(b));
            } else if (Double.compare(a, b) != 0) {
                return new Comparison(Double.POSITIVE_INFINITY, 0, "element " + i + " is " + a + ", expected " + b);
            }
        }
        double tolerance = of(dtype);
        return new Comparison(error, tolerance == 0 ? 0 : tolerance * (1e-3 + largest), "");
    }
}
