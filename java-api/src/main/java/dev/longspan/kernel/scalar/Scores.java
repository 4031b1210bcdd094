package dev.longspan.kernel.scalar;

import dev.longspan.kernel.AttentionPlan;
import dev.longspan.kernel.AttentionTask;
import dev.longspan.kernel.Decay;
import dev.longspan.parallel.Scratch;
import dev.longspan.tensor.Elements;
import dev.longspan.tensor.Tensor;
import java.util.Arrays;

/** {@code scale · Σ_d q_d k_d decay_d} of one query row of a task against the interval of keys that it sees; −∞ where masked. */
final class Scores {

    /** First scratch slot that scores leave free. */
    static final int SLOTS = 4;

    private final AttentionPlan plan;
    private final int branch;
    private final AttentionTask task;
    private final long batch;
    private final int head;
    private final Tensor q;
    private final Tensor k;
    private final Reals qs;
    private final Reals ks;
    private final int dim;
    private final double[] scores;
    private final double[] query;
    private final double[] decayedQuery;
    private final double[] factors;
    private long factorsEpochs;
    private long queryPosition;
    private int first;
    private int count;

    Scores(AttentionPlan plan, int branch, AttentionTask task, long batch, int head, Tensor q, Tensor k, Scratch scratch) {
        this.plan = plan;
        this.branch = branch;
        this.task = task;
        this.batch = batch;
        this.head = head;
        this.q = q;
        this.k = k;
        qs = new Reals(q);
        ks = new Reals(k);
        dim = Math.toIntExact(q.size(3));
        scores = scratch.doubles(0, Math.toIntExact(task.keys().count()));
        query = scratch.doubles(1, dim);
        decayedQuery = scratch.doubles(2, dim);
        factors = scratch.doubles(3, dim);
        Arrays.fill(factors, 0, dim, 1);
    }

    /** Scores of a row of q; returns their log-sum-exp, padded keys included. */
    double compute(long queryRow) {
        qs.load(ScalarAttention.at(q, batch, queryRow, head), query, dim);
        decayQuery();
        queryPosition = plan.firstQuery() + queryRow;
        first = (int) plan.firstKey(branch, task, batch, queryRow);
        count = Math.max(0, (int) plan.endKey(branch, task, batch, queryRow) - first);
        double max = task.padKeys() > 0 ? 0 : Double.NEGATIVE_INFINITY;
        for (int j = 0; j < count; j++) {
            scores[j] = visible(queryRow, keyRow(j)) ? score(j) : Double.NEGATIVE_INFINITY;
            max = Math.max(max, scores[j]);
        }
        if (max == Double.NEGATIVE_INFINITY) {
            return max;
        }
        double sum = task.padKeys() * Math.exp(-max);
        for (int j = 0; j < count; j++) {
            sum += Math.exp(scores[j] - max);
        }
        return max + Math.log(sum);
    }

    /** How many keys the query sees, masked ones included. */
    int count() {
        return count;
    }

    /** Score of the j-th of them. */
    double of(int j) {
        return scores[j];
    }

    /** Its number within the task. */
    int key(int j) {
        return first + j;
    }

    /** Its row of k and v. */
    long keyRow(int j) {
        return task.keys().at(first + j);
    }

    /** The row of q. */
    double[] query() {
        return query;
    }

    /** The decay of each dimension between the query and the j-th key. */
    double[] factors(int j) {
        Decay decay = plan.decay();
        if (decay != null) {
            long epochs = queryPosition / decay.epoch() - task.keyPositions().at(first + j) / decay.epoch();
            if (epochs != factorsEpochs) {
                factorsEpochs = epochs;
                for (int d = 0; d < dim; d++) {
                    factors[d] = decay.factor(d, epochs);
                }
                decayQuery();
            }
        }
        return factors;
    }

    private double score(int j) {
        factors(j);
        return plan.scale() * ks.dot(ScalarAttention.at(k, batch, keyRow(j), head), decayedQuery, dim);
    }

    private void decayQuery() {
        for (int d = 0; d < dim; d++) {
            decayedQuery[d] = query[d] * factors[d];
        }
    }

    private boolean visible(long queryRow, long keyRow) {
        Tensor mask = plan.mask();
        if (mask == null) {
            return true;
        }
        long at = mask.offset() + index(mask, 0, batch) + index(mask, 1, queryRow) + index(mask, 2, keyRow);
        return Elements.getLong(mask.segment(), mask.dtype(), at) != 0;
    }

    /** Elements to index i of a dimension; a dimension of size 1 serves every index. */
    private static long index(Tensor mask, int dim, long i) {
        return mask.size(dim) == 1 ? 0 : i * mask.stride(dim);
    }
}
