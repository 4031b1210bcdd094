package dev.longspan.kernel.scalar;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.longspan.kernel.Documents;
import dev.longspan.kernel.RandomScans;
import dev.longspan.kernel.RandomTensors;
import dev.longspan.kernel.ScanPlan;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

final class ScalarScanTest {

    private final TensorArena arena = new TensorArena();
    private final Random random = new Random(11);
    private final RandomTensors tensors = new RandomTensors(arena, random, DType.F64);
    private final RandomScans scans = new RandomScans(arena, random, DType.F64);
    private final ScalarScan kernel = new ScalarScan();
    private final ScalarCoefficients coefficients = new ScalarCoefficients();
    private final ScalarRecurrence recurrence = new ScalarRecurrence();
    private final Parallel parallel = Parallel.of(2);

    @AfterEach
    void close() {
        arena.close();
    }

    @Test
    void threeStepsOfOneModeByHand() {
        // q = i/2, c = 2 - i, omega = 10: s = 1, 2 + i/2, 3 + (i/2)(2 + i/2) = 2.75 + i.
        Tensor q = arena.allocate(DType.F64, 1, 2, 1).set(0, 0.5);
        Tensor c = arena.allocate(DType.F64, 1, 2, 1).set(2, -1);
        Tensor omega = arena.allocate(DType.F64, 1, 1).set(10);
        Tensor x = arena.allocate(DType.F64, 1, 3, 1).set(1, 2, 3);
        RandomScans.Result r = scans.forward(kernel, parallel,
                new RandomScans.Case(ScanPlan.forward(), x, q, c, omega, null, x, null));
        assertThat(r.y().toDoubles()).containsExactly(new double[] {12, 24.5, 36.5}, within(1e-12));
        assertThat(r.last().toDoubles()).containsExactly(new double[] {2.75, 1}, within(1e-12));
    }

    @Test
    void aScanIsTheConvolutionWithPowersOfQ() {
        int rows = 150;
        RandomScans.Case of = scans.scan(ScanPlan.forward(), 2, rows, 3, 4, false);
        RandomScans.Result r = scans.forward(kernel, parallel, of);
        for (int b = 0; b < 2; b++) {
            for (int d = 0; d < 3; d++) {
                double[] k = new double[rows];
                for (int n = 0; n < 4; n++) {
                    double radius = Math.hypot(of.q().get(n, 0, d), of.q().get(n, 1, d));
                    double phase = Math.atan2(of.q().get(n, 1, d), of.q().get(n, 0, d));
                    for (int j = 0; j < rows; j++) {
                        k[j] += Math.pow(radius, j) * (of.c().get(n, 0, d) * Math.cos(j * phase)
                                - of.c().get(n, 1, d) * Math.sin(j * phase));
                    }
                }
                for (int t = 0; t < rows; t++) {
                    double y = of.omega().get(d, 0) * of.x().get(b, t, d);
                    for (int s = 0; s <= t; s++) {
                        y += k[t - s] * of.x().get(b, s, d);
                    }
                    assertThat(r.y().get(b, t, d)).as("row " + t).isCloseTo(y, within(1e-10));
                }
            }
        }
    }

    @Test
    void documentsAreScannedAsIfAlone() {
        RandomScans.Case packed = scans.scan(ScanPlan.forward(Documents.of(new long[] {0, 70, 71}), 0), 1, 90, 2, 3, true);
        RandomScans.Result whole = scans.forward(kernel, parallel, packed);
        long[] ends = {0, 70, 71, 90};
        for (int i = 0; i < 3; i++) {
            Tensor alone = scans.forward(kernel, parallel, packed.with(ScanPlan.forward(),
                    packed.x().slice(1, ends[i], ends[i + 1]), null)).y();
            assertThat(whole.y().slice(1, ends[i], ends[i + 1]).toDoubles()).isEqualTo(alone.toDoubles());
        }
    }

