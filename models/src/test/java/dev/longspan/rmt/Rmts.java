package dev.longspan.rmt;

import dev.longspan.kernel.Activation;
import dev.longspan.kernel.AttentionPattern.Branch;
import dev.longspan.longnet.Bench;
import dev.longspan.longnet.LongNet;
import dev.longspan.longnet.LongNetConfig;
import dev.longspan.longnet.LongNetEncoder;
import dev.longspan.megalodon.Megalodon;
import dev.longspan.megalodon.MegalodonConfig;
import dev.longspan.nn.Backbone;
import dev.longspan.nn.CausalBackbone;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.transformer.Bert;
import dev.longspan.transformer.Gpt2;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;

/** Models small enough for float64 loops: three memory vectors of width 12, segments of five tokens out of eleven. */
final class Rmts {

    static final int MEMORY = 3;
    static final int SEGMENT = 5;
    static final int CLASSES = 4;
    static final SpecialTokens SPECIAL = new SpecialTokens(0, 1, 2);
    static final RmtConfig ENCODER = RmtConfig.encoder(MEMORY, MEMORY + SEGMENT + 3);
    static final RmtConfig DECODER = RmtConfig.decoder(MEMORY, SEGMENT);

    private static final List<Branch> SCHEDULE = List.of(new Branch(3, 1), new Branch(7, 2), new Branch(10, 3));

    private Rmts() {
    }

    static Backbone bert(Bench bench, DType dtype) {
        return Bert.create(Bert.of(Bench.VOCABULARY, 12, 2, 2, 14, MEMORY + SEGMENT + 3), 2, bench.arena, dtype, 5);
    }

    /** Backbones that see both ways. */
    static Map<String, Backbone> encoders(Bench bench, DType dtype) {
        Map<String, Backbone> encoders = new LinkedHashMap<>();
        encoders.put("BERT", bert(bench, dtype));
        encoders.put("LongNet", LongNetEncoder.create(longNet().withoutOutputLayer(), bench.arena, dtype, 5));
        return encoders;
    }

    /** Backbones that do not. */
    static Map<String, CausalBackbone> decoders(Bench bench, DType dtype) {
        Map<String, CausalBackbone> decoders = new LinkedHashMap<>();
        decoders.put("GPT-2", LongNet.create(Gpt2.of(Bench.VOCABULARY, 12, 2, 2, 14, SEGMENT + 2 * MEMORY), bench.arena, dtype, 5));
        decoders.put("LongNet", LongNet.create(longNet(), bench.arena, dtype, 5));
        decoders.put("MEGALODON", Megalodon.create(new MegalodonConfig(Bench.VOCABULARY, Bench.VOCABULARY, 12, 1, 2, 8, 10, 14,
                true, 3, 7, 3, true, 1e-5, 10000, MegalodonConfig.Parts.MEGALODON, false, false, false,
                MegalodonConfig.Dropouts.NONE, MegalodonConfig.LinearInit.HE), bench.arena, dtype, 5));
        return decoders;
    }

    private static LongNetConfig longNet() {
        return LongNetConfig.of(Bench.VOCABULARY, 12, 2, 1, SCHEDULE).withFeedForward(14, Activation.GELU);
    }

    static RmtEncoder encoder(Bench bench, RmtConfig config, Backbone backbone) {
        DType dtype = backbone.parameters().values().iterator().next().dtype();
        return Bench.shaken(RmtEncoder.create(config, SPECIAL, backbone,
                Head.create(12, CLASSES, 0, bench.arena, dtype, 6), bench.arena, 7));
    }

    static RmtDecoder decoder(Bench bench, RmtConfig config, CausalBackbone backbone) {
        return Bench.shaken(RmtDecoder.create(config, backbone, 0.5, bench.arena, 7));
    }

    /** Documents of these lengths, without special tokens. */
    static List<TokenSource> documents(long seed, int... lengths) {
        Random random = new Random(seed);
        return IntStream.of(lengths).mapToObj(length -> TokenSource.of(random.longs(length, 3, Bench.VOCABULARY).toArray()))
                .toList();
    }

    static Tensor labels(Bench bench, long... labels) {
        return bench.arena.allocate(DType.I64, labels.length).set(labels);
    }
}
