package dev.longspan.rmt;

import dev.longspan.tensor.Tensor;
import java.util.List;

/**
 * A segment's trip through the backbone, all of it tensors of the pass it was made in.
 *
 * @param number of the segment among those of the longest document
 * @param rows documents of the batch that take part, in their order: R of them
 * @param tokens of each of these documents
 * @param entering memory that it starts from: [R, m, d]
 * @param embedded what enters the backbone: [R, N, d]
 * @param hidden what leaves it: [R, N, d]
 * @param leaving memory that is passed on: [R, m, d]
 */
public record Segment(int number, List<Integer> rows, List<long[]> tokens, Tensor entering, Tensor embedded, Tensor hidden,
        Tensor leaving) {

    public Segment {
        rows = List.copyOf(rows);
        tokens = List.copyOf(tokens);
    }
}
