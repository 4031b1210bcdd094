package dev.longspan.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Norms, pointwise kernels, embedding, loss and optimiser against the scalar ones; the same bits however they run. */
public abstract class FamilySweep {

    private static final int[] SIZES = IntStream.concat(IntStream.rangeClosed(0, 70),
            IntStream.of(127, 128, 129, 300, 1000, 4095, 4097)).toArray();
    private static final float[] SPECIAL = {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY, 0, -100, 100};

    private final Kernels tested;
    private final Kernels reference = Reference.kernels();
    private final Parallel one = Parallel.of(1);
    private final Parallel two = Parallel.of(2);

    protected FamilySweep(Kernels tested) {
        this.tested = tested;
    }

    /** Sizes around lanes, tiles and blocks. */
    protected int[] sizes() {
        return SIZES;
    }

    /** How many times a case is drawn. */
    protected int seeds() {
        return 2;
    }

    /** One use of a kernel on fresh inputs; gives every tensor it wrote. */
    private interface Case {
        List<Tensor> run(Kernels kernels, Parallel parallel, Inputs inputs);
    }

    /** Random tensors that are the same for the same seed. */
    private static final class Inputs {
        private final TensorArena arena;
        private final Random random;
        private final float special;

        Inputs(TensorArena arena, long seed, float special) {
            this.arena = arena;
            random = new Random(seed);
            this.special = special;
        }

        Tensor floats(long... shape) {
            // An offset of one element: nothing may count on aligned memory.
            long n = Tensor.byteSize(DType.U8, shape);
            Tensor padded = arena.allocate(DType.F32, n + 1);
            float[] values = new float[(int) n + 1];
            for (int i = 0; i < values.length; i++) {
                values[i] = (float) random.nextGaussian();
            }
            if (special != 0 && n > 0) {
                values[1 + random.nextInt((int) n)] = special;
            }
            padded.set(values);
            return padded.slice(0, 1, n + 1).reshape(shape);
        }

        Tensor positive(long... shape) {
            Tensor t = floats(shape);
            float[] values = t.toFloats();
            for (int i = 0; i < values.length; i++) {
                values[i] = Math.abs(values[i]);
            }
            return t.set(values);
        }

        Tensor ids(int below, long n) {
            long[] ids = new long[(int) n];
            for (int i = 0; i < n; i++) {
                ids[i] = random.nextInt(below);
            }
            return arena.allocate(DType.I64, n).set(ids);
        }
    }

    private void check(String name, double tolerance, Case kernel) {
        check(name, tolerance, 0, kernel);
        for (float special : SPECIAL) {
            check(name, tolerance, special, kernel);
        }
    }

    private void check(String name, double tolerance, float special, Case kernel) {
        for (long seed = 1; seed <= seeds(); seed++) {
            try (TensorArena arena = new TensorArena()) {
                List<Tensor> want = kernel.run(reference, one, new Inputs(arena, seed, special));
                List<Tensor> got = kernel.run(tested, one, new Inputs(arena, seed, special));
                // What one number is planted for is the same for any threads.
                List<Tensor> again = special == 0 ? kernel.run(tested, two, new Inputs(arena, seed, special)) : got;
                for (int t = 0; t < want.size(); t++) {
                    String what = name + ", special=" + special + ", seed=" + seed + " output " + t;
                    float[] w = want.get(t).toFloats();
                    float[] g = got.get(t).toFloats();
                    double bound = Reference.tolerance(tolerance) * largest(w, special);
                    for (int i = 0; i < w.length; i++) {
                        if (Float.compare(w[i], g[i]) != 0 && !(Math.abs(w[i] - g[i]) <= bound)) {
                            fail(what + ", element " + i + ": expected " + w[i] + ", here " + g[i]);
                        }
                    }
                    // AssertJ's own comparison of long arrays takes quadratic time.
                    assertThat(Arrays.equals(again.get(t).toFloats(), g)).as("%s, two threads", what).isTrue();
                }
            }
        }
    }

