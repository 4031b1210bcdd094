package dev.longspan.verify;

import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.util.ArrayList;
import java.util.List;

/** The lengths of the parts in which a sequence is fed, one after the other; without any it is fed whole. */
public record Parts(List<Long> lengths) {

    public static final Parts WHOLE = new Parts(List.of());

    public Parts {
        lengths = List.copyOf(lengths);
        if (lengths.stream().anyMatch(length -> length <= 0)) {
            throw new IllegalArgumentException("parts must be positive: parts=" + lengths);
        }
    }

    /** A copy of each part of {@code whole}, cut along a dimension. */
    List<Tensor> cut(Tensor whole, int dim, TensorArena arena) {
        long rows = whole.size(dim);
        List<Tensor> cut = new ArrayList<>();
        long from = 0;
        for (long length : lengths.isEmpty() ? List.of(rows) : lengths) {
            if (length > rows - from) {
                break;
            }
            Tensor part = whole.slice(dim, from, from + length);
            cut.add(arena.allocate(part.dtype(), part.shape()).copyFrom(part));
            from += length;
        }
        if (from != rows || !lengths.isEmpty() && cut.size() != lengths.size()) {
            throw new IllegalArgumentException("parts must add up to the rows: parts=" + lengths + ", rows=" + rows);
        }
        return cut;
    }

    /** The tensor of which {@link #cut} makes these. */
    static Tensor join(List<Tensor> cut, int dim, TensorArena arena) {
        long[] shape = cut.getFirst().shape();
        shape[dim] = cut.stream().mapToLong(part -> part.size(dim)).sum();
        Tensor whole = arena.allocate(cut.getFirst().dtype(), shape);
        long from = 0;
        for (Tensor part : cut) {
            whole.slice(dim, from, from + part.size(dim)).copyFrom(part);
            from += part.size(dim);
        }
        return whole;
    }

    @Override
    public String toString() {
        return lengths.isEmpty() ? "whole" : "in parts " + lengths;
    }
}
