package dev.longspan.kernel.vector;

import dev.longspan.kernel.Activation;
import dev.longspan.kernel.vector.VectorGemm.Matrix;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * {@code y = f(x) ⊙ up} of a row of a product x that was just stored and is in the first cache. Not of its vectors before
 * they are stored: f's loops must not be inlined ({@link ActivationLoops}). y may be x.
 */
record VectorEpilogue(Activation f, Matrix x, @Nullable Matrix up, Matrix y) {

    /** {@code count} columns from {@code col} on; spare: {@link VectorActivation#SPARE_BYTES}. */
    void row(long row, long col, int count, MemorySegment spare) {
        int block = VectorActivation.blockOfValues(f, count);
        for (int j = 0; j < count; j += block) {
            int n = Math.min(block, count - j);
            long at = y.at(row, col + j);
            VectorActivation.value(f, x.memory(), x.at(row, col + j), y.memory(), at, n, spare);
            if (up != null) {
                VectorElementwise.multiply(y.memory(), at, up.memory(), up.at(row, col + j), y.memory(), at, n);
            }
        }
    }
}
