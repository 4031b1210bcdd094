package dev.longspan.op;

import dev.longspan.autograd.Pass;
import dev.longspan.tensor.Tensor;
import java.util.List;

/** Tensors joined to one. */
public final class Concat {

    private Concat() {
    }

    /**
     * {@code y = [x₀; x₁; …]} along dimension 0 or 1; x: [B, n, …], each {@code x[b]} contiguous. Always a copy: of one part it
     * makes a contiguous tensor out of a slice.
     */
    public static Tensor apply(Pass pass, int dim, List<Tensor> parts) {
        check(pass, dim, parts);
        long[] shape = parts.getFirst().shape();
        shape[dim] = parts.stream().mapToLong(part -> part.size(dim)).sum();
        Tensor y = pass.allocate(parts.getFirst().dtype(), shape);
        long from = 0;
        for (Tensor part : parts) {
            Tensor place = y.slice(dim, from, from + part.size(dim));
            for (long b = 0; b < part.size(0); b++) {
                place.select(0, b).copyFrom(part.select(0, b));
            }
            from += part.size(dim);
        }
        if (pass.tracks(parts.toArray(Tensor[]::new))) {
            pass.record(y, () -> goBack(pass, dim, parts, pass.gradient(y)));
        }
        return y;
    }

    private static void goBack(Pass pass, int dim, List<Tensor> parts, Tensor dy) {
        long from = 0;
        for (Tensor part : parts) {
            if (pass.tracks(part)) {
                Tensor dPart = pass.gradient(part);
                Tensor place = dy.slice(dim, from, from + part.size(dim));
                for (long b = 0; b < part.size(0); b++) {
                    pass.kernels().elementwise().axpby(pass.parallel(), 1, place.select(0, b), 1, dPart.select(0, b));
                }
            }
            from += part.size(dim);
        }
    }

    private static void check(Pass pass, int dim, List<Tensor> parts) {
        if (dim < 0 || dim > 1 || parts.isEmpty()) {
            throw new IllegalArgumentException("parts must be some, joined along dimension 0 or 1: dim=" + dim + ", parts="
                    + parts);
        }
        Shapes.checkComputes(pass, "parts", parts.toArray(Tensor[]::new));
        Tensor first = parts.getFirst();
        for (Tensor part : parts) {
            boolean fits = part.rank() == first.rank() && part.rank() > 1;
            for (int d = 0; fits && d < part.rank(); d++) {
                fits = d == dim || part.size(d) == first.size(d);
            }
            if (!fits) {
                throw new IllegalArgumentException("parts must agree in all sizes but that of dimension " + dim + ": " + parts);
            }
            if (part.size(0) > 0) {
                Shapes.checkContiguous("part", part.select(0, 0));
            }
        }
    }
}
