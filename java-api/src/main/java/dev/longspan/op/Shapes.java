package dev.longspan.op;

import dev.longspan.autograd.Pass;
import dev.longspan.tensor.Tensor;
import java.util.Arrays;

/** Checks that ops share. */
final class Shapes {

    private Shapes() {
    }

    /** Floating tensors of one dtype that the pass's backend computes with. */
    static void checkComputes(Pass pass, String names, Tensor... tensors) {
        for (Tensor t : tensors) {
            pass.backend().checkComputes(t.dtype());
            if (t.dtype() != tensors[0].dtype()) {
                throw new IllegalArgumentException(names + " must have one dtype: " + Arrays.toString(tensors));
            }
        }
    }

    static void checkSame(String names, Tensor a, Tensor b) {
        if (!a.hasShapeOf(b)) {
            throw new IllegalArgumentException(names + " must have one shape: " + a + ", " + b);
        }
    }

    static void checkShape(String name, Tensor t, long... expected) {
        if (!t.hasShape(expected)) {
            throw new IllegalArgumentException(name + " must have shape " + Arrays.toString(expected) + ": " + name + "=" + t);
        }
    }

    static void checkContiguous(String name, Tensor t) {
        if (!t.isContiguous()) {
            throw new IllegalArgumentException(name + " must be contiguous: " + name + "=" + t);
        }
    }

    static long[] withLast(Tensor like, long last) {
        long[] shape = like.shape();
        shape[shape.length - 1] = last;
        return shape;
    }
}
