package dev.longspan.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.longspan.kernel.scalar.ScalarKernels;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.jspecify.annotations.Nullable;

/** Matrix products against sums in double; the same bits for any rows and threads. */
public abstract class GemmSweep {

    private static final Parallel ONE = Parallel.of(1);
    private static final Parallel TWO = Parallel.of(2);

    private final GemmKernel gemm;
    private final TensorArena arena = new TensorArena();

    protected GemmSweep(GemmKernel gemm) {
        this.gemm = gemm;
    }

    /** Roundings of a product of two numbers and of what it is added to. */
    protected double roundings() {
        return 2;
    }

    /** Whether a row's bits do not depend on how many rows there are, but for up to four times weights by row. */
    protected boolean rowsKeepTheirBits() {
        return true;
    }

    /** Sizes around a tile. */
    protected int[] sizes() {
        return new int[] {0, 1, 2, 3, 4, 5, 6, 7, 8, 11, 12, 13, 15, 16, 17, 23, 24, 25, 31, 32, 33, 40};
    }

    /** How large a random product is of at most so many rows, columns or terms. */
    protected int most(int all) {
        return all;
    }

    @AfterEach
    public void free() {
        arena.close();
    }

    @Test
    public void agreesWithDoubleSumsForEverySizeAroundATile() {
        int[] sizes = sizes();
        Random random = new Random(1);
        for (int m : sizes) {
            for (int n : sizes) {
                for (int k : sizes) {
                    check(random, m, n, k, random.nextBoolean(), random.nextBoolean(), random.nextInt(3));
                }
            }
        }
    }

    @Test
    public void agreesWithDoubleSumsAcrossBlocksAndSlices() {
        Random random = new Random(2);
        for (int i = 0; i < 16; i++) {
            check(random, 1 + random.nextInt(5), 1 + random.nextInt(most(600)), 1 + random.nextInt(most(5000)),
                    (i & 1) > 0, (i & 2) > 0, i % 3);
            check(random, most(90) + random.nextInt(most(120)), 1 + random.nextInt(most(300)),
                    most(240) + random.nextInt(most(300)), (i & 1) > 0, (i & 2) > 0, i % 3);
        }
        check(random, 7, 2100, 30, false, true, 1);
        check(random, 5, most(540), most(2048), false, true, 1);
        check(random, 1, most(1300), most(8192), false, true, 0);
        check(random, 3, most(1300), most(8192), false, true, 2);
        check(random, most(100), most(40), 4200, true, false, 2);
    }

    @Test
    public void aRowAloneHasTheBitsItHasAmongFewAndOneOfManyTheBitsItHasAmongAllForAnyThreads() {
        Random random = new Random(3);
        for (boolean weightsByRow : new boolean[] {false, true}) {
            for (int k : new int[] {1, 37, 300, 2048, 2049}) {
                int m = most(130);
                int n = most(77);
                Tensor a = normal(random, m, k);
                Tensor b = weightsByRow ? normal(random, n, k).transpose(0, 1) : normal(random, k, n);
                Tensor bias = normal(random, n);
                Tensor all = arena.allocate(DType.F32, m, n);
                gemm.gemm(ONE, a, b, bias, all, false);
                Tensor again = arena.allocate(DType.F32, m, n);
                gemm.gemm(TWO, a, b, bias, again, false);
                assertThat(again.toFloats()).isEqualTo(all.toFloats());
                if (!rowsKeepTheirBits()) {
                    continue;
                }
                Tensor few = arena.allocate(DType.F32, 4, n);
                gemm.gemm(ONE, a.slice(0, 40, 44), b, bias, few, false);
                for (int rows : new int[] {1, 3, 5, 13}) {
                    Tensor some = arena.allocate(DType.F32, rows, n);
                    gemm.gemm(TWO, a.slice(0, 40, 40 + rows), b, bias, some, false);
                    Tensor expected = weightsByRow && rows < 5 ? few.slice(0, 0, rows) : all.slice(0, 40, 40 + rows);
                    assertThat(some.toFloats()).as("rows=%d, k=%d, weightsByRow=%b", rows, k, weightsByRow)
                            .isEqualTo(expected.toFloats());
                }
            }
        }
    }

