package dev.longspan.rmt;

import dev.longspan.autograd.Pass;
import dev.longspan.nn.Backbone;
import dev.longspan.nn.CausalBackbone;
import dev.longspan.nn.Fingerprint;
import dev.longspan.nn.Init;
import dev.longspan.nn.LanguageModel;
import dev.longspan.op.Concat;
import dev.longspan.op.Elementwise;
import dev.longspan.op.Loss;
import dev.longspan.op.Views;
import dev.longspan.rmt.RmtConfig.Carry;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * The decoder layout of arXiv 2207.06881: each segment is {@code M tokens M}, causal; the tokens read the first M, and M′ is the
 * hidden states at the second, which has seen all. Immutable and usable from any thread.
 *
 * @param memory what every sequence starts from: [m, d]
 */
public record RmtDecoder(RmtConfig config, CausalBackbone backbone, Tensor memory) implements LanguageModel<RmtState> {

    public RmtDecoder {
        check(config, backbone, memory, config.segment() + 2L * config.memory());
        if (config.carry() == Carry.STATE) {
            CarriedState.streaming(backbone);
        }
    }

    /** A new memory from {@code N(0, std²)} around a backbone; the released code takes its embeddings' deviation. */
    public static RmtDecoder create(RmtConfig config, CausalBackbone backbone, double std, TensorArena arena, long seed) {
        return new RmtDecoder(config, backbone, fresh(config, backbone, arena, seed, Init.normal(std)));
    }

    static Tensor fresh(RmtConfig config, Backbone backbone, TensorArena arena, long seed, Init init) {
        DType dtype = backbone.parameters().values().iterator().next().dtype();
        return Init.parameters(arena, dtype, seed, (name, shape) -> init).get("memory", config.memory(), backbone.width());
    }

    static void check(RmtConfig config, Backbone backbone, Tensor memory, long rows) {
        if (!Arrays.equals(memory.shape(), new long[] {config.memory(), backbone.width()})) {
            throw new IllegalArgumentException("memory must be [" + config.memory() + ", " + backbone.width() + "]: memory="
                    + memory);
        }
        checkRows(config, rows, backbone.maxRows());
    }

    static void checkRows(RmtConfig config, long rows, long positions) {
        if (rows > positions) {
            throw new IllegalArgumentException("a segment with its memory must fit the backbone's positions: segment="
                    + config.segment() + ", memory=" + config.memory() + ", rows=" + rows + ", positions=" + positions);
        }
    }

    /** The same parameters under another configuration of the same memory. */
    public RmtDecoder withConfig(RmtConfig other) {
        return new RmtDecoder(other, backbone, memory);
    }

    @Override
    public long vocabulary() {
        return backbone.vocabulary();
    }

    @Override
    public Tensor logits(Pass pass, Tensor tokens) {
        return logits(pass, tokens, null);
    }

    /** Logits [B, N, vocabulary] of padded sequences: {@code visible} 0 hides a token, U8 or BOOL [B, N]; never the memory. */
    public Tensor logits(Pass pass, Tensor tokens, @Nullable Tensor visible) {
        if (config.carry() == Carry.STATE) {
            return streamed(pass, tokens, visible);
        }
        return backbone.logitsOf(pass, hidden(pass, tokens, visible));
    }

    @Override
    public Tensor losses(Pass pass, Tensor tokens, Tensor targets) {
        return config.carry() == Carry.STATE ? LanguageModel.super.losses(pass, tokens, targets)
                : backbone.lossesOf(pass, hidden(pass, tokens, null), targets);
    }

    /** Hidden states of the tokens of all segments, [B, N, d]. */
    private Tensor hidden(Pass pass, Tensor tokens, @Nullable Tensor visible) {
        long[] bounds = bounds(tokens, visible);
        return Concat.apply(pass, 1, new Unrolled(config, bounds.length - 1, s -> true, (inner, number, carried, isWanted) -> {
            Trip trip = trip(inner, bounds, number, carried, tokens, visible);
            return new Unrolled.Result(trip.leaving, isWanted ? ofTokens(inner, trip.hidden) : null);
        }).outputs(pass));
    }

    private Tensor streamed(Pass pass, Tensor tokens, @Nullable Tensor visible) {
        if (pass.isTraining() || visible != null) {
            throw statesAreForInference();
        }
        bounds(tokens, null);
        try (TensorArena arena = new TensorArena(pass.backend().space())) {
            return next(pass, start(arena, tokens.size(0)), tokens).logits();
        }
    }

    private static IllegalArgumentException statesAreForInference() {
        return new IllegalArgumentException("a backbone's state is carried at inference only, over tokens without padding and "
                + "without a loss: carry=" + Carry.STATE);
    }