    @Test
    void aReversedScanIsTheScanOfReversedRows() {
        RandomScans.Case back = scans.scan(ScanPlan.forward(Documents.of(new long[] {0, 30, 64}), 0).backwards(), 1, 80, 2, 3,
                false);
        double[] values = new double[160];
        for (int t = 0; t < 80; t++) {
            values[2 * t] = back.x().get(0, 79 - t, 0);
            values[2 * t + 1] = back.x().get(0, 79 - t, 1);
        }
        Tensor reversed = arena.allocate(DType.F64, 1, 80, 2).set(values);
        Tensor expected = scans.forward(kernel, parallel, back.with(ScanPlan.forward(Documents.of(new long[] {0, 16, 50}), 0),
                reversed, null)).y();
        Tensor y = scans.forward(kernel, parallel, back).y();
        for (int t = 0; t < 80; t++) {
            assertThat(y.get(0, t, 1)).as("row " + t).isEqualTo(expected.get(0, 79 - t, 1));
        }
    }

    @Test
    void anyPartitionGivesTheSameRows() {
        RandomScans.Case of = scans.scan(ScanPlan.forward(), 1, 200, 2, 3, true);
        Tensor whole = scans.forward(kernel, parallel, of).y();
        Tensor start = of.start();
        for (int from = 0; from < 200;) {
            int to = Math.min(200, from + 1 + random.nextInt(70));
            RandomScans.Result part = scans.forward(kernel, parallel, of.with(of.plan(), of.x().slice(1, from, to), start));
            assertThat(part.y().toDoubles()).as("rows " + from + " to " + to).isEqualTo(whole.slice(1, from, to).toDoubles());
            start = part.last();
            from = to;
        }
    }

    @Test
    void stepsThatEnterADocumentAreFoundInBothDirections() {
        ScanPlan plan = ScanPlan.forward(Documents.of(new long[] {0, 5, 9, 20}), 5);
        assertThat(plan.resets(0, 8)).containsExactly(0, 4, 8);
        assertThat(plan.backwards().resets(0, 8)).containsExactly(4, 8);
        assertThat(plan.resets(0, 15)).containsExactly(0, 4, 15);
        assertThat(plan.backwards().resets(0, 15)).containsExactly(0, 11, 15);
        assertThat(ScanPlan.forward(Documents.of(new long[] {0, 5}), 3).resets(0, 2)).containsExactly(2);
        assertThat(ScanPlan.forward().resets(0, 7)).containsExactly(7);
    }

    @Test
    void gradientsAreThoseOfCentralDifferences() {
        for (boolean reversed : new boolean[] {false, true}) {
            ScanPlan forward = ScanPlan.forward(Documents.of(new long[] {0, 3, 66}, new long[] {0, 40}), 2);
            ScanPlan plan = reversed ? forward.backwards() : forward;
            RandomScans.Case of = scans.scan(plan, 2, 70, 2, 3, true);
            RandomScans.Result r = scans.run(kernel, parallel, of);
            Tensor start = of.start();
            Differences.check("x", of.x(), zeros(of.x()), r.dx(), () -> loss(of));
            Differences.check("q", of.q(), zeros(of.q()), r.dq(), () -> loss(of));
            Differences.check("c", of.c(), zeros(of.c()), r.dc(), () -> loss(of));
            Differences.check("omega", of.omega(), zeros(of.omega()), r.dOmega(), () -> loss(of));
            if (start != null) {
                Differences.check("start", start, zeros(start), r.dStart(), () -> loss(of));
            }
        }
    }

    private double loss(RandomScans.Case of) {
        RandomScans.Result r = scans.forward(kernel, parallel, of);
        Tensor dLast = of.dLast();
        return Differences.dot(r.y(), of.dy()) + (dLast == null ? 0 : Differences.dot(r.last(), dLast));
    }

