package dev.longspan.tensor;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Elements of any dtype: loading, converting and inspecting, one by one but for rows that {@link Halves} converts. */
public final class Elements {

    private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;
    private static final ValueLayout.OfDouble DOUBLE = ValueLayout.JAVA_DOUBLE_UNALIGNED;
    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED;
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED;

    private Elements() {
    }

    /** Receives the row-major number of an element and its place in the storage. */
    @FunctionalInterface
    interface Visitor {
        void visit(long number, long at);
    }

    /** Element {@code at} as a double. */
    public static double get(MemorySegment segment, DType dtype, long at) {
        return switch (dtype) {
            case F32 -> segment.get(FLOAT, at * 4);
            case F64 -> segment.get(DOUBLE, at * 8);
            case BF16 -> bf16ToFloat(segment.get(SHORT, at * 2));
            case F16 -> Float.float16ToFloat(segment.get(SHORT, at * 2));
            default -> (double) getLong(segment, dtype, at);
        };
    }

    /** Element {@code at} as an integer; floating elements are refused. */
    public static long getLong(MemorySegment segment, DType dtype, long at) {
        return switch (dtype) {
            case I64 -> segment.get(LONG, at * 8);
            case I32 -> segment.get(INT, at * 4);
            case U8, BOOL -> Byte.toUnsignedLong(segment.get(ValueLayout.JAVA_BYTE, at));
            default -> throw new IllegalArgumentException("dtype must be an integer type: dtype=" + dtype);
        };
    }

    /** Stores a double, rounded to nearest even. */
    public static void set(MemorySegment segment, DType dtype, long at, double value) {
        switch (dtype) {
            case F32 -> segment.set(FLOAT, at * 4, (float) value);
            case F64 -> segment.set(DOUBLE, at * 8, value);
            case BF16 -> segment.set(SHORT, at * 2, floatToBf16((float) value));
            case F16 -> segment.set(SHORT, at * 2, Float.floatToFloat16((float) value));
            default -> setLong(segment, dtype, at, (long) value);
        }
    }

    /** Stores an integer. */
    public static void setLong(MemorySegment segment, DType dtype, long at, long value) {
        switch (dtype) {
            case I64 -> segment.set(LONG, at * 8, value);
            case I32 -> segment.set(INT, at * 4, Math.toIntExact(value));
            case U8, BOOL -> segment.set(ValueLayout.JAVA_BYTE, at, (byte) value);
            default -> set(segment, dtype, at, (double) value);
        }
    }

    /** The bfloat16 whose bits are the upper half of a float. */
    public static float bf16ToFloat(short bits) {
        return Float.intBitsToFloat(bits << 16);
    }

    /** Round to nearest even; NaN stays a quiet NaN. */
    public static short floatToBf16(float value) {
        int bits = Float.floatToRawIntBits(value);
        if (Float.isNaN(value)) {
            return (short) (bits >>> 16 | 0x40);
        }
        return (short) (bits + 0x7FFF + (bits >>> 16 & 1) >>> 16);
    }

    static void forEach(Tensor tensor, Visitor visitor) {
        if (tensor.elements() > 0) {
            walk(tensor, 0, 0, tensor.offset(), visitor);
        }
    }

    private static long walk(Tensor tensor, int dim, long number, long at, Visitor visitor) {
        if (dim == tensor.rank()) {
            visitor.visit(number, at);
            return number + 1;
        }
        long next = number;
        for (long i = 0; i < tensor.size(dim); i++) {
            next = walk(tensor, dim + 1, next, at + i * tensor.stride(dim), visitor);
        }
        return next;
    }

    static void copy(Tensor from, Tensor to) {
        if (from.elements() == 0) {
            return; // a row of nothing may begin beyond the end of its storage
        }
        // Dimensions from `inner` on lie without gaps in both: they are copied as one.
        int inner = from.rank();
        long block = 1;
        while (copiesRows(from.dtype(), to.dtype()) && inner > 0
                && (from.size(inner - 1) == 1 || from.stride(inner - 1) == block && to.stride(inner - 1) == block)) {
            inner--;
            block *= from.size(inner);
        }
        Halves halves = new Halves(to.dtype() == DType.BF16 ? block : 0);
        new Copy(from, from.segment(), to, to.segment(), inner, block, halves).run(0, from.offset(), to.offset());
    }

    private static boolean copiesRows(DType from, DType to) {
        return from == to || from == DType.F32 && to == DType.BF16 || from == DType.BF16 && to == DType.F32;
    }

    /** A copy whose innermost piece is one element, converted, or a row of {@code block} elements. */
    private record Copy(Tensor from, MemorySegment source, Tensor to, MemorySegment target, int inner, long block,
            Halves halves) {

        void run(int dim, long f, long t) {
            if (dim < inner) {
                for (long i = 0; i < from.size(dim); i++) {
                    run(dim + 1, f + i * from.stride(dim), t + i * to.stride(dim));
                }
            } else if (inner < from.rank()) {
                copyRow(f * from.dtype().bytes(), t * to.dtype().bytes());
            } else if (from.dtype().isFloating()) {
                set(target, to.dtype(), t, get(source, from.dtype(), f));
            } else {
                setLong(target, to.dtype(), t, getLong(source, from.dtype(), f));
            }
        }

        private void copyRow(long f, long t) {
            if (from.dtype() == to.dtype()) {
                MemorySegment.copy(source, f, target, t, block * from.dtype().bytes());
            } else if (to.dtype() == DType.BF16) {
                halves.narrow(source, f, target, t, block);
            } else {
                halves.widen(source, f, target, t, block);
            }
        }
    }
}
