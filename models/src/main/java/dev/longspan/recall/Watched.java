package dev.longspan.recall;

import dev.longspan.autograd.Pass;
import dev.longspan.autograd.Workspace;
import dev.longspan.backend.Backend;
import dev.longspan.parallel.Parallel;
import dev.longspan.rmt.AttentionMap;
import dev.longspan.rmt.RmtEncoder;
import dev.longspan.rmt.Segment;
import dev.longspan.task.Haystack;
import dev.longspan.task.Vocabulary;
import dev.longspan.tensor.TensorArena;
import java.util.Collection;
import java.util.List;
import java.util.function.Consumer;

/**
 * A segment of a document as it is read: what its rows look at, and what they are.
 *
 * @param layers the map of each layer
 * @param parts of the rows
 */
public record Watched(List<AttentionMap> layers, List<RowPart> parts) {

    public Watched {
        layers = List.copyOf(layers);
        parts = List.copyOf(parts);
    }

    /** Number of the segment in the document, from 0. */
    public int segment() {
        return layers.getFirst().segment();
    }

    /**
     * Reads a whole document and returns the class that the model chooses at its end.
     *
     * @param segments numbers of those to watch
     * @param observer gets these as they are read
     */
    public static int read(Backend backend, Parallel parallel, RmtEncoder model, Vocabulary vocabulary, Haystack document,
            Collection<Integer> segments, Consumer<Watched> observer) {
        long[] bounds = model.config().bounds(document.length());
        try (TensorArena arena = new TensorArena(backend.space()); Workspace reading = new Workspace(backend.space());
                Workspace watching = new Workspace(backend.space())) {
            return Recall.largest(model.read(() -> Pass.inference(backend, parallel, reading), arena, List.of(document), segment -> {
                if (segments.contains(segment.number())) {
                    try (Pass pass = Pass.inference(backend, parallel, watching)) {
                        observer.accept(of(pass, model, vocabulary, document, bounds[segment.number()], segment));
                    }
                }
            }).logits())[0];
        }
    }

    private static Watched of(Pass pass, RmtEncoder model, Vocabulary vocabulary, Haystack document, long from, Segment segment) {
        List<String> words = vocabulary.words();
        return new Watched(AttentionMap.of(pass, model, segment, 0, token -> words.get(Math.toIntExact(token))),
                RowPart.of(model.config(), document, from, segment.tokens().getFirst().length));
    }
}
