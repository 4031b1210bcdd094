package dev.longspan.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import dev.longspan.kernel.scalar.ScalarKernels;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Recurrences against the scalar kernel; the same bits however they run. */
public abstract class ScanSweep {

    /** Sums of at most 200 terms and n modes in float32; relative to the largest element. */
    private static final double TOLERANCE = 1e-5;

    private static final Kernels REFERENCE = Reference.kernels();
    private static final ScanKernel SCALAR = ScalarKernels.create().scan();
    private static final Parallel ONE = Parallel.of(1);
    private static final Parallel TWO = Parallel.of(2);

    private final Kernels tested;
    private final ScanKernel scan;

    protected ScanSweep(Kernels tested) {
        this.tested = tested;
        scan = tested.scan();
    }

    /** How many of so many random cases run: fewer where a kernel is slow to run, not where it is slow to check. */
    protected int cases(int all) {
        return all;
    }

    /** How many calls a test makes that takes token after token, of at most so many. */
    protected int tokens(int all) {
        return all;
    }

    @Test
    public void agreesWithTheScalarKernelForAnySizesDocumentsAndStates() {
        for (int seed = 0; seed < cases(150); seed++) {
            try (TensorArena arena = new TensorArena()) {
                RandomScans scans = new RandomScans(arena, new Random(seed), DType.F32);
                RandomScans.Case of = randomCase(scans);
                RandomScans.Result expected = scans.run(REFERENCE.scan(), TWO, of);
                RandomScans.Result actual = scans.run(scan, TWO, of);
                String name = "seed=" + seed + ", x=" + of.x() + ", q=" + of.q() + ", plan=" + of.plan();
                check("y, " + name, actual.y(), expected.y());
                check("last, " + name, actual.last(), expected.last());
                check("dx, " + name, actual.dx(), expected.dx());
                check("dq, " + name, actual.dq(), expected.dq());
                check("dc, " + name, actual.dc(), expected.dc());
                check("dOmega, " + name, actual.dOmega(), expected.dOmega());
                check("dStart, " + name, actual.dStart(), expected.dStart());
            }
        }
    }

    @Test
    public void recurrencesAgreeWithTheScalarKernelForAnyKindAndSizes() {
        for (int seed = 0; seed < cases(160); seed++) {
            try (TensorArena arena = new TensorArena()) {
                Random random = new Random(seed);
                RandomTensors tensors = new RandomTensors(arena, random, DType.F32);
                boolean complex = (seed & 1) != 0;
                boolean perStep = (seed & 2) != 0;
                int batch = 1 + random.nextInt(3);
                int rows = 1 + random.nextInt(100);
                int width = 1 + random.nextInt(40);
                long[] shape = complex ? new long[] {batch, rows, 2, width} : new long[] {batch, rows, width};
                long[] once = complex ? new long[] {2, width} : new long[] {width};
                Tensor a = tensors.contiguous(perStep ? shape : once);
                float[] damped = a.toFloats();
                for (int i = 0; i < damped.length; i++) {
                    damped[i] = (float) (0.7 * Math.tanh(damped[i]));
                }
                a.set(damped);
                Tensor b = (seed & 4) != 0 ? tensors.contiguous((seed & 8) != 0 ? shape : once) : null;
                Tensor x = tensors.contiguous(shape);
                Tensor start = (seed & 16) != 0 ? tensors.contiguous(complex ? new long[] {batch, 2, width}
                        : new long[] {batch, width}) : null;
                Tensor dh = tensors.contiguous(shape);
                ScanPlan forward = ScanPlan.forward(new RandomScans(arena, random, DType.F32).documents(batch, rows),
                        random.nextInt(3));
                ScanPlan plan = random.nextBoolean() ? forward : forward.backwards();
                List<Tensor> expected = recurrence(arena, REFERENCE.recurrence(), plan, a, b, x, start, dh);
                List<Tensor> actual = recurrence(arena, tested.recurrence(), plan, a, b, x, start, dh);
                for (int i = 0; i < expected.size(); i++) {
                    check("output " + i + ", seed=" + seed + ", x=" + x, actual.get(i), expected.get(i));
                }
            }
        }
    }

