package dev.longspan.recall;

import java.util.Collection;

/** Answers counted: {@code right} of {@code asked}. */
public record Tally(long right, long asked) {

    /** 97.5 % of a standard normal lie below it. */
    private static final double Z = 1.959963984540054;

    public Tally {
        if (right < 0 || right > asked) {
            throw new IllegalArgumentException("right must be in 0 to asked: right=" + right + ", asked=" + asked);
        }
    }

    static Tally sum(Collection<Tally> tallies) {
        return new Tally(tallies.stream().mapToLong(Tally::right).sum(), tallies.stream().mapToLong(Tally::asked).sum());
    }

    /** The share that is right; NaN where nothing was asked. */
    public double accuracy() {
        return (double) right / asked;
    }

    /** The lower end of Wilson's 95 % interval. Wilson, JASA 22 (1927). */
    public double low() {
        return center() - half();
    }

    /** The upper end of Wilson's 95 % interval. */
    public double high() {
        return center() + half();
    }

    private double center() {
        return (right + Z * Z / 2) / (asked + Z * Z);
    }

    private double half() {
        double p = accuracy();
        return Z / (asked + Z * Z) * Math.sqrt(asked * p * (1 - p) + Z * Z / 4);
    }
}