    /** Of the finite values, and what was planted: what cancels has an error in proportion to it. */
    private static double largest(float[] values, float special) {
        double largest = Float.isFinite(special) ? Math.max(1, Math.abs(special)) : 1;
        for (float value : values) {
            largest = Float.isFinite(value) ? Math.max(largest, Math.abs(value)) : largest;
        }
        return largest;
    }

    @Test
    public void pointwiseKernelsAgreeWithScalarOnes() {
        for (int n : sizes()) {
            check("fill " + n, 0, (k, p, in) -> {
                Tensor y = in.floats(n);
                k.elementwise().fill(p, y, 0.1);
                return List.of(y);
            });
            check("axpby " + n, 1e-6, (k, p, in) -> {
                Tensor x = in.floats(n);
                Tensor y = in.floats(n);
                Tensor z = in.floats(n);
                k.elementwise().axpby(p, 0.3, x, 0.7, y);
                k.elementwise().axpby(p, 0.3, x, 0, z);
                return List.of(y, z);
            });
            check("add and multiply " + n, 1e-6, (k, p, in) -> {
                Tensor a = in.floats(n);
                Tensor b = in.floats(n);
                Tensor sum = in.floats(n);
                Tensor product = in.floats(n);
                Tensor added = in.floats(n);
                k.elementwise().add(p, a, b, sum);
                k.elementwise().multiply(p, a, b, product, false);
                k.elementwise().multiply(p, a, b, added, true);
                k.elementwise().addScalar(p, 0.5, in.floats(1), a);
                return List.of(sum, product, added, a);
            });
            check("dropout " + n, 1e-6, (k, p, in) -> {
                Tensor x = in.floats(n);
                Tensor y = in.floats(n);
                Tensor z = in.floats(n);
                k.elementwise().dropout(p, new Dropout(0.3, 5, 6), x, y, false);
                k.elementwise().dropout(p, new Dropout(0.3, 5, 6), x, z, true);
                return List.of(y, z);
            });
        }
    }

    @Test
    public void activationsAgreeWithScalarOnes() {
        for (int n : sizes()) {
            for (Activation f : Activation.values()) {
                check(f + " " + n, 2e-6, (k, p, in) -> {
                    Tensor x = in.floats(n);
                    Tensor dy = in.floats(n);
                    Tensor y = in.floats(n);
                    Tensor dx = in.floats(n);
                    k.elementwise().activation(p, f, x, y);
                    k.elementwise().activationBackward(p, f, x, dy, dx);
                    return List.of(y, dx);
                });
                check("gated " + f + " " + n, 4e-6, (k, p, in) -> {
                    Tensor gate = in.floats(n);
                    Tensor up = in.floats(n);
                    Tensor dy = in.floats(n);
                    Tensor y = in.floats(n);
                    Tensor dGate = in.floats(n);
                    Tensor dUp = in.floats(n);
                    k.elementwise().gated(p, f, gate, up, y);
                    k.elementwise().gatedBackward(p, f, gate, up, dy, dGate, null);
                    k.elementwise().gatedBackward(p, f, gate, up, dy, null, dUp);
                    return List.of(y, dGate, dUp);
                });
            }
        }
    }

    @Test
    public void productsThatEndInAnActivationHaveTheBitsOfTheCallsOneByOne() {
        // Most rows, columns and terms: around tiles, few rows, slices of terms, blocks of columns.
        int[][] most = {{120, 200, 100}, {5, 2500, 100}, {20, 60, 5000}, {120, 2500, 3}};
        for (Activation f : Activation.values()) {
            for (int trial = 0; trial < 16 * seeds(); trial++) {
                checkEpilogue(f, f.name().hashCode() + trial, most[trial % 4]);
            }
        }
    }

