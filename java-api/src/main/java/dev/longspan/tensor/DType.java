package dev.longspan.tensor;

/** Element types. F32, F64, BF16, I32 and I64 are computed with; F16, BOOL and U8 are loaded, converted and masked with. */
public enum DType {
    F32(4), F64(8), BF16(2), I32(4), I64(8), F16(2), BOOL(1), U8(1);

    private final int bytes;

    DType(int bytes) {
        this.bytes = bytes;
    }

    /** Bytes of one element. */
    public int bytes() {
        return bytes;
    }

    public boolean isFloating() {
        return this == F32 || this == F64 || this == BF16 || this == F16;
    }
}
