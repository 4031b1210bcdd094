package dev.longspan.kernel.vector;

import static dev.longspan.kernel.vector.Lanes.INTS;
import static dev.longspan.kernel.vector.Lanes.LANES;
import static dev.longspan.kernel.vector.Lanes.ORDER;
import static dev.longspan.kernel.vector.Lanes.SPECIES;

import dev.longspan.kernel.Activation;
import dev.longspan.kernel.Dropout;
import dev.longspan.kernel.ElementwiseKernel;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import org.jspecify.annotations.Nullable;

/**
 * Pointwise work in blocks that stay in the first-level cache; each element's bits depend on its operands alone. Each loop takes
 * its slices itself: handed over to a method that is not inlined, every one would be an object on the heap.
 */
final class VectorElementwise implements ElementwiseKernel {

    private static final int BLOCK = 4096;

    @Override
    public void fill(Parallel parallel, Tensor y, double value) {
        parallel.forRanges(y.elements(), BLOCK, (from, to, scratch) -> {
            int n = (int) (to - from);
            MemorySegment ys = Floats.range(y, from, n);
            FloatVector v = FloatVector.broadcast(SPECIES, (float) value);
            int i = 0;
            for (; i < Lanes.whole(n); i += LANES) {
                v.intoMemorySegment(ys, i * 4L, ORDER);
            }
            if (i < n) {
                v.intoMemorySegment(ys, i * 4L, ORDER, Lanes.first(n - i));
            }
        });
    }

    @Override
    public void axpby(Parallel parallel, double alpha, Tensor x, double beta, Tensor y) {
        parallel.forRanges(y.elements(), BLOCK, (from, to, scratch) -> {
            int n = (int) (to - from);
            if (beta == 0) {
                scale(x, (float) alpha, y, from, n);
            } else {
                axpby(x, (float) alpha, (float) beta, y, from, n);
            }
        });
    }

    @Override
    public void add(Parallel parallel, Tensor a, Tensor b, Tensor y) {
        parallel.forRanges(y.elements(), BLOCK, (from, to, scratch) -> add(a, b, y, from, (int) (to - from)));
    }

    @Override
    public void multiply(Parallel parallel, Tensor a, Tensor b, Tensor y, boolean accumulate) {
        parallel.forRanges(y.elements(), BLOCK, (from, to, scratch) -> {
            int n = (int) (to - from);
            if (accumulate) {
                addProduct(Floats.memory(a), a.offset() + from, b, y, from, n);
            } else {
                multiply(Floats.memory(a), a.offset() + from, Floats.memory(b), b.offset() + from, Floats.memory(y),
                        y.offset() + from, n);
            }
        });
    }

    @Override
    public void sum(Parallel parallel, double alpha, Tensor x, Tensor y) {
        Floats.set(y, 0, (float) (alpha * BlockSum.of(parallel, x)));
    }

    @Override
    public void addScalar(Parallel parallel, double alpha, Tensor scalar, Tensor y) {
        float value = (float) (alpha * Floats.get(scalar, 0));
        parallel.forRanges(y.elements(), BLOCK, (from, to, scratch) -> addScalar(value, y, from, (int) (to - from)));
    }

    @Override
    public void activation(Parallel parallel, Activation f, Tensor x, Tensor y) {
        inBlocks(parallel, y.elements(), VectorActivation.blockOfValues(f, BLOCK), (from, n, factor, spare) ->
                VectorActivation.value(f, Floats.memory(x), x.offset() + from, Floats.memory(y), y.offset() + from, n, spare));
    }

    @Override
    public void activationBackward(Parallel parallel, Activation f, Tensor x, Tensor dy, Tensor dx) {
        inBlocks(parallel, dx.elements(), VectorActivation.BLOCK, (from, n, slope, spare) -> {
            VectorActivation.slope(f, Floats.memory(x), x.offset() + from, slope, 0, n, spare);
            addProduct(slope, 0, dy, dx, from, n);
        });
    }

    @Override
    public void gated(Parallel parallel, Activation f, Tensor gate, Tensor up, Tensor y) {
        inBlocks(parallel, y.elements(), VectorActivation.BLOCK, (from, n, value, spare) -> {
            VectorActivation.value(f, Floats.memory(gate), gate.offset() + from, value, 0, n, spare);
            multiply(value, 0, Floats.memory(up), up.offset() + from, Floats.memory(y), y.offset() + from, n);
        });
    }

