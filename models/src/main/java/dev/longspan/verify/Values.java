package dev.longspan.verify;

import dev.longspan.tensor.Tensor;

/** Elements of a tensor, row-major, that outlive its pass. */
public record Values(double[] elements, long[] shape) {

    static Values of(Tensor tensor) {
        return new Values(tensor.toDoubles(), tensor.shape());
    }
}
