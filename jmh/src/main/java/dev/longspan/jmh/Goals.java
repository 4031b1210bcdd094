package dev.longspan.jmh;

import java.util.List;
import java.util.OptionalDouble;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** Every figure that this library is to reach beside its peers. */
final class Goals {

    private static final String TORCH = "PyTorch";
    private static final double UNSAID = Double.NaN;
    private static final String DILATED = "dilated N=(32768|131072) H=8 D=64 ";
    private static final long SHORT = 32768;
    private static final long CHUNKS = 8192;
    private static final long MILLION = 1 << 20;

    /** In the order of the tables. */
    static final List<Goal> ALL = Stream.of(products(), attention(), bands(), rows(), models(), errors(), itself())
            .flatMap(g -> g).toList();

    private Goals() {
    }

    private static Stream<Goal> products() {
        String small = square(512) + "|" + square(1024);
        String large = square(2048) + "|" + square(4096);
        return Stream.of(
                product("512 and 1024", TORCH, 0.92, 0.95, small),
                product("2048 and 4096", TORCH, 0.86, 0.95, large),
                product("512 to 4096", "ND4J", 1, UNSAID, small + "|" + large),
                product("512 to 4096", "OpenBLAS", 1, UNSAID, small + "|" + large),
                product("512 to 4096", "Jlama", 5, UNSAID, small + "|" + large));
    }

    private static Goal product(String sizes, String peer, double must, double aim, String problem) {
        return new Goal("product, weights packed once, " + sizes, peer, must, aim, false, "gemm",
                Pattern.compile(problem), Goal.packedRatio(peer));
    }

    private static String square(int n) {
        return n + " x " + n + " x " + n + " nt";
    }

    private static Stream<Goal> attention() {
        return Stream.of(
                ratio("causal attention, D=64", TORCH, 1.25, 1.45, "attention", "causal .* D=64 fwd"),
                ratio("causal attention, D=128, 2K and 8K", TORCH, 1.15, 1.45, "attention",
                        "causal N=(2048|8192) .* D=128 fwd"),
                ratio("causal attention, D=128, 16K", TORCH, 1.12, 1.45, "attention", "causal N=16384 .* D=128 fwd"),
                ratio("full attention, D=64", TORCH, 1.08, 1.2, "attention", "full .* D=64 fwd"),
                ratio("full attention, D=128", TORCH, 1, 1.2, "attention", "full .* D=128 fwd"),
                ratio("causal attention, forward and backward", TORCH, 1.15, 1.3, "attention", "causal .* fwd\\+bwd"),
                ratio("full attention, forward and backward", TORCH, 1, 1.3, "attention", "full .* fwd\\+bwd"),
                ratio("attention stored in bfloat16", "PyTorch in bfloat16", TORCH, 1.8, 2.2, "attention",
                        ".* fwd bf16"),
                ratio("the same, forward and backward", "PyTorch in bfloat16", TORCH, 1.8, 2.2, "attention",
                        ".* fwd\\+bwd bf16"),
                ratio("causal attention", "ONNX Runtime, unidirectional", "ONNX Runtime", 4, UNSAID, "attention",
                        "causal .* fwd"),
                ratio("causal attention", "ONNX Runtime GQA", 1.8, UNSAID, "attention", "causal .* fwd"),
                ratio("causal attention", "DJL with TorchScript", "DJL", 1.4, UNSAID, "attention", "causal .* fwd"),
                ratio("MEGALODON's chunk attention", TORCH, 1.1, UNSAID, "chunk-attention", ".* fwd"),
                ratio("the same, forward and backward", TORCH, 1, UNSAID, "chunk-attention", ".* fwd\\+bwd"),
                ratio("dilated attention, 32K and 128K", TORCH, 2, 2.4, "dilated-attention", DILATED + "fwd"),
                ratio("the same, forward and backward", TORCH, 1.7, 2.4, "dilated-attention", DILATED + "fwd\\+bwd"),
                new Goal("dilated attention, peak memory", TORCH, 0.5, UNSAID, true, "dilated-attention",
                        Pattern.compile(DILATED + "fwd(\\+bwd)?"), Goal.memoryOf(TORCH)));
    }