    @Test
    void gradientsOfTheCoefficientsAreThoseOfCentralDifferences() {
        for (boolean complex : new boolean[] {true, false}) {
            Tensor alpha = tensors.contiguous(3, 4, 1);
            Tensor delta = tensors.contiguous(3, 4, 1);
            Tensor theta = complex ? tensors.contiguous(3, 1, 1) : null;
            Tensor gamma = tensors.contiguous(3, 4, 2);
            Tensor q = tensors.contiguous(4, 2, 3);
            Tensor p = tensors.contiguous(4, 3);
            Tensor c = tensors.contiguous(4, 2, 3);
            Tensor dq = tensors.contiguous(4, 2, 3);
            Tensor dp = tensors.contiguous(4, 3);
            Tensor dc = tensors.contiguous(4, 2, 3);
            Tensor dAlpha = zeros(alpha);
            Tensor dDelta = zeros(delta);
            Tensor dTheta = theta == null ? null : zeros(theta);
            Tensor dGamma = zeros(gamma);
            coefficients.backward(parallel, alpha, delta, theta, gamma, dq, dp, dc, dAlpha, dDelta, dTheta, dGamma);
            java.util.function.DoubleSupplier loss = () -> {
                coefficients.forward(parallel, alpha, delta, theta, gamma, q, p, c);
                return Differences.dot(q, dq) + Differences.dot(p, dp) + Differences.dot(c, dc);
            };
            Differences.check("alpha", alpha, zeros(alpha), dAlpha, loss);
            Differences.check("delta", delta, zeros(delta), dDelta, loss);
            Differences.check("gamma", gamma, zeros(gamma), dGamma, loss);
            if (theta != null && dTheta != null) {
                Differences.check("theta", theta, zeros(theta), dTheta, loss);
            } else {
                assertThat(q.select(1, 1).toDoubles()).as("imaginary part without theta").containsOnly(0);
            }
        }
    }

    @Test
    void gradientsOfRecurrencesAreThoseOfCentralDifferences() {
        for (int kind = 0; kind < 16; kind++) {
            boolean complex = (kind & 1) != 0;
            boolean perStep = (kind & 2) != 0;
            boolean gain = (kind & 4) != 0;
            boolean reversed = (kind & 8) != 0;
            long[] shape = complex ? new long[] {2, 9, 2, 3} : new long[] {2, 9, 3};
            long[] once = complex ? new long[] {2, 3} : new long[] {3};
            Tensor a = tensors.contiguous(perStep ? shape : once);
            Tensor b = gain ? tensors.contiguous(perStep ? shape : once) : null;
            Tensor x = tensors.contiguous(shape);
            Tensor start = tensors.contiguous(complex ? new long[] {2, 2, 3} : new long[] {2, 3});
            Tensor dh = tensors.contiguous(shape);
            Tensor h = tensors.contiguous(shape);
            ScanPlan forward = ScanPlan.forward(Documents.of(new long[] {0, 6}, new long[] {0, 2, 8}), 1);
            ScanPlan plan = reversed ? forward.backwards() : forward;
            java.util.function.DoubleSupplier loss = () -> {
                recurrence.forward(parallel, plan, a, b, x, start, h);
                return Differences.dot(h, dh);
            };
            recurrence.forward(parallel, plan, a, b, x, start, h);
            Tensor da = zeros(a);
            Tensor db = b == null ? null : zeros(b);
            Tensor dx = zeros(x);
            Tensor dStart = zeros(start);
            recurrence.backward(parallel, plan, a, b, x, start, h, dh, da, db, dx, dStart);
            String name = " of kind " + kind;
            Differences.check("a" + name, a, zeros(a), da, loss);
            Differences.check("x" + name, x, zeros(x), dx, loss);
            Differences.check("start" + name, start, zeros(start), dStart, loss);
            checkGain(b, db, name, loss);
        }
    }

    private void checkGain(@Nullable Tensor b, @Nullable Tensor db, String name, java.util.function.DoubleSupplier loss) {
        if (b != null && db != null) {
            Differences.check("b" + name, b, zeros(b), db, loss);
        }
    }

    @Test
    void aRealRecurrenceOfThreeStepsByHand() {
        Tensor a = arena.allocate(DType.F64, 1, 3, 1).set(9, 0.5, 2);
        Tensor b = arena.allocate(DType.F64, 1).set(3);
        Tensor x = arena.allocate(DType.F64, 1, 3, 1).set(1, 2, 3);
        Tensor h = arena.allocate(DType.F64, 1, 3, 1);
        recurrence.forward(parallel, ScanPlan.forward(), a, b, x, arena.allocate(DType.F64, 1, 1).set(1), h);
        assertThat(h.toDoubles()).containsExactly(12, 12, 33);
    }

    private Tensor zeros(Tensor like) {
        return arena.allocate(like.dtype(), like.shape());
    }
}
