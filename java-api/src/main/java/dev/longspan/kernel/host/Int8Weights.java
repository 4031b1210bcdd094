package dev.longspan.kernel.host;

import dev.longspan.bindings.HostLibrary;
import dev.longspan.bindings.host.Longspan;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.jspecify.annotations.Nullable;

/**
 * {@code y = W x + b} with W [out, in] in eight bits and a scale a row, for decode: a quarter of the bytes to read. Inputs are
 * rounded to eight bits on the way, sums are exact, so the bits do not depend on the CPU. Usable from any thread while its
 * arena lives.
 */
public final class Int8Weights {

    /** Rows of a work item. */
    private static final int ROWS = 64;
    private static final int INPUTS = 0;

    private final long out;
    private final long in;
    private final long rowBytes;
    private final Tensor bytes;
    private final Tensor scales;
    private final Tensor sums;

    private Int8Weights(TensorArena arena, long out, long in) {
        this.out = out;
        this.in = in;
        rowBytes = Longspan.ls_int8_row(in);
        bytes = arena.allocate(DType.U8, out, rowBytes);
        scales = arena.allocate(DType.F32, out);
        sums = arena.allocate(DType.I32, out);
    }

    /**
     * Rounds a float32 or bfloat16 [out, in] whose rows lie together. Throws UnsupportedOperationException with the reason
     * where the native library cannot be loaded.
     */
    public static Int8Weights of(Parallel parallel, TensorArena arena, Tensor weight) {
        if (HostLibrary.get().reason() != null) {
            throw new UnsupportedOperationException(HostLibrary.get().reason());
        }
        if (weight.rank() != 2 || weight.size(1) > 1 && weight.stride(1) != 1) {
            throw new IllegalArgumentException("weight must be [out, in] with rows of neighbours: weight=" + weight);
        }
        Int8Weights made = new Int8Weights(arena, weight.size(0), weight.size(1));
        parallel.forRanges(made.out, ROWS, (from, to, scratch) -> Status.check(Longspan.ls_int8_weights(
                Memory.operand(weight, from, 0, to - from, made.in), Memory.half(weight) ? 1 : 0, weight.stride(0), to - from,
                made.in, made.rows(from, to), Memory.range(made.scales, from, to - from), made.sums(from, to))));
        return made;
    }

    /** x: [in], bias: [out] or absent, y: [out], float32 and contiguous. */
    public void apply(Parallel parallel, Tensor x, @Nullable Tensor bias, Tensor y) {
        if (x.elements() != in || y.elements() != out || bias != null && bias.elements() != out) {
            throw new IllegalArgumentException("shapes must fit y = W x + b: out=" + out + ", in=" + in + ", x=" + x + ", bias="
                    + bias + ", y=" + y);
        }
        parallel.forRanges(out, ROWS, (from, to, scratch) -> {
            // Rounded again in each item: cheaper than waiting for one worker to do it.
            MemorySegment inputs = scratch.segment(INPUTS, Float.BYTES + rowBytes);
            MemorySegment packed = inputs.asSlice(Float.BYTES, rowBytes);
            Status.check(Longspan.ls_int8_inputs(Memory.range(x, 0, in), in, packed, inputs));
            Status.check(Longspan.ls_int8_product(packed, inputs.get(ValueLayout.JAVA_FLOAT, 0), rows(from, to),
                    Memory.range(scales, from, to - from), sums(from, to), Memory.rangeOrNull(bias, from, to - from),
                    Memory.range(y, from, to - from), to - from, in));
        });
    }

    private MemorySegment rows(long from, long to) {
        return bytes.segment().asSlice(from * rowBytes, (to - from) * rowBytes);
    }

    private MemorySegment sums(long from, long to) {
        return sums.segment().asSlice(from * Integer.BYTES, (to - from) * Integer.BYTES);
    }
}
