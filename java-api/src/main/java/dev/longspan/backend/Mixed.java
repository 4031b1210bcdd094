package dev.longspan.backend;

import dev.longspan.kernel.AttentionKernel;
import dev.longspan.kernel.GemmKernel;
import dev.longspan.kernel.Kernels;
import java.util.ArrayList;
import java.util.List;

/** Each kernel family from the backend that computes it faster, vector or host: what runs by default where both do. */
final class Mixed {

    /**
     * Milliseconds by {@code longspan bench kernels --threads 1} under {@code chrt -r 1}, on an AMD EPYC with AVX-512 and JDK
     * 25.0.3, beside other work: {@code jmh/results/host-amd-epyc.md} has the whole run.
     */
    private static final List<Measured> TABLE = List.of(
            new Measured("gemm", "128 x 128 x 128", 0.087, 0.061),
            new Measured("gemm", "256 x 256 x 256", 0.499, 0.396),
            new Measured("gemm", "512 x 512 x 512", 3.392, 3.108),
            // One row, 16 matrices in turn so that none is in a cache; medians of processor time beside other work, A B A B.
            new Measured("decoding gemm", "1 x 1024 x 4096 by rows", 1.338, 1.832),
            new Measured("decoding gemm", "1 x 1024 x 4096 by rows, bfloat16", 1.382, 1.886),
            new Measured("decoding gemm", "1 x 1024 x 4096 by columns", 1.139, 2.148),
            new Measured("decoding gemm", "1 x 1024 x 4096 by columns, bfloat16", 0.740, 1.705),
            new Measured("decoding attention", "one query, N=1024 H=8 D=64", 0.594, 1.053),
            new Measured("decoding attention", "one query, N=8192 H=8 D=64", 5.880, 17.349),
            new Measured("attention", "dense N=2048 H=2 D=64 fwd", 17.625, 12.646),
            new Measured("attention", "dilated N=2048 H=2 D=64 fwd", 6.954, 5.403),
            new Measured("attention", "dense N=2048 H=2 D=64 fwd+bwd", 56.039, 43.367),
            new Measured("attention", "dilated N=2048 H=2 D=64 fwd+bwd", 23.536, 18.268),
            new Measured("norm", "RMSNorm 1024 x 1024", 0.323, 0.156),
            new Measured("norm", "LayerNorm 1024 x 1024", 0.473, 0.439),
            new Measured("norm", "RMSNorm fwd+bwd 1024 x 1024", 1.856, 1.634),
            new Measured("norm", "LayerNorm fwd+bwd 1024 x 1024", 1.852, 1.988),
            new Measured("elementwise", "GELU 1024 x 1024", 0.671, 0.934),
            new Measured("elementwise", "SiLU 1024 x 1024", 0.384, 0.669),
            new Measured("elementwise", "SwiGLU fwd+bwd 1024 x 1024", 3.618, 2.389),
            new Measured("elementwise", "addition 1024 x 1024", 0.540, 0.712),
            new Measured("elementwise", "dropout 1024 x 1024", 2.409, 3.515),
            new Measured("embedding", "embedding 1024 x 1024", 0.719, 0.716),
            new Measured("embedding", "embedding bwd 1024 x 1024", 1.006, 0.788),
            new Measured("loss", "cross-entropy 1024 x 1024", 0.681, 0.416),
            new Measured("loss", "cross-entropy fwd+bwd 1024 x 1024", 1.845, 1.728),
            new Measured("optimizer", "AdamW 1024 x 1024", 0.812, 0.849),
            new Measured("scan", "CEMA L=2048 D=512 n=16 fwd", 2.968, 5.230),
            new Measured("scan", "CEMA L=2048 D=512 n=16 fwd+bwd", 11.623, 20.990),
            new Measured("timestep norm", "L=2048 D=2048/32", 4.689, 12.933),
            new Measured("timestep norm", "L=2048 D=4096/64", 12.221, 34.225));

    /** One problem's times. */
    private record Measured(String family, String problem, double vectorMillis, double hostMillis) {
    }

    private Mixed() {
    }

    static Backend of(Backend vector, Backend host) {
        Kernels v = vector.kernels();
        Kernels h = host.kernels();
        List<String> fromHost = new ArrayList<>();
        GemmKernel gemm = pick("gemm", v.gemm(), h.gemm(), fromHost);
        AttentionKernel attention = pick("attention", v.attention(), h.attention(), fromHost);
        Kernels kernels = new Kernels(isFasterOnHost("decoding gemm") ? gemm : new DecodingGemm(v.gemm(), gemm),
                isFasterOnHost("decoding attention") ? attention : new DecodingAttention(v.attention(), attention),
                pick("norm", v.norm(), h.norm(), fromHost), pick("elementwise", v.elementwise(), h.elementwise(), fromHost), v.rotary(),
                pick("embedding", v.embedding(), h.embedding(), fromHost), pick("loss", v.loss(), h.loss(), fromHost),
                pick("optimizer", v.optimizer(), h.optimizer(), fromHost), pick("scan", v.scan(), h.scan(), fromHost), v.coefficients(),
                v.recurrence(),
                pick("timestep norm", v.timestepNorm(), h.timestepNorm(), fromHost));
        return new Backend("mixed", String.join(", ", fromHost) + " of host, the rest of vector", vector.space(),
                vector.dtypes(), kernels, null);
    }

    private static <K> K pick(String family, K vector, K host, List<String> fromHost) {
        if (!isFasterOnHost(family)) {
            return vector;
        }
        fromHost.add(family);
        return host;
    }

    /** Whether host's times are shorter on the geometric mean of a family's problems. */
    private static boolean isFasterOnHost(String family) {
        return TABLE.stream().filter(m -> m.family.equals(family))
                .mapToDouble(m -> Math.log(m.vectorMillis / m.hostMillis)).sum() > 0;
    }
}
