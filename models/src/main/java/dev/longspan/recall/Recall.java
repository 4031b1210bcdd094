package dev.longspan.recall;

import dev.longspan.autograd.Pass;
import dev.longspan.autograd.Workspace;
import dev.longspan.backend.Backend;
import dev.longspan.parallel.Parallel;
import dev.longspan.recall.Examples.Example;
import dev.longspan.rmt.RmtEncoder;
import dev.longspan.rmt.RmtState;
import dev.longspan.rmt.TokenSource;
import dev.longspan.task.Lesson;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import dev.longspan.train.NonFiniteException;
import java.util.List;
import java.util.stream.IntStream;

/**
 * How often a model answers right, by the length of the document. Documents are read segment by segment in batches: memory
 * does not grow with their length. Serves one thread at a time.
 */
public final class Recall implements AutoCloseable {

    /** What a model's memory is between segments. */
    public enum Memory {
        /** What it passed on. */
        CARRIED,
        /** Zeros: the control, which can know nothing of the segments before the last. */
        ZEROED
    }

    /**
     * What documents of a length brought.
     *
     * @param seconds that reading took, making the documents included
     * @param tokens read
     */
    public record Score(int segments, Memory memory, Tally answers, double seconds, long tokens) {
    }

    private final Backend backend;
    private final Parallel parallel;
    private final RmtEncoder model;
    private final Examples examples;
    private final int batch;
    private final Workspace workspace;

    /** Reads {@code batch} documents at once. */
    public Recall(Backend backend, Parallel parallel, RmtEncoder model, Examples examples, int batch) {
        if (batch < 1) {
            throw new IllegalArgumentException("batch must be positive: batch=" + batch);
        }
        this.backend = backend;
        this.workspace = new Workspace(backend.space());
        this.parallel = parallel;
        this.model = model;
        this.examples = examples;
        this.batch = batch;
    }

    /** Reads so many documents of so many full segments. */
    public Score measure(int segments, int documents, Memory memory) {
        if (segments < 1 || documents < 1) {
            throw new IllegalArgumentException("segments and documents must be positive: segments=" + segments + ", documents="
                    + documents);
        }
        long start = System.nanoTime();
        long right = 0;
        for (int first = 0; first < documents; first += batch) {
            List<Example> asked = IntStream.range(first, Math.min(documents, first + batch))
                    .mapToObj(i -> examples.draw(i, tokens(segments), Lesson.WHOLE)).toList();
            int[] chosen = memory == Memory.CARRIED || segments == 1 ? carried(asked) : zeroed(asked, segments);
            for (int i = 0; i < chosen.length; i++) {
                right += chosen[i] == asked.get(i).label() ? 1 : 0;
            }
        }
        return new Score(segments, memory, new Tally(right, documents), (System.nanoTime() - start) / 1e9,
                documents * (memory == Memory.CARRIED ? tokens(segments) : tokens(1)));
    }

    private long tokens(int segments) {
        return (long) segments * model.config().segment();
    }

    private int[] carried(List<Example> asked) {
        try (TensorArena arena = new TensorArena(backend.space())) {
            return largest(model.read(this::pass, arena, documents(asked), segment -> { }).logits());
        }
    }

    /** With zeros in front of it the last segment is all that counts, so it is all that is read. */
    private int[] zeroed(List<Example> asked, int segments) {
        try (TensorArena arena = new TensorArena(backend.space()); Pass pass = pass()) {
            RmtState state = model.start(arena, asked.size());
            state.memory().fill(0);
            Tensor last = pass.allocateOnHost(DType.I64, asked.size(), tokens(1));
            long[] tokens = new long[Math.toIntExact(tokens(1))];
            for (int row = 0; row < asked.size(); row++) {
                asked.get(row).document().read(tokens(segments - 1), tokens);
                last.select(0, row).set(tokens);
            }
            return largest(model.next(pass, state, last).logits());
        }
    }

    private Pass pass() {
        return Pass.inference(backend, parallel, workspace);
    }

    private static List<TokenSource> documents(List<Example> examples) {
        return examples.stream().map(Example::document).toList();
    }

    /** The class of the largest logit in each row; the first of equals. */
    public static int[] largest(Tensor logits) {
        float[] values = logits.toFloats();
        int classes = Math.toIntExact(logits.size(1));
        int[] largest = new int[Math.toIntExact(logits.size(0))];
        for (int row = 0; row < largest.length; row++) {
            for (int c = 0; c < classes; c++) {
                if (!Float.isFinite(values[row * classes + c])) {
                    throw new NonFiniteException("a logit");
                }
                if (values[row * classes + c] > values[row * classes + largest[row]]) {
                    largest[row] = c;
                }
            }
        }
        return largest;
    }

    @Override
    public void close() {
        workspace.close();
    }
}
