package dev.longspan.verify;

/** How many comparisons held and how many did not, whatever could not be compared included. */
public record Summary(int passed, int failed) {

    /** Something was compared, and everything held. */
    public boolean isOk() {
        return failed == 0 && passed > 0;
    }

    /** The last line of the output. */
    @Override
    public String toString() {
        return passed + " passed, " + failed + " failed";
    }
}
