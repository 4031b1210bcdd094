package dev.longspan.verify;

import dev.longspan.autograd.Gradients;
import dev.longspan.autograd.Pass;
import dev.longspan.json.JsonObject;
import dev.longspan.longnet.LongNet;
import dev.longspan.longnet.LongNetConfig;
import dev.longspan.longnet.LongNetConfig.Norms;
import dev.longspan.nn.Parameters;
import dev.longspan.op.Loss;
import dev.longspan.rmt.Alignment;
import dev.longspan.rmt.RmtConfig;
import dev.longspan.rmt.RmtConfig.Bptt;
import dev.longspan.rmt.RmtDecoder;
import dev.longspan.rmt.Segment;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.transformer.ForeignLayout;
import dev.longspan.transformer.Gpt2;
import dev.longspan.transformer.Gpt2Layout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * The released decoder wrapper around {@code GPT2LMHeadModel}: ids and labels, which it shifts itself, to hidden states and
 * memories of each segment, logits, loss and all gradients.
 */
final class RmtDecoderCase implements CaseRunner {

    private static final String MODEL = "memory_cell.model.";
    private static final String TABLE = MODEL + "transformer.wte.weight";
    private static final String HEAD = MODEL + "lm_head.weight";
    private static final long IGNORED = -100;
    private static final Set<String> WITHOUT_EFFECT = Set.of("case");

    @Override
    public String quantity(String stem) {
        return RmtGolden.quantity(stem);
    }

    @Override
    public Map<String, Values> run(GoldenCase golden, Variant variant, Machine machine) {
        JsonObject json = golden.json().ignore(WITHOUT_EFFECT);
        int memory = RmtGolden.size(json, "mem");
        RmtConfig config = RmtConfig.decoder(memory, RmtGolden.size(json, "segment_size"))
                .withAlignment(RmtGolden.alignment(json, Alignment.LEFT)).withBptt(bptt(json));
        if (json.flag("wrap_pos", false)) {
            throw new IllegalArgumentException("config.wrap_pos is not supported: wrap_pos=true");
        }
        boolean tied = json.flag("tied_lm_head", true);
        LongNetConfig gpt2 = gpt2(json).withEmbedding(false, tied);
        Tensor tokens = golden.input("input_ids", variant.dtype(), machine.arena());
        RmtGolden.expect(json, "batch", tokens.size(0));
        RmtGolden.expect(json, "length", tokens.size(1));
        int runs = Math.toIntExact(json.integer("segments_run", -1));
        json.rejectUnread();
        if (tied) {
            golden.checkTied("w." + TABLE, "w." + HEAD, variant.dtype(), machine.arena());
        }
        ForeignLayout layout = RmtDecoderCase::place;
        Parameters weights = golden.placedWeights("w.", layout, variant.dtype(), machine.arena());
        RmtDecoder model = new RmtDecoder(config, LongNet.of(gpt2, weights.within("backbone")),
                weights.get("memory", memory, gpt2.width()));
        Tensor visible = visible(golden, tokens, variant, machine);
        Tensor targets = targets(golden, tokens, variant, machine);
        Map<String, Values> results = new LinkedHashMap<>();
        Gradients gradients = new Gradients(machine.arena(), model.parameters().values());
        try (Pass pass = RmtGolden.training(machine, gradients)) {
            List<Segment> segments = new ArrayList<>();
            Tensor loss = model.loss(pass, tokens, targets, visible, segments::add);
            if (runs >= 0 && runs != segments.size()) {
                throw new IllegalArgumentException("config.segments_run must be what the inputs give: segments_run=" + runs
                        + ", inputs=" + segments.size());
            }
            results.put("loss", Values.of(loss));
            List<Tensor> logits = segments.stream().map(segment -> machine.copy(model.logits(pass, segment))).toList();
            results.put("logits", Values.of(Parts.join(logits, 1, machine.arena())));
            for (int i = 0; i < logits.size(); i++) {
                results.put("seg" + i + ".logits", Values.of(logits.get(i)));
            }
            pass.backward(loss);
            segments.forEach(segment -> addMemories(pass, segment, memory, results));
        }
        RmtGolden.addGradients(golden, layout, model.parameters(), gradients, machine, results);
        if (tied) {
            results.put("g." + HEAD, Objects.requireNonNull(results.get("g." + TABLE)));
        }
        return results;
    }

