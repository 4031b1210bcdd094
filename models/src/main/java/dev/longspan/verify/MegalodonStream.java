package dev.longspan.verify;

import dev.longspan.autograd.Pass;
import dev.longspan.megalodon.Megalodon;
import dev.longspan.megalodon.MegalodonState;
import dev.longspan.nn.LanguageModel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;

/** A model that reads tokens bit by bit, each in a pass of its own. */
final class MegalodonStream {

    private final Megalodon model;
    private final Machine machine;
    private MegalodonState state;

    MegalodonStream(Megalodon model, Machine machine, long batch) {
        this.model = model;
        this.machine = machine;
        this.state = model.start(machine.arena(), batch);
    }

    MegalodonState state() {
        return state;
    }

    /** Logits [B, n, outputs] of the next tokens [B, n]. */
    Tensor read(Tensor tokens) {
        try (Pass pass = machine.inferring()) {
            LanguageModel.Step<MegalodonState> step = model.next(pass, state, tokens);
            state = step.state();
            return machine.arena().allocate(step.logits().dtype(), step.logits().shape()).copyFrom(step.logits());
        }
    }

    /** Replaces the moments of all norms by those of recent tokens alone. */
    void recount(Tensor recent) {
        try (Pass pass = machine.inferring()) {
            state = model.recount(pass, state, recent);
        }
    }

    /** The {@code count} most likely tokens [B, count], each fed back, from the logits of the tokens before them on. */
    Tensor greedy(Tensor logits, long count) {
        Tensor tokens = machine.arena().allocate(DType.I64, logits.size(0), count);
        Tensor last = logits;
        for (long i = 0; i < count; i++) {
            Tensor next = mostLikely(last);
            tokens.slice(1, i, i + 1).copyFrom(next);
            if (i + 1 < count) {
                last = read(next);
            }
        }
        return tokens;
    }

    private Tensor mostLikely(Tensor logits) {
        long[] ids = new long[Math.toIntExact(logits.size(0))];
        for (int b = 0; b < ids.length; b++) {
            double[] row = logits.select(0, b).select(0, logits.size(1) - 1).toDoubles();
            for (int id = 0; id < row.length; id++) {
                ids[b] = row[id] > row[(int) ids[b]] ? id : ids[b];
            }
        }
        return machine.arena().allocate(DType.I64, ids.length, 1).set(ids);
    }
}
