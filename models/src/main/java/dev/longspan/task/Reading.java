package dev.longspan.task;

import dev.longspan.autograd.Pass;
import dev.longspan.autograd.Workspace;
import dev.longspan.backend.Backend;
import dev.longspan.nn.LanguageModel.Step;
import dev.longspan.parallel.Parallel;
import dev.longspan.rmt.RmtEncoder;
import dev.longspan.rmt.RmtState;
import dev.longspan.rmt.TokenSource;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import dev.longspan.train.NonFiniteException;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.LongConsumer;
import java.util.stream.IntStream;

/**
 * Reads a document segment by segment and answers the question at its end. Memory does not grow with the length, but for eight
 * bytes a segment. Usable from one thread at a time.
 */
public record Reading(Backend backend, Parallel parallel, RmtEncoder model) {

    /** What passes from one segment to the next in the control: nothing. */
    public static final Consumer<Tensor> ZEROED = memory -> memory.fill(0);

    /** What passes from one segment to the next: what the model wrote. */
    public static final Consumer<Tensor> CARRIED = memory -> { };

    /**
     * Reads a document from its start to its end.
     *
     * @param between what is done to the memory, [1, m, d], between segments
     * @param progress hears after each segment how many tokens are read
     */
    public Answer answer(TokenSource document, Consumer<Tensor> between, LongConsumer progress) {
        long start = System.nanoTime();
        long[] bounds = model.config().bounds(document.length());
        try (TensorArena arena = new TensorArena(); Workspace workspace = new Workspace()) {
            RmtState state = model.start(arena, 1);
            float[] logits = new float[0];
            for (int s = 0; s + 1 < bounds.length; s++) {
                if (s > 0) {
                    between.accept(state.memory());
                }
                long[] tokens = new long[Math.toIntExact(bounds[s + 1] - bounds[s])];
                document.read(bounds[s], tokens);
                try (Pass pass = Pass.inference(backend, parallel, workspace)) {
                    Step<RmtState> step = model.next(pass, state, pass.allocate(DType.I64, 1, tokens.length).set(tokens));
                    state = step.state();
                    logits = step.logits().toFloats();
                }
                progress.accept(bounds[s + 1]);
            }
            return new Answer(softmax(logits), bounds.length - 1, document.length(), (System.nanoTime() - start) / 1e9);
        }
    }

    private static List<Double> softmax(float... logits) {
        double[] shares = IntStream.range(0, logits.length).mapToDouble(i -> logits[i]).toArray();
        double largest = Arrays.stream(shares).max().orElseThrow();
        if (!Double.isFinite(Arrays.stream(shares).sum())) {
            throw new NonFiniteException("what the model says at the document's end");
        }
        double sum = Arrays.stream(shares).map(logit -> Math.exp(logit - largest)).sum();
        return Arrays.stream(shares).mapToObj(logit -> Math.exp(logit - largest) / sum).toList();
    }
}
