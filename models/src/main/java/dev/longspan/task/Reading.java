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
import java.util.function.Consumer;
import java.util.function.LongConsumer;

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
        try (TensorArena arena = new TensorArena(backend.space()); Workspace workspace = new Workspace(backend.space())) {
            RmtState state = model.start(arena, 1);
            double[] logits = {};
            for (int s = 0; s + 1 < bounds.length; s++) {
                if (s > 0) {
                    between.accept(state.memory());
                }
                long[] tokens = new long[Math.toIntExact(bounds[s + 1] - bounds[s])];
                document.read(bounds[s], tokens);
                try (Pass pass = Pass.inference(backend, parallel, workspace)) {
                    Step<RmtState> step = model.next(pass, state,
                            pass.allocateOnHost(DType.I64, 1, tokens.length).set(tokens));
                    state = step.state();
                    logits = step.logits().reshape(-1).toDoubles();
                }
                progress.accept(bounds[s + 1]);
            }
            return new Answer(Answer.softmax(logits), bounds.length - 1, document.length(), (System.nanoTime() - start) / 1e9);
        }
    }
}