    private void checkEpilogue(Activation f, long seed, int[] most) {
        try (TensorArena arena = new TensorArena()) {
            Inputs in = new Inputs(arena, seed, 0);
            int m = 1 + in.random.nextInt(most[0]);
            int n = 1 + in.random.nextInt(most[1]);
            int k = 1 + in.random.nextInt(most[2]);
            Tensor a = in.floats(m, k);
            Tensor b = in.random.nextBoolean() ? in.floats(k, n) : in.floats(n, k).transpose(0, 1);
            Tensor bias = in.random.nextBoolean() ? in.floats(n) : null;
            Tensor up = in.random.nextBoolean() ? in.floats(m, n) : null;
            Tensor before = in.random.nextBoolean() ? in.floats(m, n) : null;
            Tensor x = in.floats(m, n);
            Tensor want = in.floats(m, n);
            Tensor got = in.floats(m, n);
            tested.gemm().gemm(one, a, b, bias, x, false);
            if (up == null) {
                tested.elementwise().activation(one, f, x, want);
            } else {
                tested.elementwise().gated(one, f, x, up, want);
            }
            tested.gemm().gemm(two, a, b, bias, new Epilogue(f, up, before), got, tested.elementwise());
            String what = "%s, seed=%d, m=%d, n=%d, k=%d, up=%s, before=%s".formatted(f, seed, m, n, k, up, before);
            assertThat(Arrays.equals(got.toFloats(), want.toFloats())).as(what).isTrue();
            assertThat(before == null || Arrays.equals(before.toFloats(), x.toFloats())).as("before, %s", what).isTrue();
        }
    }

    @Test
    public void normsAgreeWithScalarOnes() {
        for (int d : sizes()) {
            if (d == 0) {
                continue;
            }
            int rows = d < 100 ? 37 : 3;
            check("layer norm " + d, 2e-5, (k, p, in) -> {
                Tensor x = in.floats(rows, d);
                Tensor weight = in.floats(d);
                Tensor bias = in.floats(d);
                Tensor dy = in.floats(rows, d);
                List<Tensor> written = new ArrayList<>();
                for (int t = 0; t < 8; t++) {
                    written.add(t < 3 ? in.floats(rows, d) : t < 5 ? in.floats(rows) : in.floats(d));
                }
                k.norm().layerNorm(p, x, weight, bias, 0.25, 0.01, written.get(0), written.get(3), written.get(4));
                k.norm().layerNormBackward(p, x, weight, 0.25, written.get(3), written.get(4), dy, written.get(1),
                        written.get(5), written.get(6));
                k.norm().layerNormBackward(p, x, null, 0, written.get(3), written.get(4), dy, written.get(2), null,
                        written.get(7));
                return written;
            });
            check("RMS norm " + d, 2e-5, (k, p, in) -> {
                Tensor x = in.floats(rows, d);
                Tensor weight = in.floats(d);
                Tensor dy = in.floats(rows, d);
                Tensor y = in.floats(rows, d);
                Tensor plain = in.floats(rows, d);
                Tensor rstd = in.floats(rows);
                Tensor dx = in.floats(rows, d);
                Tensor dWeight = in.floats(d);
                k.norm().rmsNorm(p, x, null, 0, 0.01, plain, rstd);
                k.norm().rmsNorm(p, x, weight, 1, 0.01, y, rstd);
                k.norm().rmsNormBackward(p, x, weight, 1, rstd, dy, dx, dWeight);
                k.norm().rmsNormBackward(p, x, weight, 1, rstd, dy, null, dWeight);
                k.norm().rmsNormBackward(p, x, weight, 1, rstd, dy, dx, null);
                return List.of(plain, y, rstd, dx, dWeight);
            });
            check("affine " + d, 2e-5, (k, p, in) -> {
                Tensor x = in.floats(rows, d);
                Tensor weight = in.floats(d);
                Tensor dy = in.floats(rows, d);
                Tensor y = in.floats(rows, d);
                Tensor scaled = in.floats(rows, d);
                Tensor dx = in.floats(rows, d);
                Tensor dWeight = in.floats(d);
                Tensor dBias = in.floats(d);
                k.norm().affine(p, x, weight, in.floats(d), 1, 0.3, y);
                k.norm().affine(p, x, null, null, 0, 0.3, scaled);
                k.norm().affineBackward(p, x, weight, 1, 0.3, dy, dx, dWeight, dBias);
                k.norm().affineBackward(p, x, weight, 1, 0.3, dy, null, dWeight, null);
                k.norm().affineBackward(p, x, null, 0, 0.3, dy, dx, null, dBias);
                return List.of(y, scaled, dx, dWeight, dBias);
            });
        }
    }

