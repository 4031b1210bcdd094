package dev.longspan.op;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.longspan.autograd.PackedWeights;
import dev.longspan.autograd.Pass;
import dev.longspan.autograd.Workspace;
import dev.longspan.backend.Backend;
import dev.longspan.kernel.Activation;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

final class PackedWeightsTest {

    private static final Parallel TWO = Parallel.of(2);
    private static final long IN = 70;
    private static final long OUT = 90;

    @Test
    void giveEveryProductTheBitsItHasWithoutAndArePackedOnceByManyRows() {
        for (Backend backend : Backend.onHost()) {
            if (backend.available() == null || backend.name().equals("scalar")) {
                continue;
            }
            for (DType dtype : new DType[] {DType.F32, DType.BF16}) {
                try (TensorArena arena = new TensorArena(); TensorArena panels = new TensorArena()) {
                    Tensor weight = normal(arena, dtype, OUT, IN);
                    Tensor table = normal(arena, dtype, OUT, IN);
                    Tensor bias = normal(arena, DType.F32, OUT);
                    PackedWeights packed = new PackedWeights(backend, TWO, panels, List.of(weight, table, bias));
                    Tensor few = normal(arena, DType.F32, 4, IN);
                    Tensor many = normal(arena, DType.F32, 2, 21, IN);
                    assertThat(products(backend, packed, few, weight, bias))
                            .isDeepEqualTo(products(backend, null, few, weight, bias));
                    assertThat(panels.bytes()).as("after few rows on %s", backend.name()).isZero();
                    assertThat(products(backend, packed, many, weight, bias))
                            .isDeepEqualTo(products(backend, null, many, weight, bias));
                    long once = panels.bytes();
                    assertThat(once).as("of one weight on %s", backend.name()).isBetween(4 * OUT * IN, 4 * 128 * IN);
                    products(backend, packed, many, weight, null);
                    products(backend, packed, many, normal(arena, dtype, OUT, IN), bias);
                    assertThat(panels.bytes()).isEqualTo(once);
                }
            }
        }
    }

    @Test
    void belongToTheBackendThatPackedThem() {
        Backend scalar = Backend.named("scalar");
        assumeThat(Backend.best().name()).isNotEqualTo("scalar");
        try (TensorArena arena = new TensorArena(); Workspace workspace = new Workspace()) {
            assertThatThrownBy(() -> new PackedWeights(scalar, TWO, arena, List.of()))
                    .isInstanceOf(UnsupportedOperationException.class)
                    .hasMessageContaining("backend scalar packs no weights");
            PackedWeights packed = new PackedWeights(Backend.best(), TWO, arena, List.of());
            assertThatThrownBy(() -> Pass.inference(scalar, TWO, workspace, packed))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("backend=scalar, packed for=" + Backend.best().name());
        }
    }

    @Test
    void failWhereTheirArenaIsClosed() {
        assumeThat(Backend.best().name()).isNotEqualTo("scalar");
        try (TensorArena arena = new TensorArena(); Workspace workspace = new Workspace()) {
            Tensor weight = normal(arena, DType.F32, OUT, IN);
            Tensor x = normal(arena, DType.F32, 21, IN);
            TensorArena panels = new TensorArena();
            PackedWeights packed = new PackedWeights(Backend.best(), TWO, panels, List.of(weight));
            try (Pass pass = Pass.inference(Backend.best(), TWO, workspace, packed)) {
                Gemm.linear(pass, x, weight, null);
                panels.close();
                assertThatThrownBy(() -> Gemm.linear(pass, x, weight, null)).isInstanceOf(IllegalStateException.class)
                        .hasMessageContaining("arena is closed");
            }
        }
    }

    private static float[][] products(Backend backend, @Nullable PackedWeights packed, Tensor x, Tensor weight,
            @Nullable Tensor bias) {
        try (Workspace workspace = new Workspace(); Pass pass = packed == null ? Pass.inference(backend, TWO, workspace)
                : Pass.inference(backend, TWO, workspace, packed)) {
            Tensor up = Gemm.linear(pass, x, weight, bias);
            return new float[][] {up.toFloats(), Gemm.activated(pass, Activation.GELU, x, weight, bias).toFloats(),
                Gemm.gated(pass, Activation.SILU, x, weight, bias, up).toFloats()};
        }
    }

    private static Tensor normal(TensorArena arena, DType dtype, long... shape) {
        Random random = new Random(1);
        Tensor tensor = arena.allocate(dtype, shape);
        float[] values = new float[(int) tensor.elements()];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return tensor.set(values);
    }
}
