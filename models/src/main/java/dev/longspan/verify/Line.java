package dev.longspan.verify;

/**
 * One compared tensor.
 *
 * @param name the case
 * @param tensor the compared tensor, or the reason why the case could not be computed
 * @param maxAbsError largest absolute error; NaN where nothing was compared
 */
public record Line(String name, String tensor, double maxAbsError, double bound, Verdict verdict) {

    /** What came of it. */
    public enum Verdict {
        /** Within its bound. */
        OK,
        FAILED,
        /** Beyond its bound by what the reference itself is wrong there: not counted. */
        SPOILT
    }

    /** Within its bound. */
    public boolean isOk() {
        return verdict == Verdict.OK;
    }
}
