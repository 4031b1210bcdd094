package dev.longspan.kernel.cuda;

import java.util.Objects;
import java.util.OptionalInt;

/**
 * {@code out = softmax(scale · q kᵀ) v} for bfloat16 tensors, and what cuDNN is to plan for it.
 *
 * @param k keys, of the dimension of q
 * @param v values, of a dimension of their own
 * @param firstQuery place of the first query among the keys, where each query sees keys up to its own place only; empty
 *     where each sees all
 * @param withLse whether log-sum-exps are written too
 */
record CudnnProblem(CudnnLayout q, CudnnLayout k, CudnnLayout v, CudnnLayout out, float scale,
        OptionalInt firstQuery, boolean withLse) {

    CudnnProblem {
        checkSizes("k", k, q.batch(), q.heads(), k.rows(), q.cols());
        checkSizes("v", v, q.batch(), q.heads(), k.rows(), v.cols());
        checkSizes("out", out, q.batch(), q.heads(), q.rows(), v.cols());
        Objects.requireNonNull(firstQuery, "firstQuery");
        if (out.overlaps()) {
            throw new IllegalArgumentException("elements of out must not overlap: out=" + out);
        }
        if (!Float.isFinite(scale)) {
            throw new IllegalArgumentException("scale must be finite: scale=" + scale);
        }
        // A query that sees no key has no softmax.
        if (firstQuery.orElse(0) < 0) {
            throw new IllegalArgumentException("firstQuery must not be negative: firstQuery=" + firstQuery.getAsInt());
        }
    }

    private static void checkSizes(String name, CudnnLayout layout, long batch, long heads, long rows, long cols) {
        if (layout.batch() != batch || layout.heads() != heads || layout.rows() != rows || layout.cols() != cols) {
            throw new IllegalArgumentException(name + " must be [" + batch + ", " + heads + ", " + rows + ", " + cols
                    + "]: " + name + "=" + layout);
        }
    }

    long[] scoreSizes() {
        return new long[] {q.batch(), q.heads(), q.rows(), k.rows()};
    }

    long[] scoreStrides() {
        return new long[] {q.heads() * q.rows() * k.rows(), q.rows() * k.rows(), k.rows(), 1};
    }
}
