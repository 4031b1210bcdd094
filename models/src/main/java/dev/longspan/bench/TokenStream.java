package dev.longspan.bench;

import dev.longspan.autograd.Pass;
import dev.longspan.autograd.Workspace;
import dev.longspan.backend.Backend;
import dev.longspan.nn.LanguageModel;
import dev.longspan.nn.StreamState;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.function.Consumer;

/** A state of a model and the random tokens to go on with, a function of the position. Serves one thread. */
final class TokenStream<S extends StreamState> {

    /** A prime, so that the repeated block never lines up with pieces. */
    private static final int BLOCK = 65_521;

    private final Source<S> source;
    private S state;

    /** What reads a model's tokens: shared by streams of one thread. */
    record Source<S extends StreamState>(Backend backend, Parallel parallel, Workspace workspace, LanguageModel<S> model,
            long[] block) {

        static <S extends StreamState> Source<S> of(Backend backend, Parallel parallel, Workspace workspace,
                LanguageModel<S> model, long seed) {
            return new Source<>(backend, parallel, workspace, model,
                    new SplittableRandom(seed).longs(BLOCK, 0, model.vocabulary()).toArray());
        }

        TokenStream<S> start(TensorArena arena) {
            return new TokenStream<>(this, model.start(arena, 1));
        }

        long[] tokens(long from, int count) {
            long[] tokens = new long[count];
            Arrays.setAll(tokens, i -> block[(int) ((from + i) % BLOCK)]);
            return tokens;
        }
    }

    private TokenStream(Source<S> source, S state) {
        this.source = source;
        this.state = state;
    }

    /** The same stream from here on, with a state of its own. */
    TokenStream<S> copy(TensorArena arena) {
        return new TokenStream<>(source, source.model.restore(arena, state.tensors()));
    }

    long position() {
        return state.position();
    }

    /** Reads tokens and returns the seconds that this took; the logits [1, count, outputs] are handed on outside that time. */
    double read(int count, Consumer<Tensor> logits) {
        try (Pass pass = Pass.inference(source.backend, source.parallel, source.workspace)) {
            Tensor tokens = pass.allocateOnHost(DType.I32, 1, count).set(source.tokens(position(), count));
            long start = System.nanoTime();
            LanguageModel.Step<S> step = source.model.next(pass, state, tokens);
            double seconds = (System.nanoTime() - start) * 1e-9;
            state = step.state();
            logits.accept(step.logits());
            return seconds;
        }
    }
}
