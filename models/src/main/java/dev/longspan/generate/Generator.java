package dev.longspan.generate;

import dev.longspan.autograd.PackedWeights;
import dev.longspan.autograd.Pass;
import dev.longspan.autograd.Workspace;
import dev.longspan.backend.Backend;
import dev.longspan.nn.LanguageModel;
import dev.longspan.nn.StreamState;
import dev.longspan.parallel.CancelSignal;
import dev.longspan.parallel.CancelledException;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import dev.longspan.text.Bytes;
import dev.longspan.train.NonFiniteException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Continues a text: the prompt in chunks, then one token at a time from the model's state. Serves one thread at a time. */
public final class Generator<S extends StreamState> {

    /**
     * What to generate.
     *
     * @param tokens at most so many
     * @param stops strings that end the text and are left out of it
     * @param chunk tokens of the prompt read at once; the text does not depend on it
     */
    public record Request(String prompt, int tokens, Sampling sampling, List<String> stops, int chunk) {
        public Request {
            stops = List.copyOf(stops);
            if (tokens < 0) {
                throw new IllegalArgumentException("tokens must not be negative: tokens=" + tokens);
            }
            if (chunk <= 0) {
                throw new IllegalArgumentException("chunk must be positive: chunk=" + chunk);
            }
        }
    }

    private final Backend backend;
    private final Parallel parallel;
    private final LanguageModel<S> model;
    private final @Nullable PackedWeights packed;

    public Generator(Backend backend, Parallel parallel, LanguageModel<S> model) {
        this(backend, parallel, model, null);
    }

    private Generator(Backend backend, Parallel parallel, LanguageModel<S> model, @Nullable PackedWeights packed) {
        this.backend = backend;
        this.parallel = parallel;
        this.model = model;
        this.packed = packed;
    }

    /** A generator of a model whose state nobody needs to name. */
    public static <S extends StreamState> Generator<S> of(Backend backend, Parallel parallel, LanguageModel<S> model) {
        return new Generator<>(backend, parallel, model);
    }

    /**
     * The same texts, from matrices that the first prompt packs into the arena, in as many bytes again as they take in
     * float32, and every further chunk finds packed. Throws UnsupportedOperationException where {@link PackedWeights} does.
     */
    public Generator<S> withPackedWeights(TensorArena arena) {
        return new Generator<>(backend, parallel, model,
                new PackedWeights(backend, parallel, arena, model.parameters().values()));
    }

    /**
     * From nothing; {@code listener} hears the text as it comes, whole characters only. Throws NonFiniteException where
     * the model says NaN.
     */
    public Generation generate(Request request, CancelSignal cancel, Consumer<String> listener) {
        try (TensorArena arena = new TensorArena(backend.space())) {
            Continued<S> done = goOn(start(arena), request, cancel, listener);
            String unfinished = done.next().map(Continuation::unfinishedText).orElse("");
            if (!unfinished.isEmpty()) {
                listener.accept(unfinished);
            }
            return done.generation().followedBy(unfinished);
        }
    }

    /** The beginning of a document, in the arena. */
    public Continuation<S> start(TensorArena arena) {
        return Continuation.start(model, arena);
    }

    /**
     * What was generated, and where the text stands: behind a stop string, behind the separator where the document ended;
     * nowhere if the signal came within the prompt.
     */
    public record Continued<S extends StreamState>(Generation generation, Optional<Continuation<S>> next) {
    }

    /**
     * Goes on with the request's prompt, or without one where the text stood: the same text as at once, in any number of
     * pieces. Consumes the state, and the next one lies in its memory. An unfinished character at the end is not heard.
     */
    public Continued<S> goOn(Continuation<S> from, Request request, CancelSignal cancel, Consumer<String> listener) {
        try (Workspace workspace = new Workspace(backend.space())) {
            return new Session(from, request, cancel, listener, workspace).run();
        }
    }