    /** h, da, db, dx and dStart. */
    private static List<Tensor> recurrence(TensorArena arena, RecurrenceKernel kernel, ScanPlan plan, Tensor a, @Nullable Tensor b,
            Tensor x, @Nullable Tensor start, Tensor dh) {
        Tensor h = arena.allocate(DType.F32, x.shape());
        Tensor da = arena.allocate(DType.F32, a.shape());
        Tensor db = arena.allocate(DType.F32, b == null ? new long[] {0} : b.shape());
        Tensor dx = arena.allocate(DType.F32, x.shape());
        Tensor dStart = arena.allocate(DType.F32, start == null ? new long[] {0} : start.shape());
        kernel.forward(TWO, plan, a, b, x, start, h);
        kernel.backward(TWO, plan, a, b, x, start, h, dh, da, b == null ? null : db, dx,
                start == null ? null : dStart);
        return List.of(h, da, db, dx, dStart);
    }

    @Test
    public void givesTheSameBitsForAnyThreadsAndBatchPositions() {
        for (int seed = 1000; seed < 1000 + cases(20); seed++) {
            try (TensorArena arena = new TensorArena()) {
                RandomScans scans = new RandomScans(arena, new Random(seed), DType.F32);
                RandomScans.Case of = scans.scan(ScanPlan.forward(), 2, 1 + seed % 170, 150, 5, true);
                for (Tensor t : List.of(of.x(), of.dy())) {
                    t.slice(0, 1, 2).copyFrom(t.slice(0, 0, 1));
                }
                RandomScans.Case noState = of.with(of.plan(), of.x(), null);
                RandomScans.Result one = scans.run(scan, ONE, noState);
                RandomScans.Result two = scans.run(scan, TWO, noState);
                assertThat(two.y().toFloats()).as("y, seed=" + seed).isEqualTo(one.y().toFloats());
                assertThat(two.dx().toFloats()).as("dx, seed=" + seed).isEqualTo(one.dx().toFloats());
                assertThat(two.dq().toDoubles()).as("dq, seed=" + seed).isEqualTo(one.dq().toDoubles());
                assertThat(two.dc().toDoubles()).as("dc, seed=" + seed).isEqualTo(one.dc().toDoubles());
                assertThat(one.y().slice(0, 1, 2).toFloats()).as("batch, seed=" + seed)
                        .isEqualTo(one.y().slice(0, 0, 1).toFloats());
            }
        }
    }

    @Test
    public void anyPartitionGivesTheSameRowsToFloatPrecision() {
        for (int seed = 2000; seed < 2000 + cases(20); seed++) {
            try (TensorArena arena = new TensorArena()) {
                Random random = new Random(seed);
                RandomScans scans = new RandomScans(arena, random, DType.F32);
                RandomScans.Case of = scans.scan(ScanPlan.forward(), 1, 500, 20, 7, true);
                Tensor whole = scans.forward(scan, TWO, of).y();
                Tensor joined = arena.allocate(DType.F32, whole.shape());
                Tensor start = of.start();
                for (int from = 0; from < 500;) {
                    int to = Math.min(500, from + 1 + random.nextInt(seed % 2 == 0 ? 1 : 150));
                    RandomScans.Result part = scans.forward(scan, TWO, of.with(of.plan(), of.x().slice(1, from, to), start));
                    joined.slice(1, from, to).copyFrom(part.y());
                    start = part.last();
                    from = to;
                }
                check("seed=" + seed, joined, whole);
            }
        }
    }

    @Test
    public void aRowAloneForgetsTheStateWhereItBeginsADocument() {
        try (TensorArena arena = new TensorArena()) {
            RandomScans scans = new RandomScans(arena, new Random(1), DType.F32);
            RandomScans.Case of = scans.scan(ScanPlan.forward(), 2, 1, 20, 7, true);
            Tensor fresh = scans.forward(scan, TWO, of.with(of.plan(), of.x(), null)).y();
            Tensor continued = scans.forward(scan, TWO, of).y();
            ScanPlan second = ScanPlan.forward(Documents.of(new long[] {0, 5}, new long[] {0}), 5);
            Tensor y = scans.forward(scan, TWO, of.with(second, of.x(), of.start())).y();
            assertThat(y.slice(0, 0, 1).toFloats()).isEqualTo(fresh.slice(0, 0, 1).toFloats());
            assertThat(y.slice(0, 1, 2).toFloats()).isEqualTo(continued.slice(0, 1, 2).toFloats())
                    .isNotEqualTo(fresh.slice(0, 1, 2).toFloats());
        }
    }

