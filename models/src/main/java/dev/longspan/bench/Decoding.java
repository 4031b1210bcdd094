package dev.longspan.bench;

import dev.longspan.autograd.Pass;
import dev.longspan.autograd.Workspace;
import dev.longspan.backend.Backend;
import dev.longspan.nn.LanguageModel;
import dev.longspan.nn.StreamState;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;

/** A prompt and then one token at a time, as generation goes: timed, and held against the logits of the whole sequence. */
final class Decoding<S extends StreamState> implements AutoCloseable {

    private final Backend backend;
    private final Parallel parallel;
    private final LanguageModel<S> model;
    private final Tensor tokens;
    private final Tensor expected;
    private final int prompt;
    private final Workspace workspace;
    private Deviation deviation = Deviation.NONE;

    private Decoding(Backend backend, Parallel parallel, LanguageModel<S> model, Tensor tokens, Tensor expected, int prompt) {
        this.backend = backend;
        this.workspace = new Workspace(backend.space(), 1 << 20);
        this.parallel = parallel;
        this.model = model;
        this.tokens = tokens;
        this.expected = expected;
        this.prompt = prompt;
    }

    /** As many tokens as {@code expected}, [1, rows, outputs], has rows, the first {@code prompt} of them at once. */
    static <S extends StreamState> Decoding<S> of(Backend backend, Parallel parallel, LanguageModel<S> model, Tensor tokens,
            Tensor expected, int prompt) {
        return new Decoding<>(backend, parallel, model, tokens, expected, prompt);
    }

    /** Tokens of one run behind the prompt. */
    int decoded() {
        return Math.toIntExact(expected.size(1)) - prompt;
    }

    /** Seconds of all tokens behind the prompt; each logit is checked, outside that time. */
    double seconds() {
        try (TensorArena arena = new TensorArena(backend.space())) {
            S state = model.start(arena, 1);
            double spent = 0;
            for (long at = 0; at < expected.size(1);) {
                long end = at == 0 ? prompt : at + 1;
                Tensor piece = arena.allocateOnHost(tokens.dtype(), 1, end - at).copyFrom(tokens.slice(1, at, end));
                long start = System.nanoTime();
                try (Pass pass = Pass.inference(backend, parallel, workspace)) {
                    LanguageModel.Step<S> step = model.next(pass, state, piece);
                    spent += at == 0 ? 0 : (System.nanoTime() - start) * 1e-9;
                    state = step.state();
                    deviation = deviation.worse(Prefix.relative(expected.slice(1, at, end).reshape(-1).toDoubles(),
                            step.logits().reshape(-1).toDoubles(), Prefix.LOGITS_WITHIN));
                }
                at = end;
            }
            return spent;
        }
    }

    /** How far any logit was off. */
    Deviation deviation() {
        return deviation;
    }

    @Override
    public void close() {
        workspace.close();
    }
}
