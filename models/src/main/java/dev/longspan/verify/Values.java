package dev.longspan.verify;

import dev.longspan.tensor.Tensor;

/** Elements of a tensor, row-major, that outlive its pass. */
public record Values(double[] elements, long[] shape) {

    static Values of(Tensor tensor) {
        return new Values(tensor.toDoubles(), tensor.shape());
    }

    /** A scalar, of rank 0. */
    static Values of(double value) {
        return new Values(new double[] {value}, new long[0]);
    }

    /** {@code Σ a⊙b} of tensors of one shape: a loss whose gradient with respect to a is b. */
    static double dot(Tensor a, Tensor b) {
        double[] left = a.toDoubles();
        double[] right = b.toDoubles();
        double sum = 0;
        for (int i = 0; i < left.length; i++) {
            sum += left[i] * right[i];
        }
        return sum;
    }
}
