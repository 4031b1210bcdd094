package dev.longspan.generate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class SamplingTest {

    private static final float[] LOGITS = {0, (float) Math.log(4), (float) Math.log(3), (float) Math.log(2), -100};
    private static final int DRAWS = 20_000;

    @Test
    void drawsFollowTheSoftmax() {
        assertThat(shares(new Sampling(1, 0, 1, 5))).containsExactly(new double[] {0.1, 0.4, 0.3, 0.2, 0}, within(0.015));
    }

    @Test
    void temperatureSharpensAndZeroIsGreedy() {
        assertThat(shares(new Sampling(0.5, 0, 1, 5)))
                .containsExactly(new double[] {1 / 30.0, 16 / 30.0, 9 / 30.0, 4 / 30.0, 0}, within(0.015));
        assertThat(shares(Sampling.greedy())).containsExactly(0, 1, 0, 0, 0);
    }

    @Test
    void topKAndTopPKeepTheLikeliest() {
        assertThat(shares(new Sampling(1, 2, 1, 5))).containsExactly(new double[] {0, 4 / 7.0, 3 / 7.0, 0, 0}, within(0.015));
        assertThat(shares(new Sampling(1, 0, 0.5, 5))).containsExactly(new double[] {0, 4 / 7.0, 3 / 7.0, 0, 0}, within(0.015));
        assertThat(shares(new Sampling(1, 0, 1e-9, 5))).containsExactly(0, 1, 0, 0, 0);
        assertThat(shares(new Sampling(1, 99, 1, 5))[0]).isBetween(0.08, 0.12);
    }

    @Test
    void aDrawDependsOnSeedAndPositionAlone() {
        for (long position = 0; position < 50; position++) {
            assertThat(new Sampling(1, 0, 1, 9).draw(LOGITS, position)).isEqualTo(new Sampling(1, 0, 1, 9).draw(LOGITS, position));
        }
        assertThat(new Sampling(0, 0, 1, 9).draw(new float[] {1, 2, 2}, 0)).isEqualTo(1);
    }

    @Test
    void nonsenseIsRefused() {
        assertThatIllegalArgumentException().isThrownBy(() -> new Sampling(-1, 0, 1, 0)).withMessageContaining("temperature=-1");
        assertThatIllegalArgumentException().isThrownBy(() -> new Sampling(Double.NaN, 0, 1, 0));
        assertThatIllegalArgumentException().isThrownBy(() -> new Sampling(1, -1, 1, 0)).withMessageContaining("topK=-1");
        assertThatIllegalArgumentException().isThrownBy(() -> new Sampling(1, 0, 0, 0)).withMessageContaining("topP=0");
        assertThatIllegalArgumentException().isThrownBy(() -> Sampling.greedy().draw(new float[] {0, Float.NaN}, 0))
                .withMessageContaining("NaN");
    }

    private static double[] shares(Sampling sampling) {
        double[] shares = new double[LOGITS.length];
        for (int i = 0; i < DRAWS; i++) {
            shares[sampling.draw(LOGITS, i)] += 1.0 / DRAWS;
        }
        for (int i = 0; i < shares.length; i++) {
            shares[i] = Math.abs(shares[i] - Math.rint(shares[i])) < 1e-9 ? Math.rint(shares[i]) : shares[i];
        }
        return shares;
    }
}