    /** {@code mean −ln p(target)} over all targets but {@link Loss#IGNORED}; tokens and targets: [B, N], result: [1]. */
    public Tensor loss(Pass pass, Tensor tokens, Tensor targets, @Nullable Tensor visible) {
        return loss(pass, tokens, targets, visible, null);
    }

    /** The same, with each segment shown as it is made; those that are recomputed live no longer than that and come twice. */
    public Tensor loss(Pass pass, Tensor tokens, Tensor targets, @Nullable Tensor visible,
            @Nullable Consumer<Segment> observer) {
        if (config.carry() == Carry.STATE) {
            throw statesAreForInference();
        }
        long[] bounds = bounds(tokens, visible);
        if (!Arrays.equals(targets.shape(), tokens.shape())) {
            throw new IllegalArgumentException("targets must be one for each token: targets=" + targets + ", tokens=" + tokens);
        }
        double counted = counted(targets.slice(1, 0, bounds[bounds.length - 1]));
        return new Unrolled(config, bounds.length - 1,
                s -> counted(targets.slice(1, bounds[s], bounds[s + 1])) > 0, (inner, number, carried, isWanted) -> {
                    Trip trip = trip(inner, bounds, number, carried, tokens, visible);
                    if (observer != null) {
                        observer.accept(trip.segment(number));
                    }
                    return new Unrolled.Result(trip.leaving, isWanted ? Elementwise.sum(inner, 1 / counted,
                            Loss.crossEntropy(inner, tokenLogits(inner, trip.hidden), part(inner, targets, bounds, number))) : null);
                }).sum(pass);
    }

    private static long counted(Tensor targets) {
        return Arrays.stream(targets.toLongs()).filter(target -> target >= 0).count();
    }

    /** Logits of a segment's tokens, [R, n, vocabulary]. */
    public Tensor logits(Pass pass, Segment segment) {
        return tokenLogits(pass, segment.hidden());
    }

    private Tensor tokenLogits(Pass pass, Tensor hidden) {
        return backbone.logitsOf(pass, ofTokens(pass, hidden));
    }

    /** Of a segment's rows those between the memory. */
    private Tensor ofTokens(Pass pass, Tensor hidden) {
        return part(pass, hidden, config.memory(), hidden.size(1) - config.memory());
    }

    private static Tensor part(Pass pass, Tensor hidden, long from, long to) {
        return Concat.apply(pass, 1, List.of(Views.slice(pass, hidden, 1, from, to)));
    }

    private Tensor logits(Pass pass, Tensor hidden, long from, long to) {
        return backbone.logitsOf(pass, part(pass, hidden, from, to));
    }

    @Override
    public RmtState start(TensorArena arena, long batch) {
        if (config.alignment() != Alignment.LEFT) {
            throw new IllegalArgumentException("a stream of unknown length must be aligned LEFT: alignment="
                    + config.alignment());
        }
        return RmtState.start(fingerprint(), memory, arena, batch, config.segment(), config.carry() == Carry.STATE
                ? CarriedState.start(CarriedState.streaming(backbone), arena, batch) : null);
    }

    private long fingerprint() {
        return Fingerprint.of(this, "decoder %d %d %s %s".formatted(config.memory(), config.segment(), config.carry(),
                backbone.settings()));
    }

    @Override
    public RmtState restore(TensorArena arena, Map<String, Tensor> saved) {
        return RmtState.restore(fingerprint(), memory, arena, saved, config.segment(), tensors ->
                config.carry() == Carry.STATE ? CarriedState.restore(CarriedState.streaming(backbone), arena, tensors) : null);
    }

    /** {@inheritDoc} The tokens of a segment that is not yet full are computed again with each call, unless a state is carried. */
    @Override
    public Step<RmtState> next(Pass pass, RmtState state, Tensor tokens) {
        long position = state.position();
        long most = config.limits().maxSegments() * (long) config.segment();
        if (most > 0 && position + tokens.size(-1) > most) {
            throw new IllegalArgumentException("the stream must fit " + config.limits().maxSegments() + " segments of "
                    + config.segment() + " tokens: position=" + position + ", tokens=" + tokens);
        }
        checkPositions(position + tokens.size(-1));
        RmtState next = state.consume(tokens);
        List<Tensor> logits = new ArrayList<>();
        for (long from = 0; from < tokens.size(1);) {
            long kept = (position + from) % config.segment();
            long taken = Math.min(config.segment() - kept, tokens.size(1) - from);
            next.tokens().slice(1, kept, kept + taken).copyFrom(tokens.slice(1, from, from + taken));
            CarriedState<?> carried = next.backbone();
            if (carried == null) {
                long number = (position + from) / config.segment();
                Tensor hidden = backbone.hidden(pass, rows(pass, next, 0, kept + taken), null,
                        firstPosition(number, number * config.segment()));
                logits.add(logits(pass, next, hidden, kept, kept + taken));
            } else {
                CarriedState.Read read = carried.read(pass, rows(pass, next, kept, kept + taken));
                logits.add(logits(pass, next, read.hidden(), kept, kept + taken));
                next = next.with(read.next());
            }
            from += taken;
        }
        return new Step<>(Concat.apply(pass, 1, logits), next);
    }