    @Test
    public void normsOfResidualsHaveTheBitsOfASumAndItsNorm() {
        for (int d : sizes()) {
            if (d == 0) {
                continue;
            }
            int rows = d < 100 ? 37 : 3;
            for (double alpha : new double[] {1, 1.7}) {
                for (boolean weighted : new boolean[] {true, false}) {
                    try (TensorArena arena = new TensorArena()) {
                        Inputs in = new Inputs(arena, d, 0);
                        Residual of = new Residual(in.floats(rows, d), alpha, in.floats(rows, d));
                        Tensor weight = weighted ? in.floats(d) : null;
                        Tensor bias = weighted ? in.floats(d) : null;
                        Tensor[] t = Stream.generate(() -> in.floats(rows, d)).limit(4).toArray(Tensor[]::new);
                        Tensor[] moments = Stream.generate(() -> in.floats(rows)).limit(4).toArray(Tensor[]::new);
                        ElementwiseKernel sums = tested.elementwise();
                        sums.add(one, of, t[0]);
                        for (boolean centred : new boolean[] {true, false}) {
                            String what = "d=" + d + ", alpha=" + alpha + ", weighted=" + weighted + ", centred=" + centred;
                            if (centred) {
                                tested.norm().layerNorm(one, t[0], weight, bias, 1, 0.01, t[1], moments[0], moments[1]);
                                tested.norm().layerNorm(two, sums, of, t[2], weight, bias, 1, 0.01, t[3], moments[2], moments[3]);
                            } else {
                                tested.norm().rmsNorm(one, t[0], weight, 1, 0.01, t[1], moments[1]);
                                tested.norm().rmsNorm(two, sums, of, t[2], weight, 1, 0.01, t[3], moments[3]);
                            }
                            assertSame(what, t[2], t[0]);
                            assertSame(what, t[3], t[1]);
                            assertSame(what, moments[2], centred ? moments[0] : moments[2]);
                            assertSame(what, moments[3], moments[1]);
                            if (centred) {
                                tested.norm().layerNorm(two, sums, of, t[3], weight, bias, 1, 0.01, t[3], moments[2], moments[3]);
                            } else {
                                tested.norm().rmsNorm(two, sums, of, t[3], weight, 1, 0.01, t[3], moments[3]);
                            }
                            assertSame(what + ", in place", t[3], t[1]);
                        }
                    }
                }
            }
        }
    }

    private static void assertSame(String what, Tensor actual, Tensor expected) {
        assertThat(Arrays.equals(actual.toFloats(), expected.toFloats())).as(what).isTrue();
    }

    @Test
    public void softmaxAgreesWithScalarOne() {
        for (int d : sizes()) {
            check("softmax " + d, 3e-6, (k, p, in) -> {
                Tensor x = in.floats(d == 0 ? 0 : 17, d);
                Tensor y = in.floats(x.shape());
                Tensor dx = in.floats(x.shape());
                k.norm().softmax(p, x, y);
                k.norm().softmaxBackward(p, y, in.floats(x.shape()), dx);
                return List.of(y, dx);
            });
        }
    }

    @Test
    public void gradientsOfManyRowsAreSummedOverBlocks() {
        check("layer norm, 3000 rows", 2e-4, (k, p, in) -> {
            Tensor x = in.floats(3000, 5);
            Tensor y = in.floats(3000, 5);
            Tensor mean = in.floats(3000);
            Tensor rstd = in.floats(3000);
            Tensor dWeight = in.floats(5);
            Tensor dBias = in.floats(5);
            k.norm().layerNorm(p, x, null, null, 0, 1e-5, y, mean, rstd);
            k.norm().layerNormBackward(p, x, null, 0, mean, rstd, in.floats(3000, 5), null, dWeight, dBias);
            return List.of(y, mean, rstd, dWeight, dBias);
        });
    }

