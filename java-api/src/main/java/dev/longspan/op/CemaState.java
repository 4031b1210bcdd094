package dev.longspan.op;

import dev.longspan.autograd.Pass;
import dev.longspan.tensor.Elements;
import dev.longspan.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Between the state s of the scan, [B, n, 2, D], and {@code h = p⊙s}, [B, D, n, 2]. For saving and comparing, not for each
 * step: (s·p)/p is not s to the bit.
 */
final class CemaState {

    /** What is done for one number of a state: sequence b, mode n, real (0) or imaginary (1) part, channel d. */
    private interface Visitor {
        void visit(long b, long n, long part, long d);
    }

    private CemaState() {
    }

    static Tensor exported(Pass pass, Tensor p, Tensor s) {
        long modes = p.size(0);
        long channels = p.size(1);
        Shapes.checkShape("s", s, s.size(0), modes, 2, channels);
        Shapes.checkContiguous("s", s);
        Tensor h = pass.allocate(s.dtype(), s.size(0), channels, modes, 2);
        each(s, (b, n, part, d) -> set(h, at(h, b, d, n, part), get(s, at(s, b, n, part, d)) * get(p, n * channels + d)));
        if (pass.tracks(s, p)) {
            pass.record(h, () -> {
                Tensor dh = pass.gradient(h);
                Tensor ds = pass.gradientIfTracked(s);
                Tensor dp = pass.gradientIfTracked(p);
                each(s, (b, n, part, d) -> {
                    double g = get(dh, at(h, b, d, n, part));
                    add(ds, at(s, b, n, part, d), g * get(p, n * channels + d));
                    add(dp, n * channels + d, g * get(s, at(s, b, n, part, d)));
                });
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
        each(s, (b, n, part, d) -> set(s, at(s, b, n, part, d), get(h, at(h, b, d, n, part)) / get(p, n * channels + d)));
        if (pass.tracks(h, p)) {
            pass.record(s, () -> {
                Tensor ds = pass.gradient(s);
                Tensor dh = pass.gradientIfTracked(h);
                Tensor dp = pass.gradientIfTracked(p);
                each(s, (b, n, part, d) -> {
                    double pole = get(p, n * channels + d);
                    double g = get(ds, at(s, b, n, part, d)) / pole;
                    add(dh, at(h, b, d, n, part), g);
                    add(dp, n * channels + d, -g * get(h, at(h, b, d, n, part)) / pole);
                });
            });
        }
        return s;
    }

    private static void each(Tensor s, Visitor visitor) {
        for (long b = 0; b < s.size(0); b++) {
            for (long n = 0; n < s.size(1); n++) {
                for (long d = 0; d < s.size(3); d++) {
                    visitor.visit(b, n, 0, d);
                    visitor.visit(b, n, 1, d);
                }
            }
        }
    }

    private static long at(Tensor t, long i, long j, long k, long l) {
        return ((i * t.size(1) + j) * t.size(2) + k) * t.size(3) + l;
    }

    private static double get(Tensor t, long i) {
        return Elements.get(t.segment(), t.dtype(), t.offset() + i);
    }

    private static void set(Tensor t, long i, double value) {
        Elements.set(t.segment(), t.dtype(), t.offset() + i, value);
    }

    private static void add(@Nullable Tensor t, long i, double value) {
        if (t != null) {
            set(t, i, get(t, i) + value);
        }
    }
}
