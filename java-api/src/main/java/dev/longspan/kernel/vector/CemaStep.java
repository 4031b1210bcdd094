package dev.longspan.kernel.vector;

import dev.longspan.kernel.ScanPlan;
import dev.longspan.parallel.Parallel;
import dev.longspan.parallel.Scratch;
import dev.longspan.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * {@link CemaForward} of one row, as in decoding: in double, where q is not rounded, without the table of coefficients that pays
 * for itself over many rows.
 */
record CemaStep(ScanPlan plan, Tensor x, Tensor q, Tensor c, Tensor omega, @Nullable Tensor start, Tensor y, Tensor last) {

    /** Channels of a work item. */
    private static final int WIDTH = 256;

    void run(Parallel parallel) {
        parallel.forRanges(x.size(2), WIDTH, (from, to, scratch) -> {
            for (long b = 0; b < x.size(0); b++) {
                step(b, from, (int) (to - from), scratch);
            }
        });
    }

    private void step(long b, long first, int count, Scratch scratch) {
        double[] qr = scratch.doubles(0, WIDTH);
        double[] qi = scratch.doubles(1, WIDTH);
        double[] cr = scratch.doubles(2, WIDTH);
        double[] ci = scratch.doubles(3, WIDTH);
        double[] sum = scratch.doubles(4, WIDTH);
        float[] xs = scratch.floats(0, WIDTH);
        float[] sr = scratch.floats(1, WIDTH);
        float[] si = scratch.floats(2, WIDTH);
        load(omega.reshape(x.size(2)), 0, first, count, sr);
        load(x, b, first, count, xs);
        for (int i = 0; i < count; i++) {
            sum[i] = (double) sr[i] * xs[i];
        }
        Tensor before = plan.resets(b, 1)[0] == 0 ? null : start;
        long modes = q.size(0);
        for (long row = 0; row < 2 * modes; row += 2) {
            load(q, row, first, count, qr);
            load(q, row + 1, first, count, qi);
            load(c, row, first, count, cr);
            load(c, row + 1, first, count, ci);
            if (before == null) {
                Arrays.fill(sr, 0, count, 0f);
                Arrays.fill(si, 0, count, 0f);
            } else {
                load(before, b * 2 * modes + row, first, count, sr);
                load(before, b * 2 * modes + row + 1, first, count, si);
            }
            mode(count, qr, qi, cr, ci, xs, sr, si, sum);
            store(sr, last, b * 2 * modes + row, first, count);
            store(si, last, b * 2 * modes + row + 1, first, count);
        }
        for (int i = 0; i < count; i++) {
            xs[i] = (float) sum[i];
        }
        store(xs, y, b, first, count);
    }

    private static void mode(int count, double[] qr, double[] qi, double[] cr, double[] ci, float[] x, float[] sr, float[] si,
            double[] sum) {
        for (int i = 0; i < count; i++) {
            double re = qr[i] * sr[i] - qi[i] * si[i] + x[i];
            double im = qr[i] * si[i] + qi[i] * sr[i];
            sum[i] += cr[i] * re - ci[i] * im;
            sr[i] = (float) re;
            si[i] = (float) im;
        }
    }

    private static void load(Tensor from, long row, long first, int count, double[] to) {
        MemorySegment.copy(from.segment(), ValueLayout.JAVA_DOUBLE_UNALIGNED, (from.offset() + at(from, row, first)) * 8, to, 0,
                count);
    }

    private static void load(Tensor from, long row, long first, int count, float[] to) {
        Floats.load(Floats.range(from, at(from, row, first), count), to, count);
    }

    private static void store(float[] from, Tensor to, long row, long first, int count) {
        Floats.store(from, Floats.range(to, at(to, row, first), count), count);
    }

    /** Channel {@code first} of a row of channels. */
    private static long at(Tensor tensor, long row, long first) {
        return row * tensor.size(-1) + first;
    }
}
