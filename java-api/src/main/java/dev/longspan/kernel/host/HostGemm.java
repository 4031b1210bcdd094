package dev.longspan.kernel.host;

import dev.longspan.bindings.host.Longspan;
import dev.longspan.bindings.host.ls_gemm_params;
import dev.longspan.kernel.ElementwiseKernel;
import dev.longspan.kernel.Epilogue;
import dev.longspan.kernel.GemmCut;
import dev.longspan.kernel.GemmKernel;
import dev.longspan.kernel.PackedMatrix;
import dev.longspan.parallel.KeptMemory;
import dev.longspan.parallel.Parallel;
import dev.longspan.parallel.Scratch;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * Matrix products from packed panels, split as the vector backend splits them. Sums take their terms in its order too: where
 * the CPU has fused multiply-adds the results are bit for bit the same. Any operand may be bfloat16; sums are float32.
 */
final class HostGemm implements GemmKernel {

    /** Columns of a work item of few rows. */
    private static final int FEW_COLS = 256;

    private static final int PARAMS = 0;
    private static final int SUMS = 1;

    private final long panel = Longspan.ls_gemm_panel();
    private final KeptMemory kept = new KeptMemory();

    @Override
    public void gemm(Parallel parallel, Tensor a, Tensor b, @Nullable Tensor bias, Tensor c, boolean accumulate) {
        gemm(parallel, a, b, null, bias, c, accumulate, null, c);
    }

    @Override
    public void gemm(Parallel parallel, Tensor a, Tensor b, @Nullable Tensor bias, Epilogue epilogue, Tensor c,
            ElementwiseKernel pointwise) {
        gemm(parallel, a, b, null, bias, epilogue.product(c), false, epilogue, c);
    }

    @Override
    public boolean packs() {
        return true;
    }

    @Override
    public PackedMatrix pack(Parallel parallel, Tensor b, TensorArena arena) {
        long k = b.size(0);
        Tensor panels = arena.allocate(DType.F32, k, Math.ceilDiv(b.size(1), panel) * panel);
        for (long at = 0; at < k; at += GemmCut.DEPTH) {
            long end = Math.min(k, at + GemmCut.DEPTH);
            pack(parallel, b.slice(0, at, end), 0, b.size(1), rows(panels, at, end));
        }
        return new Panels(this, b, panels);
    }

    /** All panels of b by blocks of {@value GemmCut#DEPTH} terms: [k, n up to whole panels]. */
    private record Panels(HostGemm by, Tensor b, Tensor panels) implements PackedMatrix {
        @Override
        public void gemm(Parallel parallel, Tensor a, @Nullable Tensor bias, Tensor c, boolean accumulate) {
            by.gemm(parallel, a, b, panels, bias, c, accumulate, null, c);
        }

        @Override
        public void gemm(Parallel parallel, Tensor a, @Nullable Tensor bias, Epilogue epilogue, Tensor c) {
            by.gemm(parallel, a, b, panels, bias, epilogue.product(c), false, epilogue, c);
        }
    }

    private static MemorySegment rows(Tensor panels, long from, long to) {
        return Memory.rows(panels, from, to - from, panels.size(1));
    }

    private void gemm(Parallel parallel, Tensor a, Tensor b, @Nullable Tensor panels, @Nullable Tensor bias, Tensor c,
            boolean accumulate, @Nullable Epilogue epilogue, Tensor y) {
        long m = c.size(0);
        long n = c.size(1);
        if (m == 0 || n == 0) {
            return;
        }
        long k = a.size(1);
        check(a, b, bias, c, m, n, k);
        boolean few = m <= GemmCut.FEW_ROWS;
        // A bfloat16 result is rounded once, when its sum is whole.
        long depth = Memory.half(c) || few && b.stride(0) == 1 ? Math.max(1, k) : GemmCut.DEPTH;
        for (long at = 0; at == 0 || at < k; at += depth) {
            long end = Math.min(k, at + depth);
            boolean whole = end - at == k;
            Product product = new Product(whole ? a : a.slice(1, at, end), whole ? b : b.slice(0, at, end),
                    at == 0 ? bias : null, c, accumulate || at > 0, end < k ? null : epilogue, y);
            if (few) {
                parallel.forRanges(n, FEW_COLS, (from, to, scratch) -> product.few(parallel, from, to, scratch));
            } else {
                // Panels are cut at so many terms; a sum that is longer packs its own.
                tiled(parallel, product, panels == null || depth > GemmCut.DEPTH ? null : rows(panels, at, end));
            }
        }
    }

