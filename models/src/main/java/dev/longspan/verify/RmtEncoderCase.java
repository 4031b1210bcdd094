package dev.longspan.verify;

import dev.longspan.autograd.Gradients;
import dev.longspan.autograd.Pass;
import dev.longspan.json.JsonObject;
import dev.longspan.longnet.LongNetConfig;
import dev.longspan.longnet.LongNetConfig.Norms;
import dev.longspan.nn.Parameters;
import dev.longspan.op.Loss;
import dev.longspan.rmt.Alignment;
import dev.longspan.rmt.Head;
import dev.longspan.rmt.RmtConfig;
import dev.longspan.rmt.RmtConfig.Limits;
import dev.longspan.rmt.RmtConfig.Supervision;
import dev.longspan.rmt.RmtEncoder;
import dev.longspan.rmt.Segment;
import dev.longspan.rmt.SpecialTokens;
import dev.longspan.rmt.TokenSource;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.transformer.Bert;
import dev.longspan.transformer.BertNames;
import dev.longspan.transformer.ForeignLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.stream.LongStream;

/**
 * The released encoder wrapper around {@code BertForSequenceClassification}: ids and labels to hidden states, memories, logits
 * and losses of each segment, and all gradients. As there, what is too long is cut off.
 */
final class RmtEncoderCase implements CaseRunner {

    private static final String TABLE = "model.bert.embeddings.word_embeddings.weight";
    private static final Set<String> WITHOUT_EFFECT = Set.of("case");

    @Override
    public String quantity(String stem) {
        return RmtGolden.quantity(stem);
    }

    @Override
    public Map<String, Values> run(GoldenCase golden, Variant variant, Machine machine) {
        JsonObject json = golden.json().ignore(WITHOUT_EFFECT);
        long vocabulary = json.integer("vocab");
        int memory = RmtGolden.size(json, "mem");
        SpecialTokens special = new SpecialTokens(json.integer("pad_id"), json.integer("cls_id"), json.integer("sep_id"));
        RmtConfig config = RmtConfig.encoder(memory, RmtGolden.size(json, "input_size"))
                .withAlignment(RmtGolden.alignment(json, Alignment.RIGHT))
                .withSupervision(json.flag("sum_loss", false) ? Supervision.MEAN : Supervision.LAST)
                .withLimits(new Limits(1, RmtGolden.size(json, "max_n_segments"), true));
        RmtGolden.expect(json, "segment_size", config.segment());
        RmtGolden.expect(json, "bptt_depth", -1); // the released encoder has no other
        Tensor ids = golden.input("input_ids", variant.dtype(), machine.arena());
        RmtGolden.expect(json, "batch", ids.size(0));
        List<TokenSource> documents = documents(json, ids, special);
        LongNetConfig bert = bert(json);
        int types = RmtGolden.size(json, "type_vocab");
        int classes = RmtGolden.size(json, "labels");
        int runs = Math.toIntExact(json.integer("segments_run", -1));
        json.rejectUnread();
        if (golden.size("w." + TABLE, 0) != vocabulary + memory) {
            throw new IllegalArgumentException("tensor w." + TABLE + " must have a row for each token and memory vector: vocab="
                    + vocabulary + ", mem=" + memory + ", rows=" + golden.size("w." + TABLE, 0));
        }
        ForeignLayout layout = own -> place(own, vocabulary);
        Parameters weights = golden.placedWeights("w.", layout, variant.dtype(), machine.arena());
        RmtEncoder model = new RmtEncoder(config, special, Bert.of(bert, types, weights.within("backbone")),
                weights.get("memory", memory, bert.width()), Head.of(weights.within("head"), bert.width(), classes, 0));
        Tensor labels = golden.input("labels", variant.dtype(), machine.arena(), ids.size(0));
        Map<String, Values> results = new LinkedHashMap<>();
        Gradients gradients = new Gradients(machine.arena(), model.parameters().values());
        try (Pass pass = RmtGolden.training(machine, gradients)) {
            List<Segment> segments = new ArrayList<>();
            Tensor loss = model.loss(pass, documents, labels, segments::add);
            if (runs >= 0 && runs != segments.size()) {
                throw new IllegalArgumentException("config.segments_run must be what the inputs give: segments_run=" + runs
                        + ", inputs=" + segments.size());
            }
            results.put("loss", Values.of(loss));
            for (Segment segment : segments) {
                addOutputs(model, pass, segment, labels, results);
            }
            results.put("logits", results.get("seg" + (segments.size() - 1) + ".logits"));
            pass.backward(loss);
            for (Segment segment : segments) {
                RmtGolden.addSegment(pass, segment.number(), segment, results);
                results.put("seg" + segment.number() + ".g_mem_in",
                        Values.of(pass.gradient(segment.embedded()).slice(1, 1, 1L + memory)));
                addFrame(model, vocabulary, segment, documents.size(), results);
            }
        }
        RmtGolden.addGradients(golden, layout, model.parameters(), gradients, machine, results);
        return results;
    }

