package dev.longspan.kernel.vector;

import static dev.longspan.kernel.vector.Lanes.LANES;
import static dev.longspan.kernel.vector.Lanes.ORDER;
import static dev.longspan.kernel.vector.Lanes.SPECIES;

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
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import org.jspecify.annotations.Nullable;

/**
 * Matrix products from packed panels. The terms of a sum are taken in order, by fused multiply-adds, in chains of
 * {@value #CHAIN} that start from zero; chains are added up in order, blocks of {@value GemmCut#DEPTH} terms likewise to c:
 * an element's bits depend on its row, its column and the inner dimension alone, not on how many rows there are, the vector
 * width or the threads. Only where up to {@value GemmCut#FEW_ROWS} rows meet weights whose terms are neighbours, as in
 * decoding, are they those of {@link Dots}. a and b may be bfloat16.
 */
final class VectorGemm implements GemmKernel {

    // One thread on Zen 4: multiply-adds take 82 % of the time of a product of 128 and 88 % of one of 512, packing both operands
    // 12 and 8 %, storing 4 and 2 %. The tile runs at 115 of 118 GFLOP/s in the first cache and at 110 in a product.

    /**
     * Terms of a chain. The error's variance grows as they and the number of chains together, so that of 1024 terms in one chain
     * it is 13 times that of 16 chains: those cost 1.5 % of the time, and 8 chains 0.6 %, but err as much as PyTorch.
     */
    static final int CHAIN = Tiles.CHAIN;
    /** Terms of a that are packed at once. */
    private static final int SLICE = 256;

    private final KeptMemory kept = new KeptMemory();
    private final VectorGemv gemv = new VectorGemv();

    @Override
    public void gemm(Parallel parallel, Tensor a, Tensor b, @Nullable Tensor bias, Tensor c, boolean accumulate) {
        gemm(parallel, a, b, null, bias, c, accumulate, null);
    }

    @Override
    public void gemm(Parallel parallel, Tensor a, Tensor b, @Nullable Tensor bias, Epilogue epilogue, Tensor c,
            ElementwiseKernel pointwise) {
        gemm(parallel, a, b, null, bias, epilogue.product(c), false, vector(epilogue, c));
    }

    private static VectorEpilogue vector(Epilogue epilogue, Tensor c) {
        Tensor up = epilogue.up();
        return new VectorEpilogue(epilogue.f(), Matrix.ofFloats(epilogue.product(c)),
                up == null ? null : Matrix.ofFloats(up), Matrix.ofFloats(c));
    }

    @Override
    public boolean packs() {
        return true;
    }

    @Override
    public PackedMatrix pack(Parallel parallel, Tensor b, TensorArena arena) {
        long k = b.size(0);
        long cols = Math.ceilDiv(b.size(1), Tiles.COLS) * (long) Tiles.COLS;
        Tensor panels = arena.allocate(DType.F32, k, cols);
        for (long at = 0; at < k; at += GemmCut.DEPTH) {
            long terms = Math.min(GemmCut.DEPTH, k - at);
            pack(parallel, Matrix.rowsByColumns(b, at, terms), 0, b.size(1), rows(panels, at, terms));
        }
        return new Panels(this, b, panels);
    }

    /** All panels of b by blocks of {@value GemmCut#DEPTH} terms: [k, n up to whole panels]. */
    private record Panels(VectorGemm by, Tensor b, Tensor panels) implements PackedMatrix {
        @Override
        public void gemm(Parallel parallel, Tensor a, @Nullable Tensor bias, Tensor c, boolean accumulate) {
            by.gemm(parallel, a, b, panels, bias, c, accumulate, null);
        }

        @Override
        public void gemm(Parallel parallel, Tensor a, @Nullable Tensor bias, Epilogue epilogue, Tensor c) {
            by.gemm(parallel, a, b, panels, bias, epilogue.product(c), false, vector(epilogue, c));
        }
    }

    private static MemorySegment rows(Tensor panels, long from, long count) {
        long bytes = panels.size(1) * Float.BYTES;
        return panels.segment().asSlice(from * bytes, count * bytes);
    }