    // C++ takes 0.7 of the time for SwiGLU and its way back (backend/Mixed): it multiplies in registers what is stored to a block
    // and loaded again here.
    @Override
    public void gatedBackward(Parallel parallel, Activation f, Tensor gate, Tensor up, Tensor dy,
            @Nullable Tensor dGate, @Nullable Tensor dUp) {
        inBlocks(parallel, dy.elements(), VectorActivation.BLOCK, (from, n, factor, spare) -> {
            if (dUp != null) {
                VectorActivation.value(f, Floats.memory(gate), gate.offset() + from, factor, 0, n, spare);
                addProduct(factor, 0, dy, dUp, from, n);
            }
            if (dGate != null) {
                VectorActivation.slope(f, Floats.memory(gate), gate.offset() + from, factor, 0, n, spare);
                addProduct(factor, up, dy, dGate, from, n);
            }
        });
    }

    /** Elements {@code from} to {@code from + n} of contiguous tensors, with memory for a block and {@link VectorActivation}'s spare one. */
    @FunctionalInterface
    private interface Block {
        void run(long from, int n, MemorySegment factor, MemorySegment spare);
    }

    private static void inBlocks(Parallel parallel, long elements, int blockElements, Block block) {
        parallel.forRanges(elements, BLOCK, (from, to, scratch) -> {
            MemorySegment factor = scratch.segment(0, 4L * VectorActivation.BLOCK);
            MemorySegment spare = scratch.segment(1, VectorActivation.SPARE_BYTES);
            for (long at = from; at < to; at += blockElements) {
                block.run(at, (int) Math.min(blockElements, to - at), factor, spare);
            }
        });
    }

    @Override
    public void dropout(Parallel parallel, Dropout dropout, Tensor x, Tensor y, boolean accumulate) {
        float kept = (float) (1 / (1 - dropout.rate()));
        // A uniform number of 24 bits below the rate, as an integer.
        int below = (int) Math.ceil(dropout.rate() * 0x1p24);
        parallel.forRanges(y.elements(), VectorActivation.BLOCK, (from, to, scratch) -> {
            int n = (int) (to - from);
            MemorySegment bits = scratch.segment(0, 4L * VectorActivation.BLOCK);
            VectorPhilox.upperBits(dropout.seed(), dropout.stream(), from, n, bits);
            if (accumulate) {
                addKept(bits, below, kept, x, y, from, n);
            } else {
                keep(bits, below, kept, x, y, from, n);
            }
        });
    }

    private static void scale(Tensor from, float alpha, Tensor to, long at, int n) {
        MemorySegment x = Floats.range(from, at, n);
        MemorySegment y = Floats.range(to, at, n);
        int i = 0;
        for (; i < Lanes.whole(n); i += LANES) {
            load(x, i).mul(alpha).intoMemorySegment(y, i * 4L, ORDER);
        }
        if (i < n) {
            VectorMask<Float> rest = Lanes.first(n - i);
            load(x, i, rest).mul(alpha).intoMemorySegment(y, i * 4L, ORDER, rest);
        }
    }

    private static void axpby(Tensor from, float alpha, float beta, Tensor to, long at, int n) {
        MemorySegment x = Floats.range(from, at, n);
        MemorySegment y = Floats.range(to, at, n);
        FloatVector a = FloatVector.broadcast(SPECIES, alpha);
        int i = 0;
        for (; i < Lanes.whole(n); i += LANES) {
            load(x, i).fma(a, load(y, i).mul(beta)).intoMemorySegment(y, i * 4L, ORDER);
        }
        if (i < n) {
            VectorMask<Float> rest = Lanes.first(n - i);
            load(x, i, rest).fma(a, load(y, i, rest).mul(beta)).intoMemorySegment(y, i * 4L, ORDER, rest);
        }
    }

    private static void add(Tensor left, Tensor right, Tensor to, long at, int n) {
        MemorySegment a = Floats.range(left, at, n);
        MemorySegment b = Floats.range(right, at, n);
        MemorySegment y = Floats.range(to, at, n);
        int i = 0;
        for (; i < Lanes.whole(n); i += LANES) {
            load(a, i).add(load(b, i)).intoMemorySegment(y, i * 4L, ORDER);
        }
        if (i < n) {
            VectorMask<Float> rest = Lanes.first(n - i);
            load(a, i, rest).add(load(b, i, rest)).intoMemorySegment(y, i * 4L, ORDER, rest);
        }
    }