    @Test
    public void rowsHaveTheSameBitsAloneAndInABatch() {
        try (TensorArena arena = new TensorArena()) {
            Inputs in = new Inputs(arena, 4, 0);
            int rows = 40;
            int d = 83;
            Tensor x = in.floats(rows, d);
            Tensor y = in.floats(rows, d);
            Tensor alone = in.floats(1, d);
            Tensor mean = in.floats(rows);
            Tensor rstd = in.floats(rows);
            tested.norm().layerNorm(one, x, null, null, 0, 1e-5, y, mean, rstd);
            for (int i = 0; i < rows; i++) {
                tested.norm().layerNorm(one, x.slice(0, i, i + 1), null, null, 0, 1e-5, alone, mean.slice(0, 0, 1),
                        rstd.slice(0, 0, 1));
                assertThat(alone.toFloats()).as("row %d", i).containsExactly(y.slice(0, i, i + 1).toFloats());
            }
            Tensor sequence = in.floats(1, 700, 2, 10);
            Tensor rotated = in.floats(1, 700, 2, 10);
            Tensor single = in.floats(1, 1, 2, 10);
            for (Rotary rotary : List.of(Rotary.rope(10, 10000, 0), Rotary.xpos(10, 512, -1),
                    Rotary.rope(10, 10000, 0).withPairs(Rotary.Pairs.HALVES))) {
                tested.rotary().forward(two, rotary, 8000, sequence, rotated);
                for (int i = 0; i < 700; i++) {
                    tested.rotary().forward(one, rotary, 8000 + i, sequence.slice(1, i, i + 1), single);
                    assertThat(single.toFloats()).as("%s, position %d", rotary, i)
                            .containsExactly(rotated.slice(1, i, i + 1).toFloats());
                }
            }
        }
    }

    @Test
    public void rotaryPositionsAgreeWithScalarOnes() {
        for (int half : sizes()) {
            if (half < 1 || half > 35) {
                continue;
            }
            int d = 2 * half;
            for (Rotary rotary : List.of(Rotary.rope(d, 10000, 0), Rotary.rope(d, 500, 77), Rotary.xpos(d, 512, 1),
                    Rotary.xpos(d, 512, -1), new Rotary(d, 10000, 0, 512, 1, 100, 0),
                    new Rotary(d, 10000, 0, 512, -1, 0, 300),
                    Rotary.rope(d, 10000, 0).withPairs(Rotary.Pairs.HALVES),
                    Rotary.xpos(d, 512, -1).withPairs(Rotary.Pairs.HALVES))) {
                for (long first : new long[] {0, 250, 8180, 10_000_000}) {
                    if (first > 100_000 && rotary.origin() > 0) {
                        continue; // without epochs xPos scales leave float's range
                    }
                    check(rotary + " from " + first, 3e-6, 0, (k, p, in) -> {
                        Tensor x = in.floats(2, 3, 30, d).transpose(1, 2);
                        Tensor y = in.floats(2, 30, 3, d);
                        Tensor dx = in.floats(2, 3, 30, d).transpose(1, 2);
                        k.rotary().forward(p, rotary, first, x, y);
                        k.rotary().backward(p, rotary, first, x, dx);
                        return List.of(y, dx);
                    });
                }
            }
        }
    }

    @Test
    public void embeddingsAgreeWithScalarOnes() {
        for (int d : sizes()) {
            check("embedding " + d, 1e-5, (k, p, in) -> {
                Tensor table = in.floats(11, d);
                Tensor ids = in.ids(11, 100);
                Tensor y = in.floats(100, d);
                Tensor dTable = in.floats(11, d);
                k.embedding().forward(p, table, ids, 1.7, y);
                k.embedding().backward(p, ids, 1.7, in.floats(100, d), dTable);
                return List.of(y, dTable);
            });
        }
    }