    private final class Session {
        private final Request request;
        private final CancelSignal cancel;
        private final Consumer<String> listener;
        private final Workspace workspace;
        private final Utf8 utf8;
        private final StopStrings stops;
        private final StringBuilder text = new StringBuilder();
        private final long[] prompt;
        private S state;
        private float[] logits = new float[0];
        private int last;
        private long drawn;

        Session(Continuation<S> from, Request request, CancelSignal cancel, Consumer<String> listener, Workspace workspace) {
            this.request = request;
            this.cancel = cancel;
            this.listener = listener;
            this.workspace = workspace;
            this.stops = new StopStrings(request.stops());
            this.state = from.state();
            this.prompt = behind(from.unread(), Bytes.encode(request.prompt()));
            this.last = (int) prompt[prompt.length - 1];
            // A prompt that follows an unfinished character leaves it so.
            this.utf8 = new Utf8(HexFormat.of().parseHex(prompt.length == 1 ? from.unfinished() : ""));
        }

        private static long[] behind(int first, long... rest) {
            long[] all = new long[rest.length + 1];
            all[0] = first;
            System.arraycopy(rest, 0, all, 1, rest.length);
            return all;
        }

        Continued<S> run() {
            long start = System.nanoTime();
            long promptEnd = start;
            Generation.End end = Generation.End.CANCELLED;
            boolean whole = false;
            try {
                // The last token is read only if something is drawn behind it.
                int readable = request.tokens() > 0 ? prompt.length : prompt.length - 1;
                for (int at = 0; at < readable; at += request.chunk()) {
                    read(parallel.cancelledBy(cancel), Arrays.copyOfRange(prompt, at, Math.min(readable, at + request.chunk())));
                }
                whole = true;
                promptEnd = System.nanoTime();
                end = draw();
            } catch (CancelledException stopped) {
                promptEnd = System.nanoTime();
            }
            long done = System.nanoTime();
            emit(stops.end());
            Generation generation = new Generation(text.toString(), end, prompt.length, (promptEnd - start) / 1e9, drawn,
                    (done - promptEnd) / 1e9, stateBytes(whole));
            return new Continued<>(generation, whole
                    ? Optional.of(new Continuation<>(state, last, HexFormat.of().formatHex(utf8.begun()))) : Optional.empty());
        }

        private Generation.End draw() {
            while (drawn < request.tokens()) {
                int token = request.sampling().draw(logits, state.position());
                last = token;
                if (token == Bytes.SEPARATOR) {
                    return Generation.End.DOCUMENT;
                }
                drawn++;
                emit(stops.add(utf8.add(token)));
                if (stops.stopped()) {
                    return Generation.End.STOP;
                }
                if (drawn < request.tokens()) {
                    if (cancel.isRaised()) {
                        return Generation.End.CANCELLED;
                    }
                    read(parallel, token); // never cancelled: half a step would be no state at all
                }
            }
            return Generation.End.LENGTH;
        }

        private void emit(String piece) {
            if (!piece.isEmpty()) {
                text.append(piece);
                listener.accept(piece);
            }
        }

        private void read(Parallel threads, long... tokens) {
            try (Pass pass = packed == null ? Pass.inference(backend, threads, workspace)
                    : Pass.inference(backend, threads, workspace, packed)) {
                Tensor ids = pass.allocateOnHost(DType.I32, 1, tokens.length).set(tokens);
                LanguageModel.Step<S> step = model.next(pass, state, ids);
                state = step.state();
                float[] behind = step.logits().select(0, 0).select(0, tokens.length - 1).toFloats();
                logits = Arrays.copyOf(behind, Math.min(behind.length, Bytes.VOCABULARY));
            }
            for (float logit : logits) {
                if (Float.isNaN(logit) || logit == Float.POSITIVE_INFINITY) {
                    throw new NonFiniteException("what the model says at position " + state.position());
                }
            }
        }

        private long stateBytes(boolean whole) {
            return !whole ? 0 : state.tensors().values().stream().mapToLong(t -> t.elements() * t.dtype().bytes()).sum();
        }
    }
}