    private void gemm(Parallel parallel, Tensor a, Tensor b, @Nullable Tensor panels, @Nullable Tensor bias, Tensor c,
            boolean accumulate, @Nullable VectorEpilogue epilogue) {
        long m = c.size(0);
        long n = c.size(1);
        if (m == 0 || n == 0) {
            return;
        }
        if (c.dtype() != DType.F32 || bias != null && bias.dtype() != DType.F32) {
            throw new IllegalArgumentException("bias and c must be F32: bias=" + bias + ", c=" + c);
        }
        long k = a.size(1);
        boolean byTerm = b.stride(0) == 1;
        boolean few = m <= GemmCut.FEW_ROWS && (byTerm || b.dtype() == DType.F32);
        long depth = few && byTerm ? Math.max(1, k) : GemmCut.DEPTH;
        for (long at = 0; at == 0 || at < k; at += depth) {
            long terms = Math.min(depth, k - at);
            Product product = new Product(Matrix.columns(a, at, terms), Matrix.rowsByColumns(b, at, terms), Matrix.of(c),
                    at == 0 && bias != null ? Matrix.ofRow(bias) : null, accumulate || at > 0,
                    at + terms < k ? null : epilogue);
            if (few) {
                gemv.gemm(parallel, product);
            } else {
                tiled(parallel, product, panels == null ? null : rows(panels, at, terms));
            }
        }
    }

    /** A matrix of float32, or bfloat16 if {@code half}, in native memory: element (i, j) at {@code offset + i · rowStride + j · colStride}. */
    record Matrix(MemorySegment memory, boolean half, long offset, long rows, long cols, long rowStride, long colStride) {
        /** The place of an element whose column stride is 1. */
        long at(long row, long col) {
            return offset + row * rowStride + col;
        }

        static Matrix of(Tensor t) {
            return columns(t, 0, t.size(1));
        }

        /** {@code count} columns from {@code col} on. */
        static Matrix columns(Tensor t, long col, long count) {
            return new Matrix(t.segment(), t.dtype() == DType.BF16, t.offset() + col * t.stride(1), t.size(0), count, t.stride(0),
                    t.stride(1));
        }

        /** {@code count} rows from {@code row} on, transposed. */
        static Matrix rowsByColumns(Tensor t, long row, long count) {
            return new Matrix(t.segment(), t.dtype() == DType.BF16, t.offset() + row * t.stride(0), t.size(1), count, t.stride(1),
                    t.stride(0));
        }

        static Matrix ofFloats(Tensor t) {
            Floats.memory(t);
            return of(t);
        }

        static Matrix ofRow(Tensor t) {
            return new Matrix(t.segment(), false, t.offset(), 1, t.size(0), 0, t.stride(0));
        }
    }

