package dev.longspan.bench;

import dev.longspan.kernel.AttentionPattern.Branch;
import dev.longspan.tensor.Tensor;
import java.util.List;
import java.util.function.LongConsumer;

/**
 * Causal dilated attention one row at a time, in double and straight from the definition: with c(p, s) the number of
 * branches in which p and s share a segment and both have the head's phase,
 * {@code out_p = Σ_{s≤p} c e^{q_p·k_s/√D} v_s / Σ_{s≤p} c e^{q_p·k_s/√D}}. q, k, v: [1, N, H, D].
 */
final class DirectAttention {

    private final List<Branch> schedule;
    private final Tensor q;
    private final Tensor k;
    private final Tensor v;
    private final long tokens;
    private final int heads;
    private final int dim;
    private final double scale;

    DirectAttention(List<Branch> schedule, Tensor q, Tensor k, Tensor v) {
        this.schedule = schedule;
        this.q = q;
        this.k = k;
        this.v = v;
        tokens = q.size(1);
        heads = Math.toIntExact(q.size(2));
        dim = Math.toIntExact(q.size(3));
        scale = 1 / Math.sqrt(dim);
    }

    /** Row {@code position} of out. */
    double[] out(long position, int head) {
        double[] query = row(q, position, head);
        double[] weighted = new double[dim];
        double[] sum = new double[1];
        forEachKey(position, head, key -> {
            // Scores of unit-variance inputs stay far below where e^x overflows a double.
            double weight = Math.exp(scale * dot(query, row(k, key, head)));
            sum[0] += weight;
            add(weighted, weight, row(v, key, head));
        });
        for (int d = 0; d < dim; d++) {
            weighted[d] /= sum[0];
        }
        return weighted;
    }

    /** Row {@code position} of the gradient of q: {@code Σ_s P_ps (dOut_p·v_s − dOut_p·out_p) k_s / √D}. */
    double[] dq(long position, int head, Tensor out, Tensor lse, Tensor dOut) {
        double[] query = row(q, position, head);
        double[] dRow = row(dOut, position, head);
        double delta = dot(dRow, row(out, position, head));
        double[] dq = new double[dim];
        forEachKey(position, head, key -> {
            double p = Math.exp(scale * dot(query, row(k, key, head)) - lse.get(0, head, position));
            add(dq, scale * p * (dot(dRow, row(v, key, head)) - delta), row(k, key, head));
        });
        return dq;
    }

    /** Row {@code position} of the gradients of k, {@code Σ_p P_ps (dOut_p·v_s − dOut_p·out_p) q_p / √D}, and v, {@code Σ_p P_ps dOut_p}. */
    double[][] dkdv(long position, int head, Tensor out, Tensor lse, Tensor dOut) {
        double[] key = row(k, position, head);
        double[] value = row(v, position, head);
        double[] dk = new double[dim];
        double[] dv = new double[dim];
        forEachQuery(position, head, at -> {
            double[] query = row(q, at, head);
            double[] dRow = row(dOut, at, head);
            double p = Math.exp(scale * dot(query, key) - lse.get(0, head, at));
            add(dk, scale * p * (dot(dRow, value) - dot(dRow, row(out, at, head))), query);
            add(dv, p, dRow);
        });
        return new double[][] {dk, dv};
    }

    /** The keys that a query sees, as often as branches show them. */
    private void forEachKey(long position, int head, LongConsumer key) {
        for (Branch branch : schedule) {
            long start = position / branch.segment() * branch.segment();
            long phase = phase(head, branch);
            if ((position - start) % branch.dilation() == phase) {
                for (long s = start + phase; s <= position; s += branch.dilation()) {
                    key.accept(s);
                }
            }
        }
    }

    /** The queries that see a key. */
    private void forEachQuery(long position, int head, LongConsumer query) {
        for (Branch branch : schedule) {
            long start = position / branch.segment() * branch.segment();
            if ((position - start) % branch.dilation() == phase(head, branch)) {
                long end = Math.min(start + branch.segment(), tokens);
                for (long p = position; p < end; p += branch.dilation()) {
                    query.accept(p);
                }
            }
        }
    }

    private long phase(int head, Branch branch) {
        return head / Math.ceilDiv(heads, branch.dilation());
    }

    private static double[] row(Tensor t, long position, int head) {
        return t.select(0, 0).select(0, position).select(0, head).toDoubles();
    }

    private static double dot(double[] a, double[] b) {
        double sum = 0;
        for (int d = 0; d < a.length; d++) {
            sum += a[d] * b[d];
        }
        return sum;
    }

    private static void add(double[] to, double factor, double[] row) {
        for (int d = 0; d < to.length; d++) {
            to[d] += factor * row[d];
        }
    }
}
