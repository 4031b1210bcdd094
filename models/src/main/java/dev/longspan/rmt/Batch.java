package dev.longspan.rmt;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/** Documents cut into segments; those with fewer of them begin later, so that all end with the last. */
final class Batch {

    private final List<TokenSource> documents;
    private final List<long[]> bounds = new ArrayList<>();
    private final int segments;

    Batch(RmtConfig config, List<TokenSource> documents) {
        if (documents.isEmpty()) {
            throw new IllegalArgumentException("a batch must have at least one document: documents=0");
        }
        this.documents = List.copyOf(documents);
        documents.forEach(document -> bounds.add(config.bounds(document.length())));
        this.segments = bounds.stream().mapToInt(b -> b.length - 1).max().orElseThrow();
    }

    int size() {
        return documents.size();
    }

    /** Segments of the longest document. */
    int segments() {
        return segments;
    }

    /** The documents that take part in a segment. */
    List<Integer> rows(int number) {
        return IntStream.range(0, documents.size()).filter(row -> own(number, row) >= 0).boxed().toList();
    }

    /** The tokens of a document that takes part. */
    long[] tokens(int number, int row) {
        long[] cuts = bounds.get(row);
        int own = own(number, row);
        long[] tokens = new long[Math.toIntExact(cuts[own + 1] - cuts[own])];
        documents.get(row).read(cuts[own], tokens);
        return tokens;
    }

    private int own(int number, int row) {
        return number - (segments - (bounds.get(row).length - 1));
    }
}