    /** {@code c (+)= a·bᵀ + bias}, then the epilogue, if any; b is held by columns, [n, k]. */
    record Product(Matrix a, Matrix b, Matrix c, @Nullable Matrix bias, boolean accumulate,
            @Nullable VectorEpilogue epilogue) {
        int depth() {
            return Math.toIntExact(a.cols);
        }

        /** Ends a row of c whose columns {@code col} to {@code col + count} are stored. */
        void end(long row, long col, int count, Scratch scratch) {
            if (epilogue != null) {
                epilogue.row(row, col, count, scratch.segment(0, VectorActivation.SPARE_BYTES));
            }
        }

        /** Stores one row of sums, of panels that lie {@code step} apart, from column {@code col} on. */
        void storePanels(float[] sums, int at, int step, long row, long col, int count) {
            int whole = accumulate ? 0 : count / Tiles.COLS * Tiles.COLS;
            long to = (c.offset + row * c.rowStride + col) * 4;
            int from = at;
            if (bias == null) {
                for (int j = 0; j < whole; j += Tiles.COLS, from += step) {
                    FloatVector.fromArray(SPECIES, sums, from).intoMemorySegment(c.memory, to + j * 4L, ORDER);
                    FloatVector.fromArray(SPECIES, sums, from + LANES).intoMemorySegment(c.memory, to + (j + LANES) * 4L, ORDER);
                }
            } else {
                MemorySegment added = bias.memory;
                long first = (bias.offset + col) * 4;
                for (int j = 0; j < whole; j += Tiles.COLS, from += step) {
                    FloatVector left = FloatVector.fromMemorySegment(SPECIES, added, first + j * 4L, ORDER);
                    FloatVector right = FloatVector.fromMemorySegment(SPECIES, added, first + (j + LANES) * 4L, ORDER);
                    FloatVector.fromArray(SPECIES, sums, from).add(left).intoMemorySegment(c.memory, to + j * 4L, ORDER);
                    FloatVector.fromArray(SPECIES, sums, from + LANES).add(right)
                            .intoMemorySegment(c.memory, to + (j + LANES) * 4L, ORDER);
                }
            }
            for (int j = whole; j < count; j += Tiles.COLS) {
                store(sums, from, row, col + j, Math.min(Tiles.COLS, count - j));
                from += step;
            }
        }

        /** Stores one row of sums from column {@code col} on. */
        void store(float[] sums, int at, long row, long col, int count) {
            int whole = Lanes.whole(count);
            long to = c.offset + row * c.rowStride + col;
            for (int j = 0; j < whole; j += LANES) {
                FloatVector v = FloatVector.fromArray(SPECIES, sums, at + j);
                if (accumulate) {
                    v = v.add(FloatVector.fromMemorySegment(SPECIES, c.memory, (to + j) * 4, ORDER));
                }
                if (bias != null) {
                    v = v.add(FloatVector.fromMemorySegment(SPECIES, bias.memory, (bias.offset + col + j) * 4, ORDER));
                }
                v.intoMemorySegment(c.memory, (to + j) * 4, ORDER);
            }
            if (whole < count) {
                VectorMask<Float> in = Lanes.first(count - whole);
                FloatVector v = FloatVector.fromArray(SPECIES, sums, at + whole, in);
                if (accumulate) {
                    v = v.add(FloatVector.fromMemorySegment(SPECIES, c.memory, (to + whole) * 4, ORDER, in));
                }
                if (bias != null) {
                    v = v.add(FloatVector.fromMemorySegment(SPECIES, bias.memory, (bias.offset + col + whole) * 4,
                            ORDER, in));
                }
                v.intoMemorySegment(c.memory, (to + whole) * 4, ORDER, in);
            }
        }
    }

    /** With b's panels, or those packed now, some columns at a time. */
    private void tiled(Parallel parallel, Product p, @Nullable MemorySegment panels) {
        int depth = p.depth();
        long n = p.c.cols;
        long most = GemmCut.packedCols(depth, Tiles.COLS);
        for (long col = 0; col < n; col += most) {
            int cols = (int) Math.min(most, n - col);
            int count = Math.ceilDiv(cols, Tiles.COLS);
            long floats = (long) count * Tiles.COLS * depth;
            MemorySegment b = panels == null ? kept.take(floats) : panels.asSlice(col * depth * 4, floats * 4);
            if (panels == null) {
                pack(parallel, p.b, col, cols, b);
            }
            long first = col;
            long rowBlocks = Math.ceilDiv(p.c.rows, GemmCut.ROWS);
            int width = Math.max(1, Math.ceilDiv(count, GemmCut.colBlocks(cols, rowBlocks, parallel.threads())));
            int colBlocks = Math.ceilDiv(count, width);
            parallel.forEach(rowBlocks * colBlocks, (item, scratch) -> {
                int panel = (int) (item % colBlocks) * width;
                block(p, b, item / colBlocks * GemmCut.ROWS, first, cols, panel, Math.min(count, panel + width),
                        scratch);
            });
            if (panels == null) {
                kept.give(b);
            }
        }
    }

    /** Columns of b from {@code first} on, panel after panel, each through an array that the first cache holds. */
    private static void pack(Parallel parallel, Matrix b, long first, long cols, MemorySegment to) {
        int depth = (int) b.cols;
        parallel.forEach(Math.ceilDiv(cols, Tiles.COLS), (panel, scratch) -> {
            long from = panel * Tiles.COLS;
            int count = (int) Math.min(Tiles.COLS, cols - from);
            float[] stage = scratch.floats(0, Tiles.COLS * Packing.STAGE);
            float[] piece = scratch.floats(1, Tiles.COLS * Packing.STAGE + LANES);
            for (int k = 0; k < depth; k += Packing.STAGE) {
                int terms = Math.min(Packing.STAGE, depth - k);
                Packing.panels(b.memory, b.half, b.offset + (first + from) * b.rowStride + k * b.colStride,
                        b.rowStride, b.colStride, count, terms, Tiles.COLS, piece, 0, stage);
                MemorySegment.copy(piece, 0, to, ValueLayout.JAVA_FLOAT, (from * depth + (long) k * Tiles.COLS) * 4,
                        terms * Tiles.COLS);
            }
        });
    }

