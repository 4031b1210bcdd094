package dev.longspan.kernel.scalar;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

/** Values from tables with 16 and more digits: Abramowitz and Stegun 7.1 and DLMF 7.23. */
class ErfTest {

    @Test
    void erfAgreesWithTheTables() {
        assertThat(Erf.erf(0)).isZero();
        assertThat(Erf.erf(0.5)).isCloseTo(0.5204998778130465, within(2e-16));
        assertThat(Erf.erf(1)).isCloseTo(0.8427007929497149, within(3e-16));
        assertThat(Erf.erf(-1)).isCloseTo(-0.8427007929497149, within(3e-16));
        assertThat(Erf.erf(2)).isCloseTo(0.9953222650189527, within(3e-16));
        assertThat(Erf.erf(3)).isCloseTo(0.9999779095030014, within(3e-16));
        assertThat(Erf.erf(1e-200)).isCloseTo(2e-200 / Math.sqrt(Math.PI), within(1e-215));
        assertThat(Erf.erf(Double.NaN)).isNaN();
    }

    @Test
    void erfcKeepsItsDigitsFarOut() {
        assertThat(Erf.erfc(2) / 0.004677734981047265).isCloseTo(1, within(1e-13));
        assertThat(Erf.erfc(5) / 1.537459794428035e-12).isCloseTo(1, within(1e-14));
        assertThat(Erf.erfc(26) / 5.66319240885614e-296).isCloseTo(1, within(1e-12));
        assertThat(Erf.erfc(-3)).isCloseTo(2 - 2.209049699858544e-5, within(5e-16));
        assertThat(Erf.erfc(Double.POSITIVE_INFINITY)).isZero();
        assertThat(Erf.erfc(Double.NEGATIVE_INFINITY)).isEqualTo(2);
    }

    @Test
    void seriesAndFractionMeet() {
        double before = Erf.erf(Math.nextDown(2.0));
        assertThat(Erf.erf(2) - before).isBetween(-2e-16, 3e-16);
    }

    @Test
    void slopeIsTheBellCurve() {
        for (double x = -6; x <= 6; x += 0.037) {
            double slope = (Erf.erf(x + 1e-5) - Erf.erf(x - 1e-5)) / 2e-5;
            assertThat(slope).as("x=" + x).isCloseTo(2 / Math.sqrt(Math.PI) * Math.exp(-x * x), within(1e-9));
        }
    }
}
