package dev.longspan.backend;

import dev.longspan.kernel.Kernels;
import java.util.ArrayList;
import java.util.List;

/** Each kernel family from the backend that computes it faster, vector or host: what runs by default where both do. */
final class Mixed {

    /**
     * Milliseconds by {@code longspan bench gemm}, {@code attention} and {@code scan}, each with {@code --threads 1} under
     * {@code chrt -r 1}, on an AMD EPYC with AVX-512 and JDK 25.0.3. Families without a row are vector's.
     */
    private static final List<Measured> TABLE = List.of(
            new Measured("gemm", "128 x 128 x 128", 0.087, 0.062),
            new Measured("gemm", "256 x 256 x 256", 0.499, 0.396),
            new Measured("gemm", "512 x 512 x 512", 3.347, 3.012),
            new Measured("attention", "dense N=2048 H=2 D=64 fwd", 16.788, 12.384),
            new Measured("attention", "dilated N=2048 H=2 D=64 fwd", 6.786, 5.124),
            new Measured("attention", "dense N=2048 H=2 D=64 fwd+bwd", 54.328, 42.467),
            new Measured("attention", "dilated N=2048 H=2 D=64 fwd+bwd", 22.248, 18.054),
            new Measured("scan", "CEMA L=2048 D=512 n=16 fwd", 3.135, 5.411),
            new Measured("scan", "CEMA L=2048 D=512 n=16 fwd+bwd", 11.542, 21.229),
            new Measured("timestep norm", "L=2048 D=2048/32", 4.094, 10.709),
            new Measured("timestep norm", "L=2048 D=4096/64", 9.638, 22.832));

    /** One problem's times. */
    private record Measured(String family, String problem, double vectorMillis, double hostMillis) {
    }

    private Mixed() {
    }

    static Backend of(Backend vector, Backend host) {
        Kernels v = vector.kernels();
        Kernels h = host.kernels();
        List<String> fromHost = new ArrayList<>();
        Kernels kernels = new Kernels(pick("gemm", v.gemm(), h.gemm(), fromHost),
                pick("attention", v.attention(), h.attention(), fromHost), pick("norm", v.norm(), h.norm(), fromHost),
                pick("elementwise", v.elementwise(), h.elementwise(), fromHost), v.rotary(),
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
