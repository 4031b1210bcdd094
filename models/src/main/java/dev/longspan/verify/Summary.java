package dev.longspan.verify;

import java.util.List;

/**
 * How many comparisons held and how many did not, whatever could not be compared included.
 *
 * @param spoilt how many count as neither, because the reference itself is wrong there
 * @param lines all of them, in the order of the output
 */
public record Summary(int passed, int failed, int spoilt, List<Line> lines) {

    public Summary {
        lines = List.copyOf(lines);
    }

    /** Something was compared, and everything held. */
    public boolean isOk() {
        return failed == 0 && passed > 0;
    }

    /** The last line of the output. */
    @Override
    public String toString() {
        return passed + " passed, " + failed + " failed" + (spoilt == 0 ? "" : ", " + spoilt + " not counted (spoilt in the reference)");
    }
}