    private static void addScalar(float value, Tensor to, long at, int n) {
        MemorySegment y = Floats.range(to, at, n);
        int i = 0;
        for (; i < Lanes.whole(n); i += LANES) {
            load(y, i).add(value).intoMemorySegment(y, i * 4L, ORDER);
        }
        if (i < n) {
            VectorMask<Float> rest = Lanes.first(n - i);
            load(y, i, rest).add(value).intoMemorySegment(y, i * 4L, ORDER, rest);
        }
    }

    /** {@code y = a ⊙ b} for n elements from these places on. */
    static void multiply(MemorySegment left, long leftAt, MemorySegment right, long rightAt, MemorySegment to, long at,
            int n) {
        MemorySegment a = Floats.range(left, leftAt, n);
        MemorySegment b = Floats.range(right, rightAt, n);
        MemorySegment y = Floats.range(to, at, n);
        int i = 0;
        for (; i < Lanes.whole(n); i += LANES) {
            load(a, i).mul(load(b, i)).intoMemorySegment(y, i * 4L, ORDER);
        }
        if (i < n) {
            VectorMask<Float> rest = Lanes.first(n - i);
            load(a, i, rest).mul(load(b, i, rest)).intoMemorySegment(y, i * 4L, ORDER, rest);
        }
    }

    private static void addProduct(MemorySegment left, long leftAt, Tensor right, Tensor to, long at, int n) {
        MemorySegment a = Floats.range(left, leftAt, n);
        MemorySegment b = Floats.range(right, at, n);
        MemorySegment y = Floats.range(to, at, n);
        int i = 0;
        for (; i < Lanes.whole(n); i += LANES) {
            load(a, i).fma(load(b, i), load(y, i)).intoMemorySegment(y, i * 4L, ORDER);
        }
        if (i < n) {
            VectorMask<Float> rest = Lanes.first(n - i);
            load(a, i, rest).fma(load(b, i, rest), load(y, i, rest)).intoMemorySegment(y, i * 4L, ORDER, rest);
        }
    }

    /** {@code y = kept · x}, or 0 where the upper 24 of a number's 32 bits are below a limit. */
    private static void keep(MemorySegment bits, int below, float kept, Tensor from, Tensor to, long at, int n) {
        MemorySegment x = Floats.range(from, at, n);
        MemorySegment y = Floats.range(to, at, n);
        for (int i = 0; i < n; i += LANES) {
            VectorMask<Float> in = Lanes.first(n - i);
            load(x, i, in).mul(kept).blend(0f, dropped(bits, i, below)).intoMemorySegment(y, i * 4L, ORDER, in);
        }
    }

    /** As {@link #keep}, added to y. */
    private static void addKept(MemorySegment bits, int below, float kept, Tensor from, Tensor to, long at, int n) {
        MemorySegment x = Floats.range(from, at, n);
        MemorySegment y = Floats.range(to, at, n);
        for (int i = 0; i < n; i += LANES) {
            VectorMask<Float> in = Lanes.first(n - i);
            load(x, i, in).mul(kept).blend(0f, dropped(bits, i, below)).add(load(y, i, in))
                    .intoMemorySegment(y, i * 4L, ORDER, in);
        }
    }

    private static VectorMask<Float> dropped(MemorySegment bits, int i, int below) {
        return IntVector.fromMemorySegment(INTS, bits, i * 4L, ORDER).lanewise(VectorOperators.LSHR, 8)
                .compare(VectorOperators.LT, below).cast(SPECIES);
    }

    /** {@code y += a ⊙ b ⊙ c}. */
    private static void addProduct(MemorySegment a, Tensor second, Tensor third, Tensor to, long at, int n) {
        MemorySegment b = Floats.range(second, at, n);
        MemorySegment c = Floats.range(third, at, n);
        MemorySegment y = Floats.range(to, at, n);
        int i = 0;
        for (; i < Lanes.whole(n); i += LANES) {
            load(a, i).mul(load(b, i)).fma(load(c, i), load(y, i)).intoMemorySegment(y, i * 4L, ORDER);
        }
        if (i < n) {
            VectorMask<Float> rest = Lanes.first(n - i);
            load(a, i, rest).mul(load(b, i, rest)).fma(load(c, i, rest), load(y, i, rest)).intoMemorySegment(y, i * 4L, ORDER, rest);
        }
    }

    private static FloatVector load(MemorySegment x, int i) {
        return FloatVector.fromMemorySegment(SPECIES, x, i * 4L, ORDER);
    }

    private static FloatVector load(MemorySegment x, int i, VectorMask<Float> mask) {
        return FloatVector.fromMemorySegment(SPECIES, x, i * 4L, ORDER, mask);
    }
}
