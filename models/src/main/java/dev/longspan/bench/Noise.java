package dev.longspan.bench;

import dev.longspan.tensor.DType;
import dev.longspan.tensor.Elements;
import dev.longspan.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.SplittableRandom;

/** Reproducible inputs of mean 0 and variance 1 at the speed of a copy. */
public final class Noise {

    /** A prime, so that the repeated block never lines up with rows. */
    private static final int BLOCK = 65_521;

    private final float[] block = new float[BLOCK];

    public Noise(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        double halfWidth = Math.sqrt(3);
        for (int i = 0; i < BLOCK; i++) {
            block[i] = (float) random.nextDouble(-halfWidth, halfWidth);
        }
    }

    /** Fills a contiguous F32 or BF16 tensor. */
    public void fill(Tensor tensor) {
        DType dtype = tensor.dtype();
        MemorySegment from = MemorySegment.ofArray(new byte[BLOCK * dtype.bytes()]);
        for (int i = 0; i < BLOCK; i++) {
            Elements.set(from, dtype, i, block[i]);
        }
        MemorySegment to = tensor.segment();
        for (long at = 0; at < tensor.elements(); at += BLOCK) {
            long count = Math.min(BLOCK, tensor.elements() - at);
            MemorySegment.copy(from, 0, to, (tensor.offset() + at) * dtype.bytes(), count * dtype.bytes());
        }
    }
}
