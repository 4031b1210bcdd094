package dev.longspan.rmt;

import dev.longspan.autograd.Pass;
import dev.longspan.nn.Backbone;
import dev.longspan.nn.CausalBackbone;
import dev.longspan.nn.Fingerprint;
import dev.longspan.nn.Init;
import dev.longspan.nn.LanguageModel.Step;
import dev.longspan.nn.Layer;
import dev.longspan.op.Concat;
import dev.longspan.op.Elementwise;
import dev.longspan.op.Loss;
import dev.longspan.op.Views;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * The encoder layout of arXiv 2304.11062: each segment is {@code [CLS] M [SEP] tokens [SEP] [PAD]…}, M′ is the hidden states at
 * M's rows, and the last segment's [CLS] is classified. A document with fewer segments than others of its batch begins later.
 * Immutable and usable from any thread.
 *
 * @param memory what every document starts from: [m, d]
 */
public record RmtEncoder(RmtConfig config, SpecialTokens special, Backbone backbone, Tensor memory, Head head)
        implements Layer {

    public RmtEncoder {
        if (backbone instanceof CausalBackbone) {
            throw new IllegalArgumentException("the encoder layout needs a backbone whose first row sees all others: backbone="
                    + backbone.getClass().getSimpleName());
        }
        if (config.carry() != RmtConfig.Carry.NOTHING) {
            throw new IllegalArgumentException("the encoder layout begins each segment afresh: carry=" + config.carry());
        }
        RmtDecoder.check(config, backbone, memory, config.input());
    }

    /** A new memory from {@code N(0, 0.02²)} around a backbone and a head of the same dtype. */
    public static RmtEncoder create(RmtConfig config, SpecialTokens special, Backbone backbone, Head head, TensorArena arena,
            long seed) {
        return new RmtEncoder(config, special, backbone, RmtDecoder.fresh(config, backbone, arena, seed, Init.normal(0.02)),
                head);
    }

    /** The same parameters under another configuration of the same memory. */
    public RmtEncoder withConfig(RmtConfig other) {
        return new RmtEncoder(other, special, backbone, memory, head);
    }

    /** Logits of whole documents, [B, classes]. A pass holds all their segments: {@link #read} does not. */
    public Tensor logits(Pass pass, List<TokenSource> documents) {
        Batch batch = new Batch(config, documents);
        return new Unrolled(config, batch.segments(), s -> s == batch.segments() - 1, (inner, number, carried, isWanted) -> {
            Segment segment = segment(inner, batch, number, carried);
            return new Unrolled.Result(segment.leaving(), isWanted ? logits(inner, segment) : null);
        }).outputs(pass).getFirst();
    }

    /** The loss of documents with these labels ([B]), of shape [1]: of each supervised segment the mean over its documents. */
    public Tensor loss(Pass pass, List<TokenSource> documents, Tensor labels) {
        return loss(pass, documents, labels, segment -> { });
    }

    /** The same, with each segment shown as it is made; those that are recomputed live no longer than that and come twice. */
    public Tensor loss(Pass pass, List<TokenSource> documents, Tensor labels, Consumer<Segment> observer) {
        Batch batch = new Batch(config, documents);
        if (labels.elements() != batch.size()) {
            throw new IllegalArgumentException("labels must be one for each document: labels=" + labels + ", documents="
                    + batch.size());
        }
        boolean last = config.supervision() == RmtConfig.Supervision.LAST;
        double share = last ? 1 : 1.0 / batch.segments();
        return new Unrolled(config, batch.segments(), s -> !last || s == batch.segments() - 1,
                (inner, number, carried, isWanted) -> {
                    Segment segment = segment(inner, batch, number, carried);
                    observer.accept(segment);
                    return new Unrolled.Result(segment.leaving(), isWanted ? loss(inner, segment, labels, share) : null);
                }).sum(pass);
    }

    private Tensor loss(Pass pass, Segment segment, Tensor labels, double share) {
        long[] all = labels.toLongs();
        long[] own = segment.rows().stream().mapToLong(row -> all[row]).toArray();
        Tensor mean = Loss.meanCrossEntropy(pass, logits(pass, segment),
                pass.allocateOnHost(DType.I64, own.length).set(own));
        return share == 1 ? mean : Elementwise.scale(pass, share, mean);
    }

    /** Logits of a segment's [CLS], [R, classes]. */
    public Tensor logits(Pass pass, Segment segment) {
        Tensor first = Concat.apply(pass, 1, List.of(Views.slice(pass, segment.hidden(), 1, 0, 1)));
        return head.logits(pass, Views.reshape(pass, first, first.size(0), first.size(2)));
    }

    /** The state in front of {@code batch} documents. */
    public RmtState start(TensorArena arena, long batch) {
        return RmtState.start(fingerprint(), memory, arena, batch, 0, null);
    }

    private long fingerprint() {
        return Fingerprint.of(this, "encoder %d %d %s".formatted(config.memory(), config.segment(), backbone.settings()));
    }

    /** The state that {@link RmtState#tensors()} was taken from, copied into the arena. */
    public RmtState restore(TensorArena arena, Map<String, Tensor> saved) {
        return RmtState.restore(fingerprint(), memory, arena, saved, 0, tensors -> null);
    }

    /** Reads one segment of each document, tokens [B, 1 to S]; logits [B, classes] as if it were the last. Consumes the state. */
    public Step<RmtState> next(Pass pass, RmtState state, Tensor tokens) {
        if (tokens.rank() != 2 || tokens.size(1) > config.segment()) {
            throw new IllegalArgumentException("tokens must be [" + state.batch() + ", at most " + config.segment()
                    + "]: tokens=" + tokens);
        }
        RmtState next = state.consume(tokens);
        List<Integer> rows = IntStream.range(0, Math.toIntExact(state.batch())).boxed().toList();
        Segment segment = forward(pass, 0, rows, next.memory(), rows.stream()
                .map(row -> tokens.select(0, row).toLongs()).toList());
        next.memory().copyFrom(segment.leaving());
        return new Step<>(logits(pass, segment), next);
    }

    /**
     * Reads whole documents, each segment in a pass of its own: memory does not grow with their length. Logits [B, classes] and
     * state lie in the arena.
     */
    public Step<RmtState> read(Supplier<Pass> passes, TensorArena arena, List<TokenSource> documents, Consumer<Segment> observer) {
        Batch batch = new Batch(config, documents);
        RmtState state = start(arena, batch.size());
        Tensor logits = null;
        long longest = 0;
        for (int s = 0; s < batch.segments(); s++) {
            int number = s;
            List<Integer> rows = batch.rows(s);
            try (Pass pass = passes.get()) {
                Tensor entering = pass.allocate(memory.dtype(), rows.size(), memory.size(0), memory.size(1));
                IntStream.range(0, rows.size()).forEach(i -> entering.select(0, i).copyFrom(state.memory().select(0, rows.get(i))));
                List<long[]> tokens = rows.stream().map(row -> batch.tokens(number, row)).toList();
                Segment segment = forward(pass, s, rows, entering, tokens);
                IntStream.range(0, rows.size()).forEach(i ->
                        state.memory().select(0, rows.get(i)).copyFrom(segment.leaving().select(0, i)));
                observer.accept(segment);
                longest += tokens.stream().mapToLong(t -> t.length).max().orElse(0);
                if (s == batch.segments() - 1) {
                    Tensor made = logits(pass, segment);
                    logits = arena.allocate(made.dtype(), made.shape()).copyFrom(made);
                }
            }
        }
        if (logits == null) {
            throw new IllegalStateException("documents have no segments");
        }
        return new Step<>(logits, state.advance(longest));
    }

    private Segment segment(Pass pass, Batch batch, int number, @Nullable Tensor carried) {
        List<Integer> rows = batch.rows(number);
        List<Integer> before = number == 0 ? List.of() : batch.rows(number - 1);
        return forward(pass, number, rows, MemoryRows.entering(pass, memory, before, carried, rows),
                rows.stream().map(row -> batch.tokens(number, row)).toList());
    }

    private Segment forward(Pass pass, int number, List<Integer> rows, Tensor entering, List<long[]> tokens) {
        int m = config.memory();
        int input = config.input();
        long[] behind = new long[rows.size() * (input - 1 - m)];
        long[] shown = new long[rows.size() * input];
        Arrays.fill(behind, special.pad());
        boolean padded = false;
        for (int i = 0; i < rows.size(); i++) {
            long[] own = tokens.get(i);
            int at = i * (input - 1 - m);
            behind[at] = special.sep();
            System.arraycopy(own, 0, behind, at + 1, own.length);
            behind[at + 1 + own.length] = special.sep();
            Arrays.fill(shown, i * input, i * input + m + RmtConfig.SPECIALS + own.length, 1);
            padded |= own.length < config.segment();
        }
        Tensor cls = pass.allocateOnHost(DType.I64, rows.size(), 1).fill(special.cls());
        Tensor rest = pass.allocateOnHost(DType.I64, rows.size(), input - 1L - m).set(behind);
        Tensor visible = padded ? pass.allocate(DType.U8, rows.size(), 1, input).set(shown) : null;
        Tensor embedded = Concat.apply(pass, 1, List.of(backbone.embed(pass, cls), entering, backbone.embed(pass, rest)));
        Tensor hidden = backbone.hidden(pass, embedded, visible, 0);
        Tensor leaving = Concat.apply(pass, 1, List.of(Views.slice(pass, hidden, 1, 1, 1L + m)));
        return new Segment(number, rows, tokens, entering, embedded, hidden, leaving);
    }
}
