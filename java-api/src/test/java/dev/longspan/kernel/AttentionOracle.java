package dev.longspan.kernel;

import dev.longspan.tensor.Tensor;

/**
 * Attention by its closed form, every branch, query and key on its own:
 * {@code out = Σ c e^score keep v / Σ c e^score} with c counting the branches that show the key (LongNet, equations 9 and 10).
 */
public final class AttentionOracle {

    private final RandomPlans drawn;
    private final Tensor q;
    private final Tensor k;
    private final Tensor v;
    private final int heads;

    public AttentionOracle(RandomPlans drawn, Tensor q, Tensor k, Tensor v) {
        this.drawn = drawn;
        this.q = q;
        this.k = k;
        this.v = v;
        heads = (int) q.size(2);
    }

    /** Output vector and log-sum-exp of one query of one head. */
    public record Row(double[] out, double lse) {
    }

    /** Over all branches. */
    public Row row(long batch, long query, int head) {
        return row(batch, query, head, 0, drawn.plan().pattern().branches());
    }

    /** Over the branches of {@code [from, to)}. */
    public Row row(long batch, long query, int head, int from, int to) {
        double[] sum = new double[(int) v.size(3)];
        double norm = 0;
        for (int branch = from; branch < to; branch++) {
            norm += drawn.definition().pads(branch, head, drawn.plan().firstQuery() + query);
            for (long key = 0; key < k.size(1); key++) {
                if (visible(branch, batch, query, head, key)) {
                    double weight = Math.exp(score(batch, query, head, key));
                    Dropout dropout = drawn.plan().dropout();
                    double keep = dropout == null ? 1 : dropout.factor(batch * heads + head, query, key);
                    norm += weight;
                    for (int d = 0; d < sum.length; d++) {
                        sum[d] += weight * keep * v.get(batch, key, head, d);
                    }
                }
            }
        }
        for (int d = 0; d < sum.length; d++) {
            sum[d] = norm == 0 ? 0 : sum[d] / norm;
        }
        return new Row(sum, Math.log(norm));
    }

    private boolean visible(int branch, long batch, long query, int head, long key) {
        Tensor mask = drawn.plan().mask();
        return drawn.definition().shows(branch, head, drawn.plan().firstQuery() + query, key)
                && (mask == null || mask.get(Math.min(batch, mask.size(0) - 1), Math.min(query, mask.size(1) - 1), key) != 0);
    }

    private double score(long batch, long query, int head, long key) {
        Decay decay = drawn.plan().decay();
        double sum = 0;
        for (int d = 0; d < q.size(3); d++) {
            double factor = decay == null ? 1 : decay.factor(d,
                    (drawn.plan().firstQuery() + query) / decay.epoch() - key / decay.epoch());
            sum += q.get(batch, query, head, d) * k.get(batch, key, head, d) * factor;
        }
        return drawn.plan().scale() * sum;
    }
}
