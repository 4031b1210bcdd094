package dev.longspan.backend;

import static org.assertj.core.api.Assertions.assertThat;

import dev.longspan.kernel.Kernels;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

final class MixedTest {

    private Backend vector = Backend.named("scalar");
    private Backend host = Backend.named("scalar");

    @BeforeEach
    void bothRun() {
        for (Backend backend : Backend.onHost()) {
            Assumptions.assumeTrue(backend.available() != null, () -> backend.name() + ": " + backend.reason());
        }
        vector = Backend.named("vector");
        host = Backend.named("host");
    }

    @Test
    void takesEachFamilyFromTheBackendThatWasFaster() {
        Kernels mixed = Mixed.of(vector, host).kernels();
        assertThat(mixed.gemm()).isSameAs(host.kernels().gemm());
        assertThat(mixed.attention())
                .isEqualTo(new DecodingAttention(vector.kernels().attention(), host.kernels().attention()));
        assertThat(mixed.scan()).isSameAs(vector.kernels().scan());
        assertThat(mixed.timestepNorm()).isSameAs(vector.kernels().timestepNorm());
        assertThat(mixed.norm()).isSameAs(host.kernels().norm());
        assertThat(mixed.loss()).isSameAs(host.kernels().loss());
        assertThat(mixed.elementwise()).isSameAs(host.kernels().elementwise());
        assertThat(mixed.optimizer()).isSameAs(host.kernels().optimizer());
    }

    @Test
    void saysWhichFamiliesAreHosts() {
        assertThat(Mixed.of(vector, host).detail()).isEqualTo("attention, gemm, norm, elementwise, embedding, loss, optimizer of host, the rest of vector");
        assertThat(Backend.named("mixed").dtypes()).isEqualTo(vector.dtypes());
    }

    @Test
    void runsUnlessAskedForAnother() {
        Assumptions.assumeTrue(System.getProperty(Backend.PROPERTY) == null, "a backend is asked for");
        assertThat(Backend.best().name()).isEqualTo("mixed");
        assertThat(Backend.onHost()).extracting(Backend::name).containsExactly("vector", "host", "scalar");
    }
}
