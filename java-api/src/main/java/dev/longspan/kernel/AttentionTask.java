package dev.longspan.kernel;

/**
 * A block of attention work of one head: some query rows against some key rows. Which of the keys a query sees is an
 * interval of them that never moves back as the query advances: {@link AttentionPlan#firstKey} to {@link AttentionPlan#endKey}.
 *
 * @param queries rows of q, out and lse
 * @param keys rows of k and v
 * @param keyPositions the keys' positions in the sequence, as many as keys
 * @param padKeys how many extra keys of score 0 and value 0 each query counts
 */
public record AttentionTask(Rows queries, Rows keys, Rows keyPositions, long padKeys) {

    static AttentionTask of(Rows queries, Rows keys) {
        return new AttentionTask(queries, keys, keys, 0);
    }
}
