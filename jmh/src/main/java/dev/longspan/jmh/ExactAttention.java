package dev.longspan.jmh;

import dev.longspan.bench.Deviation;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Elements;
import dev.longspan.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Attention one row at a time, in double and straight from the definition: with {@code P_ps ∝ e^{q_p·k_s/√D}} over the keys s
 * that p sees, {@code out_p = Σ P_ps v_s}, {@code dq_p = Σ_s P_ps (dOut_p·v_s − dOut_p·out_p) k_s/√D}, {@code dk_s} the same
 * over queries, {@code dv_s = Σ_p P_ps dOut_p}. Tensors are [1, N, H, ·].
 */
final class ExactAttention {

    /** A score of unit-variance inputs is rounded by about ε√D, which moves its weight by that share; four times for sums over blocks. */
    private static final double FACTOR = 8;
    private static final double EPS = Math.ulp(1f);
    /** Each weight and the result itself are rounded to bfloat16, by at most half of this, in either direction; 16 times that. */
    private static final double HALF_BOUND = 8 * 0x1p-8;

    private final AttentionShape shape;
    private final Tensor q;
    private final Tensor k;
    private final Tensor v;

    ExactAttention(AttentionShape shape, Tensor q, Tensor k, Tensor v) {
        this.shape = shape;
        this.q = q;
        this.k = k;
        this.v = v;
    }

    /** A row, and the sums of its terms' sizes and of their squares, of which rounding takes a share. */
    static final class Row {
        private final double[] values;
        private final double[] sizes;
        private final double[] squares;
        private final int dim;

        Row(int length, int dim) {
            values = new double[length];
            sizes = new double[length];
            squares = new double[length];
            this.dim = dim;
        }

        /** {@code values += weight · row}, where the weight was computed from terms of that size. */
        void add(double weight, double size, double[] row) {
            for (int d = 0; d < row.length; d++) {
                values[d] += weight * row[d];
                double term = size * Math.abs(row[d]);
                sizes[d] += term;
                squares[d] += term * term;
            }
        }

        /** How far row {@code row} of a head of a tensor [1, N, H, ·] is off. */
        Deviation deviation(Tensor actual, long row, int head) {
            double bound = Double.MIN_NORMAL;
            for (int d = 0; d < sizes.length; d++) {
                bound = Math.max(bound, FACTOR * EPS * Math.sqrt(dim) * sizes[d]
                        + (actual.dtype() == DType.BF16 ? HALF_BOUND * (Math.sqrt(squares[d]) + Math.abs(values[d])) : 0));
            }
            return Deviation.of(values, row(actual, row, head), bound);
        }
    }

    /** Rows by position; those without any term are zero. */
    record Rows(Map<Long, Row> byPosition, int length, int dim) {
        Row row(long position) {
            return byPosition.computeIfAbsent(position, p -> new Row(length, dim));
        }
    }

    /** Gradients from a few rows of the output: dq of those rows in their order, dk and dv of every key that they see. */
    record Gradients(List<Row> dq, Rows dk, Rows dv) {
    }

    Row out(long position, int head) {
        double[] query = row(q, position, head);
        Row out = new Row(shape.valueDim(), shape.dim());
        double sum = weights(position, head, query);
        shape.forEachKey(position, head, key -> {
            double p = weight(query, key, head) / sum;
            out.add(p, p, row(v, key, head));
        });
        return out;
    }

    Gradients gradients(long[] positions, int head, Tensor dOut) {
        List<Row> dqs = new ArrayList<>();
        Rows dk = new Rows(new HashMap<>(), shape.dim(), shape.dim());
        Rows dv = new Rows(new HashMap<>(), shape.valueDim(), shape.dim());
        for (long position : positions) {
            double[] query = row(q, position, head);
            double[] gradient = row(dOut, position, head);
            double sum = weights(position, head, query);
            double delta = dot(gradient, out(position, head).values);
            double norm = Math.sqrt(dot(gradient, gradient));
            Row dq = new Row(shape.dim(), shape.dim());
            shape.forEachKey(position, head, key -> {
                double p = weight(query, key, head) / sum;
                double[] value = row(v, key, head);
                double ds = p * (dot(gradient, value) - delta) * shape.scale();
                double size = p * norm * Math.sqrt(dot(value, value)) * shape.scale();
                dq.add(ds, size, row(k, key, head));
                dk.row(key).add(ds, size, query);
                dv.row(key).add(p, p, gradient);
            });
            dqs.add(dq);
        }
        return new Gradients(dqs, dk, dv);
    }

    private double weights(long position, int head, double[] query) {
        double[] sum = new double[1];
        shape.forEachKey(position, head, key -> sum[0] += weight(query, key, head));
        return sum[0];
    }

    /** Scores of unit-variance inputs stay far below where e^x overflows a double. */
    private double weight(double[] query, long key, int head) {
        return Math.exp(shape.scale() * dot(query, row(k, key, head)));
    }

    private static double[] row(Tensor t, long position, int head) {
        double[] row = new double[Math.toIntExact(t.size(3))];
        MemorySegment memory = t.segment();
        long at = t.offset() + position * t.stride(1) + head * t.stride(2);
        for (int d = 0; d < row.length; d++) {
            row[d] = t.dtype() == DType.F32 ? memory.getAtIndex(ValueLayout.JAVA_FLOAT, at + d) : Elements.get(memory, t.dtype(), at + d);
        }
        return row;
    }

    private static double dot(double[] a, double[] b) {
        double sum = 0;
        for (int d = 0; d < a.length; d++) {
            sum += a[d] * b[d];
        }
        return sum;
    }
}