    @Test
    public void weightsPackedOnceGiveTheBitsOfThoseThatLieAsTheyAre() {
        if (!gemm.packs()) {
            Tensor b = arena.allocate(DType.F32, 2, 3);
            assertThatThrownBy(() -> gemm.pack(ONE, b, arena)).isInstanceOf(UnsupportedOperationException.class)
                    .hasMessageContaining("read weights as they lie: ");
            return;
        }
        Random random = new Random(8);
        int[][] sizes = {{5, 1, 1}, {1, 40, 70}, {4, 33, 300}, {5, 33, 63}, {12, 64, 64}, {13, 95, 65}, {97, 31, 257},
            {200, 129, 130}, {7, 70, 2048}, {9, 37, 4201}, {100, 600, 2113}, {6, 1100, 1000},
            {8, 5, 0}, {3, 0, 4}, {0, 3, 4}};
        for (int[] size : sizes) {
            for (int way = 0; way < 8; way++) {
                long m = size[0];
                long n = size[1];
                long k = size[2];
                boolean byRow = (way & 1) == 0;
                Tensor stored = byRow ? normal(random, n, k) : normal(random, k, n);
                Tensor kept = (way & 2) == 0 ? stored : arena.allocate(DType.BF16, stored.shape()).copyFrom(stored);
                Tensor b = byRow ? kept.transpose(0, 1) : kept;
                Tensor a = normal(random, m, k);
                Tensor bias = (way & 4) == 0 ? null : normal(random, n);
                PackedMatrix packed = gemm.pack(TWO, b, arena);
                Tensor start = normal(random, m, n);
                Tensor up = normal(random, m, n);
                String what = "m=%d, n=%d, k=%d, byRow=%b, bias=%b, %s".formatted(m, n, k, byRow, bias != null,
                        kept.dtype());
                for (boolean accumulate : new boolean[] {false, true}) {
                    Tensor want = copy(start);
                    gemm.gemm(ONE, a, b, bias, want, accumulate);
                    for (Parallel threads : new Parallel[] {ONE, TWO}) {
                        Tensor got = copy(start);
                        packed.gemm(threads, a, bias, got, accumulate);
                        assertThat(got.toFloats()).as(what + ", accumulate=" + accumulate).isEqualTo(want.toFloats());
                    }
                }
                for (Tensor gate : new Tensor[] {null, up}) {
                    Tensor want = copy(start);
                    Tensor got = copy(start);
                    Tensor before = copy(start);
                    Tensor wantBefore = copy(start);
                    gemm.gemm(ONE, a, b, bias, new Epilogue(Activation.SILU, gate, wantBefore), want,
                            ScalarKernels.create().elementwise());
                    packed.gemm(TWO, a, bias, new Epilogue(Activation.SILU, gate, before), got);
                    assertThat(got.toFloats()).as(what).isEqualTo(want.toFloats());
                    assertThat(before.toFloats()).as(what).isEqualTo(wantBefore.toFloats());
                }
            }
        }
    }

    private Tensor copy(Tensor of) {
        return arena.allocate(of.dtype(), of.shape()).copyFrom(of);
    }

    /** Fails unless sums are taken in chains of at most {@code chain} terms that are then added up. */
    protected final void checkErrorOfChains(int chain) {
        Random random = new Random(7);
        int n = 96;
        for (int m : new int[] {3, 12}) {
            for (boolean weightsByRow : new boolean[] {false, true}) {
                for (int k : new int[] {512, 1024, 2048}) {
                    Tensor a = normal(random, m, k);
                    Tensor b = weightsByRow ? normal(random, n, k).transpose(0, 1) : normal(random, k, n);
                    Tensor c = arena.allocate(DType.F32, m, n);
                    gemm.gemm(ONE, a, b, null, c, false);
                    double squares = 0;
                    for (int i = 0; i < m; i++) {
                        for (int j = 0; j < n; j++) {
                            double error = c.get(i, j);
                            for (int t = 0; t < k; t++) {
                                error -= a.get(i, t) * b.get(t, j);
                            }
                            squares += error * error;
                        }
                    }
                    // A sum of i terms is about √i large and rounded by 0.43 times half an ulp of that; a chain of twice the terms
                    // would err by at least a quarter more.
                    double expected = 0.43 * Math.ulp(1f) / 2 * Math.sqrt(k * (chain + (double) k / chain) / 2);
                    assertThat(Math.sqrt(squares / (m * n))).as("error of %d x %d x %d, weightsByRow=%b", m, n, k, weightsByRow)
                            .isLessThan(1.12 * expected);
                }
            }
        }
    }