    private static void check(Tensor a, Tensor b, @Nullable Tensor bias, Tensor c, long m, long n, long k) {
        if (a.size(0) != m || b.size(0) != k || b.size(1) != n || bias != null && bias.size(0) != n) {
            throw new IllegalArgumentException("shapes must fit a·b + bias = c: a=" + a + ", b=" + b + ", bias=" + bias
                    + ", c=" + c);
        }
        if (n > 1 && c.stride(1) != 1 || bias != null && !bias.isContiguous()) {
            throw new IllegalArgumentException("columns must be neighbours: c=" + c + ", column stride=" + c.stride(1)
                    + ", bias=" + bias);
        }
    }

    /** With b's panels, or those packed now, some columns at a time. */
    private void tiled(Parallel parallel, Product p, @Nullable MemorySegment panels) {
        long depth = p.a.size(1);
        long n = p.c.size(1);
        long most = GemmCut.packedCols(depth, panel);
        for (long col = 0; col < n; col += most) {
            long first = col;
            int cols = (int) Math.min(most, n - col);
            int count = (int) Math.ceilDiv(cols, panel);
            long floats = count * panel * depth;
            MemorySegment b = panels == null ? kept.take(floats) : panels.asSlice(col * depth * 4, floats * 4);
            if (panels == null) {
                pack(parallel, p.b, col, cols, b);
            }
            long rowBlocks = Math.ceilDiv(p.c.size(0), GemmCut.ROWS);
            int width = Math.max(1, Math.ceilDiv(count, GemmCut.colBlocks(cols, rowBlocks, parallel.threads())));
            int colBlocks = Math.ceilDiv(count, width);
            parallel.forEach(rowBlocks * colBlocks, (item, scratch) -> {
                long from = item % colBlocks * width * panel;
                long to = Math.min(cols, from + width * panel);
                p.block(parallel, b, from * depth, Math.ceilDiv(to - from, panel) * panel * depth,
                        item / colBlocks * GemmCut.ROWS, first + from, to - from, scratch);
            });
            if (panels == null) {
                kept.give(b);
            }
        }
    }

    /** Columns of b from {@code first} on, panel after panel. */
    private void pack(Parallel parallel, Tensor b, long first, long cols, MemorySegment to) {
        long depth = b.size(0);
        parallel.forEach(Math.ceilDiv(cols, panel), (item, scratch) -> {
            long from = item * panel;
            long count = Math.min(panel, cols - from);
            Status.check(Longspan.ls_gemm_pack(Memory.operand(b, 0, first + from, depth, count), Memory.half(b) ? 1 : 0,
                    b.stride(0), b.stride(1), count, depth, to.asSlice(from * depth * 4, panel * depth * 4)));
        });
    }

    @Override
    public void addColumnSums(Parallel parallel, Tensor x, Tensor sums) {
        long rows = x.size(0);
        if (sums.size(0) != x.size(1) || x.size(1) > 1 && x.stride(1) != 1) {
            throw new IllegalArgumentException("x must have a column of neighbours for each sum: x=" + x + ", sums=" + sums);
        }
        parallel.forRanges(x.size(1), 128, (from, to, scratch) -> Status.check(Longspan.ls_add_column_sums(
                Memory.matrix(x, 0, from, rows, to - from), x.stride(0), rows, to - from, Memory.range(sums, from, to - from))));
    }

