package dev.longspan.generate;

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
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;

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

    public Generator(Backend backend, Parallel parallel, LanguageModel<S> model) {
        this.backend = backend;
        this.parallel = parallel;
        this.model = model;
    }

    /** A generator of a model whose state nobody needs to name. */
    public static <S extends StreamState> Generator<S> of(Backend backend, Parallel parallel, LanguageModel<S> model) {
        return new Generator<>(backend, parallel, model);
    }

    /** Generates; {@code listener} hears the text as it comes, whole characters only. */
    public Generation generate(Request request, CancelSignal cancel, Consumer<String> listener) {
        try (TensorArena arena = new TensorArena(); Workspace workspace = new Workspace()) {
            return new Session(request, cancel, listener, arena, workspace).run();
        }
    }

    private final class Session {
        private final Request request;
        private final CancelSignal cancel;
        private final Consumer<String> listener;
        private final Workspace workspace;
        private final Utf8 utf8 = new Utf8();
        private final StopStrings stops;
        private final StringBuilder text = new StringBuilder();
        private S state;
        private float[] logits = new float[0];
        private long drawn;

        Session(Request request, CancelSignal cancel, Consumer<String> listener, TensorArena arena, Workspace workspace) {
            this.request = request;
            this.cancel = cancel;
            this.listener = listener;
            this.workspace = workspace;
            this.stops = new StopStrings(request.stops());
            this.state = model.start(arena, 1);
        }

        Generation run() {
            long[] prompt = prompt();
            long start = System.nanoTime();
            Generation.End end = Generation.End.CANCELLED;
            long promptEnd = start;
            try {
                for (int from = 0; from < prompt.length; from += request.chunk()) {
                    read(Arrays.copyOfRange(prompt, from, Math.min(prompt.length, from + request.chunk())));
                }
                promptEnd = System.nanoTime();
                end = draw();
            } catch (CancelledException stopped) {
                promptEnd = promptEnd == start ? System.nanoTime() : promptEnd;
            }
            long done = System.nanoTime();
            emit(stops.add(utf8.end()) + stops.end());
            return new Generation(text.toString(), end, prompt.length, (promptEnd - start) / 1e9, drawn,
                    (done - promptEnd) / 1e9, stateBytes());
        }

        private Generation.End draw() {
            while (drawn < request.tokens()) {
                int token = request.sampling().draw(logits, state.position());
                if (token == Bytes.SEPARATOR) {
                    return Generation.End.DOCUMENT;
                }
                drawn++;
                emit(stops.add(utf8.add(token)));
                if (stops.stopped()) {
                    return Generation.End.STOP;
                }
                if (drawn < request.tokens()) {
                    read(new long[] {token});
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

        private void read(long[] tokens) {
            try (Pass pass = Pass.inference(backend, parallel.cancelledBy(cancel), workspace)) {
                Tensor ids = pass.allocate(DType.I32, 1, tokens.length).set(tokens);
                LanguageModel.Step<S> step = model.next(pass, state, ids);
                state = step.state();
                float[] last = step.logits().select(0, 0).select(0, tokens.length - 1).toFloats();
                logits = Arrays.copyOf(last, Math.min(last.length, Bytes.VOCABULARY));
            }
        }

        private long[] prompt() {
            long[] bytes = Bytes.encode(request.prompt());
            long[] ids = new long[bytes.length + 1];
            ids[0] = Bytes.SEPARATOR;
            System.arraycopy(bytes, 0, ids, 1, bytes.length);
            return ids;
        }

        private long stateBytes() {
            return state.tensors().values().stream().mapToLong(t -> t.elements() * t.dtype().bytes()).sum();
        }
    }
}