    /** Rows of the segment in hand: its tokens, the memory in front of the first of them and behind the last. */
    private Tensor rows(Pass pass, RmtState state, long from, long to) {
        List<Tensor> rows = new ArrayList<>();
        if (from == 0) {
            rows.add(state.memory());
        }
        rows.add(backbone.embed(pass, pass.allocateOnHost(DType.I64, state.batch(), to - from)
                .copyFrom(state.tokens().slice(1, from, to))));
        if (to == config.segment()) {
            rows.add(state.memory());
        }
        return Concat.apply(pass, 1, rows);
    }

    /** Logits of the segment's tokens from {@code from} to {@code to}; a full segment replaces the memory. */
    private Tensor logits(Pass pass, RmtState state, Tensor hidden, long from, long to) {
        long end = hidden.size(1);
        if (to == config.segment()) {
            end -= config.memory();
            state.memory().copyFrom(hidden.slice(1, end, end + config.memory()));
        }
        return logits(pass, hidden, end - (to - from), end);
    }

    /** Position of a segment's first row, {@code tokens} before it. */
    private long firstPosition(long segment, long tokens) {
        return config.carry() == Carry.POSITIONS ? tokens + 2L * config.memory() * segment : 0;
    }

    private void checkPositions(long tokens) {
        long segments = Math.ceilDiv(tokens, config.segment());
        if (config.carry() != Carry.NOTHING && tokens + 2L * config.memory() * segments > backbone.maxRows()) {
            throw new IllegalArgumentException("all segments with their memory must fit the backbone's positions: tokens="
                    + tokens + ", segments=" + segments + ", memory=" + config.memory() + ", carry=" + config.carry()
                    + ", positions=" + backbone.maxRows());
        }
    }

    private long[] bounds(Tensor tokens, @Nullable Tensor visible) {
        if (tokens.rank() != 2 || tokens.size(0) == 0) {
            throw new IllegalArgumentException("tokens must be [at least one sequence, tokens]: tokens=" + tokens);
        }
        if (visible != null && !Arrays.equals(visible.shape(), tokens.shape())) {
            throw new IllegalArgumentException("visible must be one for each token: visible=" + visible + ", tokens=" + tokens);
        }
        long[] bounds = config.bounds(tokens.size(1));
        checkPositions(bounds[bounds.length - 1]);
        return bounds;
    }

    private static Tensor part(Pass pass, Tensor whole, long[] bounds, int number) {
        Tensor part = whole.slice(1, bounds[number], bounds[number + 1]);
        return pass.copyOf(part);
    }

    /** A segment whose tokens, [B, n], only an observer wants as numbers. */
    private record Trip(Tensor tokens, Tensor entering, Tensor embedded, Tensor hidden, Tensor leaving) {
        Segment segment(int number) {
            List<Integer> rows = IntStream.range(0, Math.toIntExact(tokens.size(0))).boxed().toList();
            return new Segment(number, rows, rows.stream().map(row -> tokens.select(0, row).toLongs()).toList(), entering,
                    embedded, hidden, leaving);
        }
    }

    private Trip trip(Pass pass, long[] bounds, int number, @Nullable Tensor carried, Tensor all,
            @Nullable Tensor allVisible) {
        long m = config.memory();
        Tensor tokens = part(pass, all, bounds, number);
        Tensor visible = allVisible == null ? null : shown(pass, part(pass, allVisible, bounds, number));
        long n = tokens.size(1);
        Tensor entering = carried == null ? MemoryRows.fresh(pass, memory, Math.toIntExact(tokens.size(0))) : carried;
        Tensor embedded = Concat.apply(pass, 1, List.of(entering, backbone.embed(pass, tokens), entering));
        Tensor hidden = backbone.hidden(pass, embedded, visible, firstPosition(number, bounds[number]));
        Tensor leaving = Concat.apply(pass, 1, List.of(Views.slice(pass, hidden, 1, m + n, n + 2 * m)));
        return new Trip(tokens, entering, embedded, hidden, leaving);
    }

    /** The mask of a segment's tokens with the memory, which is always shown: [B, 1, n + 2m]. */
    private Tensor shown(Pass pass, Tensor visible) {
        long m = config.memory();
        Tensor all = pass.allocate(visible.dtype(), visible.size(0), 1, visible.size(1) + 2 * m).fill(1);
        all.select(1, 0).slice(1, m, m + visible.size(1)).copyFrom(visible);
        return all;
    }
}
