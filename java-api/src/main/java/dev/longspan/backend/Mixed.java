package dev.longspan.backend;

import dev.longspan.kernel.AttentionKernel;
import dev.longspan.kernel.Kernels;
import java.util.ArrayList;
import java.util.List;

/** Each kernel family from the backend that computes it faster, vector or host: what runs by default where both do. */
final class Mixed {

    /**
     * Milliseconds by {@code longspan bench kernels --threads 1} on an AMD EPYC with AVX-512 and JDK 25.0.3:
     * {@code jmh/results/host-amd-epyc.md} has the whole run.
     */
    private static final List<Measured> TABLE = List.of(
            // In turns on a Zen 5: forward, the gradient of weights, few rows, one row of weights in float32 and bfloat16.
            new Measured("gemm", "512 x 512 x 512 nt", 1.427, 1.380),
            new Measured("gemm", "1024 x 1024 x 1024 nt", 11.612, 10.988),
            new Measured("gemm", "384 x 384 x 8192 tn", 15.306, 12.641),
            new Measured("gemm", "8 x 1024 x 1024 nt", 0.322, 0.340),
            new Measured("gemm", "1 x 32000 x 1024 nt", 3.849, 3.541),
            new Measured("gemm", "1 x 32000 x 1024 nt bf16", 1.960, 1.561),
            // Beside other work.
            new Measured("decoding attention", "one query, N=1024 H=8 D=64", 0.594, 1.053),
            new Measured("decoding attention", "one query, N=8192 H=8 D=64", 5.880, 17.349),
            new Measured("attention", "dense N=2048 H=2 D=64 fwd", 15.811, 14.306),
            new Measured("attention", "dilated N=2048 H=2 D=64 fwd", 6.758, 6.351),
            new Measured("attention", "dense N=2048 H=2 D=64 fwd+bwd", 46.754, 44.732),
            new Measured("attention", "dilated N=2048 H=2 D=64 fwd+bwd", 22.905, 20.860),
            new Measured("norm", "RMSNorm 1024 x 1024", 0.589, 0.300),
            new Measured("norm", "LayerNorm 1024 x 1024", 0.944, 0.666),
            new Measured("norm", "RMSNorm fwd+bwd 1024 x 1024", 2.446, 1.991),
            new Measured("norm", "LayerNorm fwd+bwd 1024 x 1024", 2.104, 2.139),
            new Measured("elementwise", "GELU 1024 x 1024", 1.214, 1.046),
            new Measured("elementwise", "SiLU 1024 x 1024", 0.358, 0.514),
            new Measured("elementwise", "SwiGLU fwd+bwd 1024 x 1024", 3.123, 2.591),
            new Measured("elementwise", "addition 1024 x 1024", 0.648, 0.663),
            new Measured("elementwise", "dropout 1024 x 1024", 3.135, 3.859),
            // By make bench: results that no cache holds.
            new Measured("elementwise", "GELU by tanh 4096 x 1024", 3.063, 1.755),
            new Measured("elementwise", "SiLU 4096 x 1024", 2.531, 1.751),
            new Measured("embedding", "embedding 1024 x 1024", 0.930, 0.441),
            new Measured("embedding", "embedding bwd 1024 x 1024", 1.375, 0.567),
            new Measured("loss", "cross-entropy 1024 x 1024", 0.845, 0.535),
            new Measured("loss", "cross-entropy fwd+bwd 1024 x 1024", 2.066, 1.581),
            new Measured("optimizer", "AdamW 1024 x 1024", 0.938, 0.890),
            new Measured("scan", "CEMA L=2048 D=512 n=16 fwd", 3.439, 6.195),
            new Measured("scan", "CEMA L=2048 D=512 n=16 fwd+bwd", 11.850, 20.916),
            new Measured("timestep norm", "L=2048 D=2048/32", 5.776, 15.043),
            new Measured("timestep norm", "L=2048 D=4096/64", 10.632, 25.989));

    /** One problem's times. */
    private record Measured(String family, String problem, double vectorMillis, double hostMillis) {
    }

    private Mixed() {
    }

    static Backend of(Backend vector, Backend host) {
        Kernels v = vector.kernels();
        Kernels h = host.kernels();
        List<String> fromHost = new ArrayList<>();
        AttentionKernel attention = pick("attention", v.attention(), h.attention(), fromHost);
        Kernels kernels = new Kernels(pick("gemm", v.gemm(), h.gemm(), fromHost),
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
