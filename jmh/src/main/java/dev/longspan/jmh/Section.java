package dev.longspan.jmh;

/** A family on so many threads. */
record Section(Family family, int threads) {

    /** What a problem takes with all peers, roughly, where it was not measured before. */
    private static final double PROBLEM_SECONDS = 20;

    /** The family that sets many threads beside one takes at least two. */
    static Section of(Family family, int threads) {
        return new Section(family, family.name().equals(Family.THREADS) ? Math.max(2, threads) : threads);
    }

    /** What it took before, or may take. */
    double estimatedSeconds(Results before) {
        return before.runs().stream().filter(run -> run.isOf(this)).mapToDouble(Run::seconds).filter(s -> s > 0)
                .findFirst().orElse(PROBLEM_SECONDS * family.problems().size());
    }

    @Override
    public String toString() {
        return family.name() + ", " + threads + (threads == 1 ? " thread" : " threads");
    }
}
