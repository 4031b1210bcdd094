package dev.longspan.jmh;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

class RequestTest {

    @Test
    void withoutFamiliesAllAreMeasuredOnOneThread() {
        assertThat(Request.of("out"))
                .isEqualTo(new Request(Path.of("out"), Family.names(), List.of(1), Double.POSITIVE_INFINITY, ""));
    }

    @Test
    void familiesThreadsAndPartsOfNamesAreTakenInAnyOrder() {
        assertThat(Request.of("out", "--threads", "1,2", "gemm", "--only", "nt 5", "--minutes", "7", "cema"))
                .isEqualTo(new Request(Path.of("out"), List.of("gemm", "cema"), List.of(1, 2), 7, "nt 5"));
    }

    @Test
    void whatIsNotUnderstoodIsNamed() {
        assertThatThrownBy(() -> Request.of("out", "gem")).hasMessageContaining("family=gem");
        assertThatThrownBy(() -> Request.of("out", "--threads")).hasMessageContaining("--threads needs a value");
        assertThatThrownBy(() -> Request.of("out", "--threads", "two")).hasMessageContaining("threads=two");
        assertThatThrownBy(() -> Request.of("out", "--threads", "0")).hasMessageContaining("threads=[0]");
        assertThatThrownBy(() -> Request.of("out", "--thread", "1")).hasMessageContaining("option=--thread");
        assertThatThrownBy(() -> Request.of("out", "--only", "nt 3x5x7")).hasMessageContaining("only=nt 3x5x7");
        assertThatThrownBy(Request::of).hasMessageContaining("folder");
    }

    @Test
    void theFamilyOfManyThreadsBesideOneIsMeasuredOnceOnTwo() {
        assertThat(Request.of("out", "threads", "gemm", "--threads", "1,2").sections()).extracting(Section::toString)
                .containsExactly("threads, 2 threads", "gemm, 1 thread", "gemm, 2 threads");
    }

    @Test
    void familiesWithoutAProblemOfThatTextAreLeftOut() {
        assertThat(Request.of("out", "--only", "rms_norm").sections()).extracting(Section::toString)
                .containsExactly("pointwise, 1 thread", "threads, 2 threads");
    }

    @Test
    void aTextThatNoListedProblemContainsIsAProblemOfItsOwn() {
        assertThat(new Request(Path.of("out"), List.of("gemm"), List.of(1), 60, "nt 4096").problems(Family.of("gemm")))
                .containsExactly("nt 4096");
        assertThat(new Request(Path.of("out"), List.of("gemm"), List.of(1), 60, "nt 3x5x7").problems(Family.of("gemm")))
                .containsExactly("nt 3x5x7");
    }
}
