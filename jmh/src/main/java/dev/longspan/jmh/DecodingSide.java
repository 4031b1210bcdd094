package dev.longspan.jmh;

import dev.longspan.autograd.Pass;
import dev.longspan.autograd.Workspace;
import dev.longspan.backend.Backend;
import dev.longspan.nn.LanguageModel;
import dev.longspan.nn.StreamState;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;

/** One token at a time behind a prompt, as generation goes; the prompt's time does not count. */
final class DecodingSide<S extends StreamState> implements Side {

    private final Backend backend;
    private final Parallel parallel;
    private final LanguageModel<S> model;
    private final Tensor tokens;
    private final int prompt;
    private final Tensor logits;
    private Workspace workspace = new Workspace();

    /** logits: [1, the first tokens behind the prompt, outputs]. */
    DecodingSide(Backend backend, Parallel parallel, LanguageModel<S> model, Tensor tokens, int prompt, Tensor logits) {
        this.backend = backend;
        this.parallel = parallel;
        this.model = model;
        this.tokens = tokens;
        this.prompt = prompt;
        this.logits = logits;
    }

    @Override
    public double seconds(int times) {
        double spent = 0;
        for (int i = 0; i < times; i++) {
            spent += decode();
        }
        return spent;
    }

    @Override
    public void answer() {
        decode();
    }

    private double decode() {
        try (TensorArena arena = new TensorArena()) {
            S state = model.start(arena, 1);
            double spent = 0;
            for (long at = 0; at < tokens.size(1);) {
                long end = at == 0 ? prompt : at + 1;
                Tensor piece = arena.allocate(tokens.dtype(), 1, end - at).copyFrom(tokens.slice(1, at, end));
                long start = System.nanoTime();
                try (Pass pass = Pass.inference(backend, parallel, workspace)) {
                    LanguageModel.Step<S> step = model.next(pass, state, piece);
                    state = step.state();
                    if (at > 0) {
                        spent += (System.nanoTime() - start) * 1e-9;
                        if (at - prompt < logits.size(1)) {
                            logits.slice(1, at - prompt, at - prompt + 1).copyFrom(step.logits());
                        }
                    }
                }
                at = end;
            }
            return spent;
        }
    }

    @Override
    public void trim() {
        workspace.close();
        workspace = new Workspace();
        Side.super.trim();
    }

    @Override
    public void close() {
        workspace.close();
    }
}
