package dev.longspan.jmh;

import dev.longspan.autograd.Checkpoints;
import dev.longspan.kernel.AttentionPattern;
import dev.longspan.kernel.AttentionPattern.Branch;
import dev.longspan.kernel.Rotary;
import dev.longspan.longnet.DecoderArchitecture;
import dev.longspan.longnet.LongNetConfig;
import dev.longspan.longnet.Rotation;
import dev.longspan.megalodon.MegalodonArchitecture;
import dev.longspan.megalodon.MegalodonConfig;
import dev.longspan.model.Architectures;
import dev.longspan.rmt.RmtArchitecture;
import dev.longspan.transformer.DenseTransformer;
import dev.longspan.transformer.Llama;
import dev.longspan.tensor.DType;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The models that are measured as a whole, by name. */
final class BenchmarkModels {

    private static final List<Branch> SCHEDULE = List.of(new Branch(1024, 1), new Branch(2048, 2), new Branch(4096, 4),
            new Branch(8192, 8));
    private static final RmtArchitecture RMT = new RmtArchitecture(new Architectures(List.of(Llama.ARCHITECTURE)));
    private static final long BYTES = 256;
    private static final long WORDS = 32_000;

    private BenchmarkModels() {
    }

    /** {@code name train|forward|stream context}, {@code name decode [bf16]}. */
    static Problem of(String problem) {
        String[] words = problem.split(" ", -1);
        ModelProblem.Mode mode = switch (words[1]) {
            case "train" -> ModelProblem.Mode.TRAIN;
            case "forward" -> ModelProblem.Mode.FORWARD;
            case "stream" -> ModelProblem.Mode.STREAM;
            case "decode" -> ModelProblem.Mode.DECODE;
            default -> throw new IllegalArgumentException(
                    "a model must train, forward, stream or decode: problem=" + problem);
        };
        boolean isHalf = words[words.length - 1].equals("bf16");
        if (isHalf && !words[0].startsWith("llama")) {
            throw new IllegalArgumentException("a model stored in bf16 must be a llama: problem=" + problem);
        }
        DType weights = isHalf ? DType.BF16 : DType.F32;
        long context = words.length > 2 && !isHalf ? Long.parseLong(words[2]) : 1;
        return switch (words[0]) {
            case "longnet-10M" -> decoder(problem, mode, context, weights, tenMillion());
            case "transformer-10M" -> decoder(problem, mode, context, weights, DenseTransformer.of(tenMillion()));
            case "llama-small" -> decoder(problem, mode, context, weights, Llama.preset("small", BYTES));
            case "llama-200M" -> decoder(problem, mode, context, weights, Llama.preset("200M", WORDS));
            case "megalodon-small" -> megalodon(problem, mode, context, MegalodonConfig.preset("small", BYTES));
            case "megalodon-200M" -> megalodon(problem, mode, context, MegalodonConfig.preset("mega200M", WORDS));
            case "rmt-small" -> new ModelProblem(problem, RMT.read(RMT.preset("small", context, BYTES)), mode, context,
                    weights, "rmt", Map.of());
            default -> throw new IllegalArgumentException("no such model: problem=" + problem);
        };
    }

    /** 6 layers of width 384 over bytes, 10.8 million parameters; RoPE, as whoever writes it in PyTorch would have it. */
    private static LongNetConfig tenMillion() {
        return LongNetConfig.of(BYTES, 384, 6, 6, SCHEDULE)
                .withPositions(new Rotation.Rope(10000, Rotary.Pairs.NEIGHBOURS), 0);
    }

    private static Problem decoder(String name, ModelProblem.Mode mode, long context, DType weights,
            LongNetConfig config) {
        Map<String, Object> numbers = new LinkedHashMap<>();
        numbers.put("layers", (long) config.layers());
        numbers.put("heads", (long) config.heads());
        numbers.put("eps", config.norms().eps());
        numbers.put("rms", config.norms().kind() == LongNetConfig.Norms.Kind.RMS);
        numbers.put("inner", config.norms().inner());
        numbers.put("gated", config.feedForward().gated());
        numbers.put("halves", config.rotation() instanceof Rotation.Rope rope && rope.pairs() == Rotary.Pairs.HALVES);
        numbers.put("branches", config.pattern() instanceof AttentionPattern.Dilated dilated ? dilated.schedule().stream()
                .map(b -> Map.of("segment", b.segment(), "dilation", b.dilation())).toList() : List.of());
        return new ModelProblem(name, new DecoderArchitecture.Decoder(config, Checkpoints.NONE), mode, context, weights, "decoder",
                numbers);
    }

    private static Problem megalodon(String name, ModelProblem.Mode mode, long context, MegalodonConfig config) {
        Map<String, Object> numbers = new LinkedHashMap<>();
        numbers.put("layers", (long) config.layers());
        numbers.put("heads", (long) config.heads());
        numbers.put("chunk", (long) config.chunk());
        numbers.put("groups", (long) config.groups());
        numbers.put("eps", config.eps());
        numbers.put("ropeBase", config.ropeBase());
        return new ModelProblem(name, new MegalodonArchitecture.Stack(config, Checkpoints.NONE), mode, context, DType.F32,
                "megalodon", numbers);
    }
}
