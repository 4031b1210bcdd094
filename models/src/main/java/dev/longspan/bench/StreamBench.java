package dev.longspan.bench;

import dev.longspan.autograd.Workspace;
import dev.longspan.backend.Backend;
import dev.longspan.model.Blueprint;
import dev.longspan.nn.LanguageModel;
import dev.longspan.nn.StreamState;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.NativeBudget;
import dev.longspan.tensor.TensorArena;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.LongConsumer;

/** One long stream of random tokens through a model of fresh float32 weights, in pieces. */
public final class StreamBench {

    private static final double WARM_UP_SECONDS = 4;

    private final Backend backend;
    private final Parallel parallel;
    private final long seed;

    public StreamBench(Backend backend, Parallel parallel, long seed) {
        this.backend = backend;
        this.parallel = parallel;
        this.seed = seed;
    }

    /**
     * Reads the stream.
     *
     * @param rows hears of every doubling of the tokens read
     * @param progress hears after each piece how many tokens are read
     */
    public StreamResult run(Blueprint blueprint, StreamConfig config, Consumer<StreamRow> rows, LongConsumer progress) {
        try (TensorArena arena = new TensorArena(backend.space());
                Workspace workspace = new Workspace(backend.space(), 1 << 20)) {
            return new Run<>(blueprint, blueprint.create(arena, seed), config, arena, workspace, rows, progress).result();
        }
    }

    private final class Run<S extends StreamState> {
        private final Blueprint blueprint;
        private final LanguageModel<S> model;
        private final StreamConfig config;
        private final TensorArena arena;
        private final TokenStream.Source<S> source;
        private final Consumer<StreamRow> listener;
        private final LongConsumer progress;
        private final List<StreamRow> rows = new ArrayList<>();
        private final List<Double> sinceRow = new ArrayList<>();
        private long nextRow;

        Run(Blueprint blueprint, LanguageModel<S> model, StreamConfig config, TensorArena arena, Workspace workspace,
                Consumer<StreamRow> listener, LongConsumer progress) {
            this.blueprint = blueprint;
            this.model = model;
            this.config = config;
            this.arena = arena;
            this.source = TokenStream.Source.of(backend, parallel, workspace, model, seed);
            this.listener = listener;
            this.progress = progress;
            nextRow = config.early();
        }

        StreamResult result() {
            warmUp();
            int window = StreamConfig.WINDOW;
            TokenStream<S> young = source.start(arena);
            while (young.position() < config.early()) {
                young.read(config.piece(), logits -> { });
            }
            TokenStream<S> whole = source.start(arena);
            Deviation prefix = prefix(whole);
            read(whole, config.early() - whole.position());
            double[] first = read(whole, (long) window * config.piece());
            ResidentMemory early = ResidentMemory.now();
            read(whole, config.tokens() - whole.position() - (long) window * config.piece());
            // In turns with a young stream: a machine that slows down meanwhile slows both.
            double[] last = new double[window];
            double[] ratios = new double[window];
            Deviation partition = Deviation.NONE;
            for (int i = 0; i < window; i++) {
                double before = young.read(config.piece(), logits -> { });
                Piece piece = i + 1 < window ? new Piece(read(whole), partition) : lastPiece(whole);
                partition = piece.deviation;
                last[i] = piece.seconds;
                ratios[i] = 2 * last[i] / (before + young.read(config.piece(), logits -> { }));
            }
            if (!sinceRow.isEmpty()) {
                report(whole);
            }
            ResidentMemory end = ResidentMemory.now();
            return new StreamResult(config, blueprint.plan(config.tokens(), 1, DType.F32).parameters(), rows,
                    Median.of(first) / config.piece(), Median.of(last) / config.piece(), Median.of(ratios), early, end, prefix, partition);
        }

        /** Until the kernels are compiled, by a stream that is thrown away. */
        private void warmUp() {
            try (TensorArena own = new TensorArena(backend.space())) {
                TokenStream<S> stream = source.start(own);
                for (double spent = 0; spent < WARM_UP_SECONDS; ) {
                    spent += stream.read(config.piece(), logits -> { });
                }
            }
        }

        /** The first piece, held against float64. */
        private Deviation prefix(TokenStream<S> stream) {
            int count = Prefix.affordable(blueprint, config.piece());
            long[] ids = source.tokens(0, count + 1);
            try (TensorArena own = new TensorArena(backend.space())) {
                Prefix exact = Prefix.of(parallel, blueprint, model,
                        own.allocateOnHost(DType.I32, 1, count).set(Arrays.copyOf(ids, count)),
                        own.allocateOnHost(DType.I32, 1, count).set(Arrays.copyOfRange(ids, 1, count + 1)), count);
                Deviation[] found = {Deviation.NONE};
                note(stream, stream.read(config.piece(), logits -> found[0] = exact.ofLogits(logits)));
                return found[0];
            }
        }

        private Piece lastPiece(TokenStream<S> stream) {
            Piece last = cutOtherwise(stream);
            note(stream, last.seconds); // now that the copy's memory is given back
            return last;
        }

        /** The next piece at once, held against the same in other pieces: a single token, a third, the rest. */
        private Piece cutOtherwise(TokenStream<S> stream) {
            try (TensorArena own = new TensorArena(backend.space())) {
                TokenStream<S> other = stream.copy(own);
                double[][] expected = new double[1][];
                double seconds = stream.read(config.piece(), logits -> expected[0] = logits.reshape(-1).toDoubles());
                int outputs = expected[0].length / config.piece();
                Deviation[] worst = {Deviation.NONE};
                int at = 0;
                for (int count : new int[] {1, Math.ceilDiv(config.piece() - 1, 3), (config.piece() - 1) * 2 / 3}) {
                    double[] rows = Arrays.copyOfRange(expected[0], at * outputs, (at + count) * outputs);
                    if (count > 0) {
                        other.read(count, logits -> worst[0] = worst[0].worse(
                                Prefix.relative(rows, logits.reshape(-1).toDoubles(), Prefix.LOGITS_WITHIN)));
                    }
                    at += count;
                }
                return new Piece(seconds, worst[0]);
            }
        }

        /** Reads whole pieces and returns the seconds of each. */
        private double[] read(TokenStream<S> stream, long tokens) {
            double[] seconds = new double[Math.toIntExact(tokens / config.piece())];
            Arrays.setAll(seconds, i -> read(stream));
            return seconds;
        }

        private double read(TokenStream<S> stream) {
            return note(stream, stream.read(config.piece(), logits -> { }));
        }

        private double note(TokenStream<S> stream, double seconds) {
            sinceRow.add(seconds);
            progress.accept(stream.position());
            if (stream.position() >= nextRow) {
                report(stream);
            }
            return seconds;
        }

        private void report(TokenStream<S> stream) {
            StreamRow row = new StreamRow(stream.position(),
                    Median.of(sinceRow.stream().mapToDouble(s -> s).toArray()) / config.piece(),
                    NativeBudget.process().usedBytes());
            rows.add(row);
            listener.accept(row);
            sinceRow.clear();
            nextRow = 2 * stream.position();
        }
    }

    private record Piece(double seconds, Deviation deviation) {
    }
}
