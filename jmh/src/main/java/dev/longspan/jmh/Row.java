package dev.longspan.jmh;

import dev.longspan.bench.Deviation;
import java.util.List;
import java.util.Set;

/**
 * A problem on several sides, this library's first.
 *
 * @param gigaflop of one step of a run, 0 where they are not what counts
 * @param gigabytes of one step, 0 where they are not what counts
 */
record Row(String problem, double gigaflop, double gigabytes, List<Result> results) {

    /** Backends that are measured. */
    private static final Set<String> OWN = Set.of("vector", "host", "mixed");

    /** What the side of weights that are packed once is called behind its backend. */
    static final String PACKED = " packed";

    Row {
        results = List.copyOf(results);
    }

    /**
     * One side.
     *
     * @param form which of several ways it took
     * @param seconds of one step, the median of the samples; NaN where the answer was wrong
     * @param best the fastest sample
     * @param memoryBytes by which its process grew at most in a run, nothing kept from the run before
     */
    record Result(String side, String form, double seconds, double best, int samples, long memoryBytes, Deviation deviation) {

        /** Whether this library computed it. */
        boolean isOwn() {
            return OWN.contains(isPacked() ? side.substring(0, side.length() - PACKED.length()) : side);
        }

        /** Whether weights were packed before it was timed. */
        boolean isPacked() {
            return side.endsWith(PACKED);
        }

        boolean isRight() {
            return deviation.isWithin();
        }

        /** The side, and the way it took. */
        String label() {
            return form.isEmpty() ? side : side + " (" + form + ")";
        }
    }

    /** This library's. */
    Result first() {
        return results.getFirst();
    }

    /** The time of a side over this library's; NaN for this library itself, and where one of both is wrong. */
    double ratio(Result result) {
        return result.equals(first()) ? Double.NaN : result.seconds / first().seconds;
    }

    boolean passed() {
        return results.stream().allMatch(Result::isRight);
    }
}