    private static Stream<Goal> bands() {
        return Stream.of(
                new Goal("CEMA, 2K and 64K", "time of a C loop", 1.3, 1.1, true, "cema",
                        Pattern.compile("L=(2048|65536) .* fwd"),
                        Goal.timeOf("C")),
                ratio("CEMA, 2K and 64K", TORCH, 3, 4, "cema", "L=(2048|65536) .* fwd"),
                ratio("the same, forward and backward", TORCH, 3, 4, "cema", "L=(2048|65536) .* fwd\\+bwd"));
    }

    private static Stream<Goal> rows() {
        return Stream.of(
                ratio("RMSNorm", TORCH, 3, UNSAID, "pointwise", "rms_norm .*"),
                ratio("tanh GELU", TORCH, 5, UNSAID, "pointwise", "gelu_tanh .*"),
                ratio("softmax", TORCH, 1.5, UNSAID, "pointwise", "softmax .*"),
                ratio("SiLU", TORCH, 1.4, UNSAID, "pointwise", "silu .*"),
                ratio("LayerNorm", TORCH, 1.2, UNSAID, "pointwise", "layer_norm .*"));
    }

    private static Stream<Goal> models() {
        return Stream.of(
                new Goal("MEGALODON 3.7M, 8K, forward", "the peak of multiply-adds", 0.6, 0.7, false, "models",
                        Pattern.compile("megalodon-small forward 8192"), Goal.shareOfPeak()),
                new Goal("the same, a step of training", "the peak of multiply-adds", 0.5, 0.6, false, "models",
                        Pattern.compile("megalodon-small train 8192"), Goal.shareOfPeak()),
                ratio("the same, decode", TORCH, 8, UNSAID, "models", "megalodon-small decode"),
                new Goal("decode of 220M parameters", "reading the weights", 0.8, UNSAID, false, "models",
                        Pattern.compile("(llama|megalodon)-200M decode"), Goal.shareOfReading()),
                ratio("training step of 10M parameters, 8K", TORCH, 1.15, 1.4, "models",
                        "(longnet|transformer)-10M train 8192"));
    }

    private static Stream<Goal> errors() {
        return Stream.of("gemm", "attention", "chunk-attention", "dilated-attention", "cema", "timestep-norm", "pointwise", "decode",
                "models").map(family -> new Goal("error, " + family, TORCH, 1, UNSAID, true, family, Pattern.compile(".*"),
                        Goal.errorOf(TORCH)));
    }

    private static Stream<Goal> itself() {
        return Stream.of(
                bf16("one row times weights in bfloat16", "decode", "1 x 32000 x 1024 nt"),
                bf16("decode of 220M parameters in bfloat16", "models", "llama-200M decode"),
                new Goal("2 threads, bound by arithmetic", "1 thread", 1.9, UNSAID, false, Family.THREADS,
                        Pattern.compile("(?!1 x ).* nt|.* fwd(\\+bwd)?|.* forward .*"), Goal.speedUp(false)),
                new Goal("2 threads, bound by memory", "what memory gives to 2 over 1", 0.95, UNSAID, false,
                        Family.THREADS,
                        Pattern.compile("(rms_norm|gelu_tanh) .*|.* groups=.*|1 x .*|.* decode"), Goal.speedUp(true)),
                flat("LongNet's attention, a token at 1M", "a token at 32K", "dilated N=%d H=8 D=64 fwd", SHORT),
                flat("MEGALODON, a token at 1M", "a token at 8K", "megalodon-small stream %d", CHUNKS));
    }

    private static Goal ratio(String work, String peer, double must, double aim, String family, String problem) {
        return ratio(work, peer, peer, must, aim, family, problem);
    }

    private static Goal ratio(String work, String against, String peer, double must, double aim, String family,
            String problem) {
        return new Goal(work, against, must, aim, false, family, Pattern.compile(problem),
                new Goal.Ratio(Pattern.compile(peer)));
    }

    private static Goal bf16(String work, String family, String problem) {
        return new Goal(work, "float32", 1.7, UNSAID, false, family, Pattern.compile(problem + " bf16"),
                Goal.over(problem, 1, 1));
    }

    private static Goal flat(String work, String against, String problem, long few) {
        return new Goal(work, against, 1.05, UNSAID, true, "long", Pattern.compile(problem.formatted(few)),
                Goal.over(problem.formatted(MILLION), few, MILLION));
    }

    /** What the ratio of a peer in a row must be. */
    static OptionalDouble must(String family, Row row, Row.Result result) {
        return ALL.stream().filter(goal -> goal.isRatioOf(family, row, result)).mapToDouble(Goal::must).findFirst();
    }
}