    /** Rows from {@code row} on times the packed panels {@code from} to {@code to}. */
    private static void block(Product p, MemorySegment b, long row, long firstCol, int cols, int from, int to,
            Scratch scratch) {
        int depth = p.depth();
        int rows = (int) Math.min(GemmCut.ROWS, p.c.rows - row);
        int strips = Math.ceilDiv(rows, Tiles.ROWS);
        int tile = Tiles.ROWS * Tiles.COLS;
        float[] a = scratch.floats(0, strips * Tiles.ROWS * SLICE + LANES);
        float[] stage = scratch.floats(1, Tiles.ROWS * Packing.STAGE);
        float[] c = scratch.floats(2, (to - from) * strips * tile);
        for (int k = 0; k == 0 || k < depth; k += SLICE) {
            int slice = Math.min(SLICE, depth - k);
            Packing.panels(p.a.memory, p.a.half, p.a.offset + row * p.a.rowStride + k * p.a.colStride, p.a.rowStride,
                    p.a.colStride, rows, slice, Tiles.ROWS, a, 0, stage);
            for (int panel = from; panel < to; panel++) {
                for (int strip = 0; strip < strips; strip++) {
                    int co = ((panel - from) * strips + strip) * tile;
                    for (int t = 0; t == 0 || t < slice; t += CHAIN) {
                        int terms = Math.min(CHAIN, slice - t);
                        int ao = (strip * slice + t) * Tiles.ROWS;
                        long bo = ((long) panel * depth + k + t) * Tiles.COLS * 4;
                        if (terms < CHAIN) {
                            rest(k + t == 0, terms, a, ao, b, bo, c, co);
                        } else if (k + t == 0) {
                            Tiles.productStart(a, ao, b, bo, c, co);
                        } else {
                            Tiles.productAdded(a, ao, b, bo, c, co);
                        }
                    }
                }
            }
        }
        for (int i = 0; i < rows; i++) {
            int at = i / Tiles.ROWS * tile + i % Tiles.ROWS * Tiles.COLS;
            int col = from * Tiles.COLS;
            int count = Math.min(to * Tiles.COLS, cols) - col;
            p.storePanels(c, at, strips * tile, row + i, firstCol + col, count);
            p.end(row + i, firstCol + col, count, scratch);
        }
    }

    /** The last chain. */
    private static void rest(boolean first, int terms, float[] a, int ao, MemorySegment b, long bo, float[] c, int co) {
        if (first) {
            Tiles.shortStart(terms, a, ao, b, bo, c, co);
        } else {
            Tiles.shortAdded(terms, a, ao, b, bo, c, co);
        }
    }

    @Override
    public void addColumnSums(Parallel parallel, Tensor x, Tensor sums) {
        Matrix from = Matrix.of(x);
        Product to = new Product(from, from, Matrix.of(sums.reshape(1, sums.size(0))), null, true, null);
        int width = 8 * LANES;
        parallel.forRanges(from.cols, width, (first, end, scratch) -> {
            float[] sum = scratch.floats(0, width);
            int count = (int) (end - first);
            for (long block = 0; block < from.rows; block += GemmCut.DEPTH) {
                long rows = Math.min(from.rows, block + GemmCut.DEPTH);
                for (int j = 0; j < count; j += LANES) {
                    VectorMask<Float> in = Lanes.first(count - j);
                    FloatVector s = FloatVector.zero(SPECIES);
                    for (long i = block; i < rows; i++) {
                        s = s.add(FloatVector.fromMemorySegment(SPECIES, from.memory,
                                (from.offset + i * from.rowStride + first + j) * 4, ORDER, in));
                    }
                    s.intoArray(sum, j);
                }
                to.store(sum, 0, 0, first, count);
            }
        });
    }
}
