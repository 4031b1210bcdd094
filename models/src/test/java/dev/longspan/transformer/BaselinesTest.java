package dev.longspan.transformer;

import static org.assertj.core.api.Assertions.assertThat;

import dev.longspan.kernel.AttentionPattern;
import dev.longspan.kernel.AttentionPattern.FixedSparse;
import dev.longspan.longnet.ConfigKeys;
import dev.longspan.longnet.LongNetConfig;
import org.junit.jupiter.api.Test;

class BaselinesTest {

    @Test
    void theSparsePatternCostsWhatThePapersScheduleCosts() {
        // 139, 263 and 455 before rounding down.
        assertThat(SparseTransformer.summary(LongNetConfig.PAPER_SCHEDULE, 2048, 32_768)).isEqualTo(128);
        assertThat(SparseTransformer.summary(LongNetConfig.PAPER_SCHEDULE, 2048, 16_384)).isEqualTo(256);
        assertThat(SparseTransformer.summary(LongNetConfig.PAPER_SCHEDULE, 2048, 8_192)).isEqualTo(256);
    }

    @Test
    void presetsOfTheBaselinesDifferFromLongNetInThePatternAlone() {
        LongNetConfig longNet = LongNetConfig.preset("small", 256);
        LongNetConfig dense = ConfigKeys.DECODER.read(DenseTransformer.ARCHITECTURE.preset("small", 8192, 256));
        assertThat(dense.pattern()).isEqualTo(new AttentionPattern.Dense());
        assertThat(dense.withPattern(longNet.pattern())).isEqualTo(longNet);
        LongNetConfig sparse = ConfigKeys.DECODER.read(SparseTransformer.ARCHITECTURE.preset("small", 8192, 256));
        assertThat(sparse.pattern()).isEqualTo(new FixedSparse(2048, 256));
        assertThat(SparseTransformer.beyond(sparse, 8192).blockwise()).isEqualTo(8192);
    }
}