    /** {@code c (+)= a·b + bias}, a slice of the depth of it, and behind the last one y by the epilogue, if any. */
    private record Product(Tensor a, Tensor b, @Nullable Tensor bias, Tensor c, boolean accumulate,
            @Nullable Epilogue epilogue, Tensor y) {

        /** All rows of columns {@code from} to {@code to}, b as it lies. */
        void few(Parallel parallel, long from, long to, Scratch scratch) {
            MemorySegment p = scratch.segment(PARAMS, ls_gemm_params.sizeof());
            ls_gemm_params.b(p, Memory.operand(b, 0, from, b.size(0), to - from));
            ls_gemm_params.packed(p, MemorySegment.NULL);
            fill(p, parallel, 0, c.size(0), from, to - from, scratch);
            Status.check(Longspan.ls_gemm(p));
        }

        /** A block of rows times packed panels: {@code floats} from {@code at} on, cut out first, so that C2 inlines it. */
        void block(Parallel parallel, MemorySegment panels, long at, long floats, long row, long col, long cols, Scratch scratch) {
            MemorySegment p = scratch.segment(PARAMS, ls_gemm_params.sizeof());
            ls_gemm_params.packed(p, panels.asSlice(at * 4, floats * 4));
            ls_gemm_params.b(p, MemorySegment.NULL);
            fill(p, parallel, row, Math.min(GemmCut.ROWS, c.size(0) - row), col, cols, scratch);
            Status.check(Longspan.ls_gemm(p));
        }

        private void fill(MemorySegment p, Parallel parallel, long row, long rows, long col, long cols, Scratch scratch) {
            long depth = a.size(1);
            ls_gemm_params.size(p, ls_gemm_params.sizeof());
            ls_gemm_params.rows(p, rows);
            ls_gemm_params.cols(p, cols);
            ls_gemm_params.depth(p, depth);
            ls_gemm_params.a(p, Memory.operand(a, row, 0, rows, depth));
            ls_gemm_params.a_row(p, a.stride(0));
            ls_gemm_params.a_col(p, a.stride(1));
            ls_gemm_params.b_row(p, b.stride(0));
            ls_gemm_params.b_col(p, b.stride(1));
            ls_gemm_params.bias(p, bias == null ? MemorySegment.NULL : Memory.strided(bias, col, 1, 0, cols));
            ls_gemm_params.c(p, Memory.operand(c, row, col, rows, cols));
            ls_gemm_params.c_row(p, c.stride(0));
            Tensor up = epilogue == null ? null : epilogue.up();
            ls_gemm_params.up(p, up == null ? MemorySegment.NULL : Memory.matrix(up, row, col, rows, cols));
            ls_gemm_params.up_row(p, up == null ? 0 : up.stride(0));
            ls_gemm_params.y(p, epilogue == null ? MemorySegment.NULL : Memory.matrix(y, row, col, rows, cols));
            ls_gemm_params.y_row(p, y.stride(0));
            ls_gemm_params.f(p, epilogue == null ? 0 : HostElementwise.number(epilogue.f()));
            ls_gemm_params.scratch(p, scratch.segment(SUMS, Longspan.ls_gemm_scratch(rows, cols, depth) * 4));
            ls_gemm_params.cancel(p, parallel.cancelFlag());
            ls_gemm_params.accumulate(p, accumulate ? 1 : 0);
            ls_gemm_params.halves(p, halves());
        }

        private int halves() {
            return (Memory.half(a) ? Longspan.LS_HALF_A() : 0) | (Memory.half(b) ? Longspan.LS_HALF_B() : 0)
                    | (bias != null && Memory.half(bias) ? Longspan.LS_HALF_BIAS() : 0) | (Memory.half(c) ? Longspan.LS_HALF_C() : 0);
        }
    }
}