    private static List<TokenSource> documents(JsonObject json, Tensor ids, SpecialTokens special) {
        List<long[]> documents = LongStream.range(0, ids.size(0)).mapToObj(row ->
                special.stripped(ids.select(0, row).toLongs())).toList();
        long[] lengths = documents.stream().mapToLong(document -> document.length).toArray();
        if (json.has("lengths") && !Arrays.equals(json.integers("lengths"), lengths)) {
            throw new IllegalArgumentException("config.lengths must be the documents': lengths="
                    + Arrays.toString(json.integers("lengths")) + ", documents=" + Arrays.toString(lengths));
        }
        return documents.stream().map(TokenSource::of).toList();
    }

    private static LongNetConfig bert(JsonObject json) {
        LongNetConfig bert = Bert.of(json.integer("vocab"), RmtGolden.size(json, "d_model"), RmtGolden.size(json, "heads"),
                RmtGolden.size(json, "layers"), RmtGolden.size(json, "ffn"), json.integer("max_position"));
        return bert.withFeedForward(bert.feedForward().width(), RmtGolden.activation(json))
                .withNorms(new Norms(false, false, false, false, true, json.number("ln_eps", 1e-12)));
    }

    /** The released code keeps the memory as further rows of the table of words. */
    private static ForeignLayout.Place place(String own, long vocabulary) {
        return switch (own) {
            case "memory" -> new ForeignLayout.Place(TABLE, whole -> whole.slice(0, vocabulary, whole.size(0)));
            case "backbone.encoder.embedding.weight" ->
                new ForeignLayout.Place(TABLE, whole -> whole.slice(0, 0, vocabulary));
            default -> new ForeignLayout.Place(name(own), UnaryOperator.identity());
        };
    }

    private static String name(String own) {
        return own.startsWith("head.classifier.") ? "model." + own.substring("head.".length())
                : "model.bert." + BertNames.MAP.toForeign(own.substring(own.indexOf('.') + 1));
    }

    private static void addOutputs(RmtEncoder model, Pass pass, Segment segment, Tensor labels, Map<String, Values> results) {
        long[] all = labels.toLongs();
        long[] own = segment.rows().stream().mapToLong(row -> all[row]).toArray();
        Tensor logits = model.logits(pass, segment);
        results.put("seg" + segment.number() + ".logits", Values.of(logits));
        results.put("seg" + segment.number() + ".loss",
                Values.of(Loss.meanCrossEntropy(pass, logits, pass.allocateOnHost(DType.I64, own.length).set(own))));
    }

    /** The ids that the released code makes of a segment, its mask and which documents take part. */
    private static void addFrame(RmtEncoder model, long vocabulary, Segment segment, int batch, Map<String, Values> results) {
        SpecialTokens special = model.special();
        int input = model.config().input();
        List<Long> ids = new ArrayList<>();
        for (long[] tokens : segment.tokens()) {
            int end = ids.size() + input;
            ids.add(special.cls());
            LongStream.range(0, model.config().memory()).forEach(i -> ids.add(vocabulary + i));
            ids.add(special.sep());
            Arrays.stream(tokens).forEach(ids::add);
            ids.add(special.sep());
            while (ids.size() < end) {
                ids.add(special.pad());
            }
        }
        String prefix = "seg" + segment.number() + ".";
        results.put(prefix + "ids", RmtGolden.integers(ids, segment.rows().size(), input));
        results.put(prefix + "mask", RmtGolden.integers(ids.stream().map(id -> id == special.pad() ? 0L : 1L).toList(),
                segment.rows().size(), input));
        results.put(prefix + "rows", RmtGolden.integers(LongStream.range(0, batch)
                .mapToObj(row -> segment.rows().contains((int) row) ? 1L : 0L).toList(), batch));
    }
}