    private static void addMemories(Pass pass, Segment segment, int memory, Map<String, Values> results) {
        RmtGolden.addSegment(pass, segment.number(), segment, results);
        Tensor dEmbedded = pass.gradient(segment.embedded());
        long rows = dEmbedded.size(1);
        results.put("seg" + segment.number() + ".g_mem_read", Values.of(dEmbedded.slice(1, 0, memory)));
        results.put("seg" + segment.number() + ".g_mem_write", Values.of(dEmbedded.slice(1, rows - memory, rows)));
    }

    /** aaai24 cuts the memory off by a rule of its own; framework_accel computes that rule and ignores it. */
    private static Bptt bptt(JsonObject json) {
        int k2 = Math.toIntExact(json.integer("k2", -1));
        int segments = Math.toIntExact(json.integer("max_n_segments", 0)); // longer sequences are read all the same
        String module = json.text("module");
        return switch (module) {
            case "aaai24" -> k2 < 0 ? Bptt.FULL : Bptt.reference(k2, segments);
            case "framework_accel" -> Bptt.FULL;
            default -> throw new IllegalArgumentException("config.module must be aaai24 or framework_accel: module=" + module);
        };
    }

    private static LongNetConfig gpt2(JsonObject json) {
        LongNetConfig gpt2 = Gpt2.of(json.integer("vocab"), RmtGolden.size(json, "d_model"), RmtGolden.size(json, "heads"),
                RmtGolden.size(json, "layers"), RmtGolden.size(json, "ffn"), json.integer("n_positions"));
        return gpt2.withFeedForward(gpt2.feedForward().width(), RmtGolden.activation(json))
                .withNorms(new Norms(true, false, false, true, false, json.number("ln_eps", 1e-5)));
    }

    private static ForeignLayout.Place place(String own) {
        if (own.equals("memory")) {
            return new ForeignLayout.Place("memory_cell.memory", UnaryOperator.identity());
        }
        ForeignLayout.Place place = Gpt2Layout.LAYOUT.place(own.substring("backbone.".length()));
        String prefix = place.name().startsWith("lm_head.") ? MODEL : MODEL + "transformer.";
        return new ForeignLayout.Place(prefix + place.name(), place.view());
    }

    private static @Nullable Tensor visible(GoldenCase golden, Tensor tokens, Variant variant, Machine machine) {
        if (!golden.has("attention_mask")) {
            return null;
        }
        long[] shown = golden.input("attention_mask", variant.dtype(), machine.arena(), tokens.shape()).toLongs();
        return machine.arena().allocate(DType.U8, tokens.shape()).set(Arrays.stream(shown).map(v -> v == 0 ? 0 : 1).toArray());
    }

    /** The label behind each token, where the mask of labels shows the token. */
    private static Tensor targets(GoldenCase golden, Tensor tokens, Variant variant, Machine machine) {
        long[] labels = golden.input("labels", variant.dtype(), machine.arena(), tokens.shape()).toLongs();
        long[] shown = golden.has("labels_mask")
                ? golden.input("labels_mask", variant.dtype(), machine.arena(), tokens.shape()).toLongs() : labels.clone();
        int rows = Math.toIntExact(tokens.size(1));
        long[] targets = new long[labels.length];
        for (int i = 0; i < targets.length; i++) {
            boolean counts = i % rows < rows - 1 && labels[i + 1] != IGNORED && (!golden.has("labels_mask") || shown[i] != 0);
            targets[i] = counts ? labels[i + 1] : Loss.IGNORED;
        }
        return machine.arena().allocate(DType.I64, tokens.shape()).set(targets);
    }
}