    @Test
    public void writesNothingOutsideAViewOfALargerMatrix() {
        Random random = new Random(4);
        Tensor whole = arena.allocate(DType.F32, 20, 50).fill(7);
        gemm.gemm(ONE, normal(random, 13, 9), normal(random, 9, 21), null, whole.slice(0, 3, 16).slice(1, 5, 26),
                false);
        float[] values = whole.toFloats();
        for (int i = 0; i < 20; i++) {
            for (int j = 0; j < 50; j++) {
                boolean inside = i >= 3 && i < 16 && j >= 5 && j < 26;
                assertThat(values[i * 50 + j] == 7).as("row %d, column %d", i, j).isEqualTo(!inside);
            }
        }
    }

    @Test
    public void addsColumnSumsOfAnyHeight() {
        Random random = new Random(5);
        for (int rows : new int[] {0, 1, 2, 100, 2048, 2049, 5000}) {
            for (int n : new int[] {0, 1, 7, 16, 33, 300}) {
                Tensor x = normal(random, rows, n);
                Tensor sums = normal(random, n);
                double[] expected = sums.toDoubles();
                float[] values = x.toFloats();
                for (int i = 0; i < values.length; i++) {
                    expected[i % n] += values[i];
                }
                gemm.addColumnSums(TWO, x, sums);
                float[] actual = sums.toFloats();
                for (int j = 0; j < n; j++) {
                    assertThat((double) actual[j]).as("rows=%d, n=%d", rows, n)
                            .isCloseTo(expected[j], org.assertj.core.data.Offset.offset(1e-6 * (1 + rows)));
                }
            }
        }
    }

    /** mode 0: plain, 1: with bias, 2: accumulating. */
    private void check(Random random, int m, int n, int k, boolean aTransposed, boolean bTransposed, int mode) {
        try (TensorArena memory = new TensorArena()) {
            Tensor a = aTransposed ? normal(memory, random, k, m).transpose(0, 1) : normal(memory, random, m, k);
            Tensor b = bTransposed ? normal(memory, random, n, k).transpose(0, 1) : normal(memory, random, k, n);
            Tensor bias = mode == 1 ? normal(memory, random, n) : null;
            Tensor c = normal(memory, random, m, n);
            if (mode != 2) {
                c.fill(Double.NaN);
            }
            double[] before = c.toDoubles();
            gemm.gemm(TWO, a, b, bias, c, mode == 2);
            String what = "m=%d, n=%d, k=%d, aTransposed=%b, bTransposed=%b, mode=%d".formatted(m, n, k, aTransposed,
                    bTransposed, mode);
            compare(what, roundings(), a, b, bias, mode == 2 ? before : null, c);
        }
    }

    private static void compare(String what, double roundings, Tensor a, Tensor b, @Nullable Tensor bias,
            double @Nullable [] before, Tensor c) {
        int m = (int) c.size(0);
        int n = (int) c.size(1);
        int k = (int) a.size(1);
        float[] x = a.toFloats();
        float[] y = b.toFloats();
        float[] z = c.toFloats();
        for (int i = 0; i < m; i++) {
            for (int j = 0; j < n; j++) {
                double sum = before != null ? before[i * n + j] : bias != null ? bias.get(j) : 0;
                double size = Math.abs(sum);
                for (int t = 0; t < k; t++) {
                    double term = (double) x[i * k + t] * y[t * n + j];
                    sum += term;
                    size += Math.abs(term);
                }
                // k roundings of partial sums that are at most the sum of magnitudes; they hardly ever all add up.
                double bound = size * Math.ulp(1f) * (roundings + Math.sqrt(k));
                if (!(Math.abs(z[i * n + j] - sum) <= bound)) {
                    throw new AssertionError("%s: element (%d, %d) is %s, expected %s".formatted(what, i, j, z[i * n
                            + j], sum));
                }
            }
        }
    }

    private Tensor normal(Random random, long... shape) {
        return normal(arena, random, shape);
    }

    private static Tensor normal(TensorArena arena, Random random, long... shape) {
        Tensor t = arena.allocate(DType.F32, shape);
        float[] values = new float[(int) t.elements()];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return t.set(values);
    }
}
