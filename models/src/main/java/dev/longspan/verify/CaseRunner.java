package dev.longspan.verify;

import java.util.List;
import java.util.Map;

/** Computes the cases of one kind. */
public interface CaseRunner {

    /** Everything that a case of this kind can expect, by name without precision, computed in one variant. */
    Map<String, Values> run(GoldenCase golden, Variant variant, Machine machine);

    /** The ways to feed the sequence that must all give what is expected: more than the whole where a kind carries state. */
    default List<Parts> partitions(GoldenCase golden) {
        return List.of(Parts.WHOLE);
    }

    /** The name in {@link #run}'s result of what a golden calls {@code stem}. */
    default String quantity(String stem) {
        return stem;
    }
}