    @Test
    public void aSlowModeLosesLessThan5eMinus5Over64KSteps() {
        slowMode(DType.F32, scan, 1 << 16, 5e-5);
    }

    @Test
    public void aSlowModeOfTheScalarKernelLosesLessThan1eMinus10InDoubleOver64KSteps() {
        slowMode(DType.F64, SCALAR, 1 << 16, 1e-10);
    }

    @Test
    public void aSlowModeThatIsTakenTokenByTokenDriftsNoFurther() {
        try (TensorArena arena = new TensorArena()) {
            int rows = tokens(1 << 14);
            Slow slow = new Slow(arena, DType.F32, rows);
            Tensor state = arena.allocate(DType.F32, 1, 1, 2, 1);
            Tensor y = arena.allocate(DType.F32, 1, 1, 1);
            double[] expected = slow.outputs(rows);
            double error = 0;
            double largest = 0;
            for (int t = 0; t < rows; t++) {
                scan.cema(ONE, ScanPlan.forward(), slow.x.slice(1, t, t + 1), slow.q, slow.c, slow.omega, state, y, state, null);
                error = Math.max(error, Math.abs(y.item() - expected[t]));
                largest = Math.max(largest, Math.abs(expected[t]));
            }
            assertThat(error / largest).isLessThan(2e-5);
        }
    }

    private void slowMode(DType dtype, ScanKernel kernel, int rows, double bound) {
        try (TensorArena arena = new TensorArena()) {
            Slow slow = new Slow(arena, dtype, rows);
            Tensor y = arena.allocate(dtype, 1, rows, 1);
            kernel.cema(ONE, ScanPlan.forward(), slow.x, slow.q, slow.c, slow.omega, null, y,
                    arena.allocate(dtype, 1, 1, 2, 1), null);
            double[] expected = slow.outputs(rows);
            double error = 0;
            double largest = 0;
            for (int t = 0; t < rows; t++) {
                error = Math.max(error, Math.abs(y.get(0, t, 0) - expected[t]));
                largest = Math.max(largest, Math.abs(expected[t]));
            }
            assertThat(error / largest).as(dtype + " over " + rows + " steps").isLessThan(bound);
        }
    }

    /** One mode with 1 − |q| = 6e-6 that an impulse starts: {@code yₜ = Re qᵗ} by cosine and power, with full phase. */
    private static final class Slow {
        private final Tensor x;
        private final Tensor q;
        private final Tensor c;
        private final Tensor omega;
        private final double phase = 0.7;
        private final double radius = 1 - 6e-6;

        Slow(TensorArena arena, DType dtype, int rows) {
            x = arena.allocate(dtype, 1, rows, 1);
            x.slice(1, 0, 1).fill(1);
            q = arena.allocate(DType.F64, 1, 2, 1).set(radius * Math.cos(phase), radius * Math.sin(phase));
            c = arena.allocate(DType.F64, 1, 2, 1).set(1, 0);
            omega = arena.allocate(dtype, 1, 1);
        }

        double[] outputs(int rows) {
            double[] y = new double[rows];
            for (int t = 0; t < rows; t++) {
                y[t] = Math.pow(radius, t) * Math.cos(t * phase);
            }
            return y;
        }
    }

    private static RandomScans.Case randomCase(RandomScans scans) {
        Random random = scans.random();
        int batch = 1 + random.nextInt(3);
        int rows = 1 + random.nextInt(200);
        ScanPlan plan = ScanPlan.forward(scans.documents(batch, rows), random.nextInt(3));
        return scans.scan(random.nextBoolean() ? plan : plan.backwards(), batch, rows, 1 + random.nextInt(random.nextInt(5) == 0 ? 200 : 40),
                1 + random.nextInt(17), random.nextBoolean());
    }

    private void check(String name, Tensor actual, Tensor expected) {
        double[] a = actual.toDoubles();
        double[] b = expected.toDoubles();
        double error = 0;
        double largest = 1e-3;
        for (int i = 0; i < a.length; i++) {
            error = Math.max(error, Double.isNaN(a[i]) ? Double.POSITIVE_INFINITY : Math.abs(a[i] - b[i]));
            largest = Math.max(largest, Math.abs(b[i]));
        }
        assertThat(error / largest).as(name).isLessThan(Reference.tolerance(TOLERANCE));
    }
}
