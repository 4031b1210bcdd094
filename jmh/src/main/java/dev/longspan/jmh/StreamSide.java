package dev.longspan.jmh;

import dev.longspan.autograd.Pass;
import dev.longspan.autograd.Workspace;
import dev.longspan.backend.Backend;
import dev.longspan.nn.LanguageModel;
import dev.longspan.nn.StreamState;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;

/** A sequence of any length in pieces, a state carried from each to the next. */
final class StreamSide<S extends StreamState> implements Side {

    private static final long PIECE = 8192;

    private final Backend backend;
    private final Parallel parallel;
    private final LanguageModel<S> model;
    private final Tensor tokens;
    private final Tensor logits;
    private Workspace workspace = new Workspace();

    /** logits: [1, some of the first tokens, outputs]. */
    StreamSide(Backend backend, Parallel parallel, LanguageModel<S> model, Tensor tokens, Tensor logits) {
        this.backend = backend;
        this.parallel = parallel;
        this.model = model;
        this.tokens = tokens;
        this.logits = logits;
    }

    @Override
    public double seconds(int times) {
        double spent = 0;
        for (int i = 0; i < times; i++) {
            spent += read();
        }
        return spent;
    }

    @Override
    public void answer() {
        read();
    }

    private double read() {
        try (TensorArena arena = new TensorArena()) {
            S state = model.start(arena, 1);
            double spent = 0;
            for (long at = 0; at < tokens.size(1); at += PIECE) {
                long end = Math.min(at + PIECE, tokens.size(1));
                try (Pass pass = Pass.inference(backend, parallel, workspace)) {
                    Tensor piece = pass.allocate(tokens.dtype(), 1, end - at).copyFrom(tokens.slice(1, at, end));
                    long start = System.nanoTime();
                    LanguageModel.Step<S> step = model.next(pass, state, piece);
                    spent += (System.nanoTime() - start) * 1e-9;
                    state = step.state();
                    if (at == 0) {
                        logits.copyFrom(step.logits().slice(1, 0, logits.size(1)));
                    }
                }
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
