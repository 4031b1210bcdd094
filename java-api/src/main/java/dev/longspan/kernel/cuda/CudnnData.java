package dev.longspan.kernel.cuda;

/**
 * Device addresses for one execution of a {@link CudnnAttention}: each of the first element its layout names, at a
 * multiple of 16 bytes.
 *
 * @param lse float32 [batch, heads, queries], contiguous; 0 where none are asked for
 * @param workspace at least {@link CudnnAttention#workspaceBytes()} bytes; 0 where those are 0
 */
record CudnnData(long q, long k, long v, long out, long lse, long workspace) {

    private static final long ALIGNMENT_BYTES = 16;

    CudnnData {
        checkAddress("q", q);
        checkAddress("k", k);
        checkAddress("v", v);
        checkAddress("out", out);
        checkAligned("lse", lse);
        checkAligned("workspace", workspace);
    }

    private static void checkAddress(String name, long address) {
        if (address == 0) {
            throw new IllegalArgumentException(name + " must have an address");
        }
        checkAligned(name, address);
    }

    private static void checkAligned(String name, long address) {
        if (address % ALIGNMENT_BYTES != 0) {
            throw new IllegalArgumentException(name + " must start at a multiple of " + ALIGNMENT_BYTES + " bytes: "
                    + name + "=0x" + Long.toHexString(address));
        }
    }

    /** Throws IllegalArgumentException where a plan needs an address that is missing, or cannot use one that is there. */
    void check(boolean withLse, long workspaceBytes) {
        if (withLse != (lse != 0)) {
            throw new IllegalArgumentException((withLse ? "lse must have an address" : "lse was not planned for")
                    + ": lse=0x" + Long.toHexString(lse));
        }
        if (workspaceBytes > 0 && workspace == 0) {
            throw new IllegalArgumentException("workspace must have an address of " + workspaceBytes + " bytes");
        }
    }
}
