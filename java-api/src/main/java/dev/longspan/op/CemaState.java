package dev.longspan.op;

import dev.longspan.autograd.Pass;
import dev.longspan.tensor.Tensor;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Between the state s of the scan, [B, n, 2, D], and {@code h = p⊙s}, [B, D, n, 2]. For saving and comparing, not for each
 * step: (s·p)/p is not s to the bit.
 */
final class CemaState {

    /** What is done for one number of a state: its places in s, in h and in p. */
    private interface Visitor {
        void visit(int inS, int inH, int inP);
    }

    private CemaState() {
    }

    static Tensor exported(Pass pass, Tensor p, Tensor s) {
        long modes = p.size(0);
        long channels = p.size(1);
        Shapes.checkShape("s", s, s.size(0), modes, 2, channels);
        Shapes.checkContiguous("s", s);
        Tensor h = pass.allocate(s.dtype(), s.size(0), channels, modes, 2);
        double[] from = s.toDoubles();
        double[] poles = p.toDoubles();
        double[] to = new double[from.length];
        each(s, (inS, inH, inP) -> to[inH] = from[inS] * poles[inP]);
        h.set(to);
        if (pass.tracks(s, p)) {
            pass.record(h, () -> {
                double[] dh = pass.gradient(h).toDoubles();
                add(pass.gradientIfTracked(s), ds -> each(s, (inS, inH, inP) -> ds[inS] += dh[inH] * poles[inP]));
                add(pass.gradientIfTracked(p), dp -> each(s, (inS, inH, inP) -> dp[inP] += dh[inH] * from[inS]));
            });
        }
        return h;
    }

    static Tensor imported(Pass pass, Tensor p, Tensor h) {
        long modes = p.size(0);
        long channels = p.size(1);
        Shapes.checkShape("h", h, h.size(0), channels, modes, 2);
        Shapes.checkContiguous("h", h);
        Tensor s = pass.allocate(h.dtype(), h.size(0), modes, 2, channels);
        double[] from = h.toDoubles();
        double[] poles = p.toDoubles();
        double[] to = new double[from.length];
        each(s, (inS, inH, inP) -> to[inS] = from[inH] / poles[inP]);
        s.set(to);
        if (pass.tracks(h, p)) {
            pass.record(s, () -> {
                double[] ds = pass.gradient(s).toDoubles();
                add(pass.gradientIfTracked(h), dh -> each(s, (inS, inH, inP) -> dh[inH] += ds[inS] / poles[inP]));
                add(pass.gradientIfTracked(p), dp -> each(s, (inS, inH, inP) ->
                        dp[inP] -= ds[inS] / poles[inP] * from[inH] / poles[inP]));
            });
        }
        return s;
    }

    private static void each(Tensor s, Visitor visitor) {
        int modes = Math.toIntExact(s.size(1));
        int channels = Math.toIntExact(s.size(3));
        for (int b = 0; b < s.size(0); b++) {
            for (int n = 0; n < modes; n++) {
                for (int d = 0; d < channels; d++) {
                    int inS = (b * modes + n) * 2 * channels + d;
                    int inH = ((b * channels + d) * modes + n) * 2;
                    visitor.visit(inS, inH, n * channels + d);
                    visitor.visit(inS + channels, inH + 1, n * channels + d);
                }
            }
        }
    }

    private static void add(@Nullable Tensor gradient, Consumer<double[]> sums) {
        if (gradient != null) {
            double[] values = gradient.toDoubles();
            sums.accept(values);
            gradient.set(values);
        }
    }
}