    @Test
    public void crossEntropyAgreesWithScalarOne() {
        for (int classes : IntStream.concat(Arrays.stream(sizes()), IntStream.of(4097)).distinct().toArray()) {
            if (classes == 0) {
                continue;
            }
            check("cross-entropy " + classes, 5e-6, (k, p, in) -> {
                Tensor logits = in.floats(9, classes);
                Tensor targets = in.ids(classes, 9);
                long[] ids = targets.toLongs();
                ids[4] = -1;
                targets.set(ids);
                Tensor losses = in.floats(9);
                Tensor lse = in.floats(9);
                Tensor dLogits = in.floats(9, classes);
                k.loss().crossEntropy(p, logits, targets, losses, lse);
                k.loss().crossEntropyBackward(p, logits, targets, lse, in.floats(9), dLogits);
                return List.of(losses, lse, dLogits);
            });
        }
    }

    @Test
    public void adamWAgreesWithScalarOne() {
        for (int n : sizes()) {
            check("AdamW " + n, 2e-6, (k, p, in) -> {
                Tensor w = in.floats(n);
                Tensor m = in.floats(n);
                Tensor v = in.positive(n);
                k.optimizer().adamW(p, new AdamWStep(0.01, 0.9, 0.98, 1e-6, 0.1, 0.5, 3), w, in.floats(n), m, v);
                return List.of(w, m, v);
            });
            check("clamp " + n, 0, (k, p, in) -> {
                Tensor x = in.floats(n);
                k.optimizer().clamp(p, x, 0.5);
                return List.of(x);
            });
        }
    }

    @Test
    public void momentsThatFadeAwayBecomeZero() {
        try (TensorArena arena = new TensorArena()) {
            Tensor w = arena.allocate(DType.F32, 20).fill(1);
            Tensor g = arena.allocate(DType.F32, 20);
            Tensor m = arena.allocate(DType.F32, 20).fill(Float.MIN_NORMAL);
            Tensor v = arena.allocate(DType.F32, 20).fill(Float.MIN_NORMAL);
            tested.optimizer().adamW(one, new AdamWStep(0.01, 0.9, 0.98, 1e-8, 0, 1, 1), w, g, m, v);
            assertThat(m.toFloats()).containsOnly(0);
            assertThat(v.toFloats()).containsOnly(0);
        }
    }

    @Test
    public void measuresOfWholeTensorsAgreeWithScalarOnes() {
        for (int n : new int[] {0, 1, 15, 16, 33, 70, 65_536, 200_001}) {
            try (TensorArena arena = new TensorArena()) {
                Tensor x = new Inputs(arena, n, 0).floats(n);
                double want = reference.optimizer().sumOfSquares(one, x);
                double got = tested.optimizer().sumOfSquares(one, x);
                assertThat(got).as("n=%d", n).isBetween(want * (1 - 1e-13), want * (1 + 1e-13));
                assertThat(tested.optimizer().sumOfSquares(two, x)).isEqualTo(got);
                Tensor sum = arena.allocate(DType.F32, 1);
                tested.elementwise().sum(two, 2, x, sum);
                Tensor expected = arena.allocate(DType.F32, 1);
                reference.elementwise().sum(two, 2, x, expected);
                assertThat(sum.item()).as("n=%d", n).isBetween(expected.item() - 1e-4, expected.item() + 1e-4);
                if (n > 2) {
                    float[] values = x.toFloats();
                    values[0] = Float.NaN;
                    values[n / 2] = Float.NEGATIVE_INFINITY;
                    values[n - 1] = Float.POSITIVE_INFINITY;
                    assertThat(tested.optimizer().countNonFinite(two, x.set(values))).as("n=%d", n).isEqualTo(3);
                }
            }
        }
    }
}
