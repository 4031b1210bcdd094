package dev.longspan.jmh;

import dev.longspan.bench.Deviation;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A figure that this library is to reach.
 *
 * @param work what is computed
 * @param against whom or what
 * @param must what it must be
 * @param aim what would be better still; NaN where nothing is said
 * @param atMost whether less is better
 * @param family whose problems it is about
 * @param problem their names
 * @param measure what is made of their times
 */
record Goal(String work, String against, double must, double aim, boolean atMost, String family, Pattern problem,
        Measure measure) {

    /** A problem's figure of one of this library's sides. */
    record Figure(String problem, String side, double value) {
    }

    /** What is made of a row's times; nothing where something is missing. */
    interface Measure {
        OptionalDouble of(Run run, Row row, Row.Result ours);

        /** The peer whose ratio it is, if it is one. */
        default @Nullable Pattern peer() {
            return null;
        }
    }

    /** The peer's time over ours. */
    record Ratio(Pattern peer) implements Measure {
        @Override
        public OptionalDouble of(Run run, Row row, Row.Result ours) {
            return other(row, peer).stream().mapToDouble(o -> o.seconds() / ours.seconds()).findFirst();
        }
    }

    /** The peer's time over ours where weights were packed before. */
    static Measure packedRatio(String peer) {
        Ratio ratio = new Ratio(Pattern.compile(peer));
        return (run, row, ours) -> ours.isPacked() ? ratio.of(run, row, ours) : OptionalDouble.empty();
    }

    private static List<Row.Result> other(Row row, Pattern name) {
        return row.results().stream().filter(r -> r.isRight() && name.matcher(r.side()).matches()).toList();
    }

    /** Our time over the peer's. */
    static Measure timeOf(String peer) {
        return (run, row, ours) -> other(row, Pattern.compile(peer)).stream()
                .mapToDouble(o -> ours.seconds() / o.seconds()).findFirst();
    }

    /** Our peak memory over the peer's. */
    static Measure memoryOf(String peer) {
        return (run, row, ours) -> other(row, Pattern.compile(peer)).stream().filter(o -> o.memoryBytes() > 0)
                .mapToDouble(o -> (double) ours.memoryBytes() / o.memoryBytes()).findFirst();
    }

    /** Our error over the peer's, each as a share of its bound: of several answers the one nearest to its own counts. */
    static Measure errorOf(String peer) {
        return (run, row, ours) -> other(row, Pattern.compile(peer)).stream().filter(o -> o.deviation().error() > 0)
                .mapToDouble(o -> share(ours.deviation()) / share(o.deviation())).findFirst();
    }

    private static double share(Deviation deviation) {
        return deviation.error() / deviation.bound();
    }

    /** Our rate over what registers multiply. */
    static Measure shareOfPeak() {
        return (run, row, ours) -> share(row.gigaflop() / ours.seconds(), run.limits().gigaflops());
    }

    /** Our rate over what memory gives. */
    static Measure shareOfReading() {
        return (run, row, ours) -> share(row.gigabytes() / ours.seconds(), run.limits().gigabytes());
    }

    private static OptionalDouble share(double rate, double limit) {
        return limit > 0 ? OptionalDouble.of(rate / limit) : OptionalDouble.empty();
    }

    /**
     * The speed on many threads over that on one, or its share of what memory gives to many over what it gives to one.
     */
    static Measure speedUp(boolean ofReading) {
        return (run, row, ours) -> {
            double gain = ofReading ? run.limits().gigabytes() / run.limits().gigabytesOfOne() : 1;
            return row.results().stream().filter(r -> r.isRight() && r.side().equals(ours.side() + WithoutPeers.ON_ONE))
                    .mapToDouble(r -> r.seconds() / ours.seconds() / gain).filter(Double::isFinite).findFirst();
        };
    }

    /** The time of the same side for another problem of the family over its time for this, both by the unit. */
    static Measure over(String otherProblem, double unitsHere, double unitsThere) {
        return (run, row, ours) -> run.rows().stream().filter(r -> r.problem().equals(otherProblem))
                .flatMap(r -> r.results().stream()).filter(r -> r.isRight() && r.side().equals(ours.side()))
                .mapToDouble(r -> r.seconds() / unitsThere / (ours.seconds() / unitsHere)).findFirst();
    }

    /** What the runs on so many threads reached. */
    List<Figure> figures(Results all, int threads) {
        List<Figure> figures = new ArrayList<>();
        for (Run run : all.runs()) {
            if (run.family().equals(family) && run.threads() == threads) {
                for (Row row : run.rows()) {
                    if (problem.matcher(row.problem()).matches()) {
                        row.results().stream().filter(r -> r.isOwn() && r.isRight()).forEach(ours ->
                                measure.of(run, row, ours)
                                    .ifPresent(value -> figures.add(new Figure(row.problem(), ours.side(), value))));
                    }
                }
            }
        }
        return figures;
    }

    boolean isReached(double value) {
        return atMost ? value <= must : value >= must;
    }

    /** Whether it is about the ratio of a peer in a row. */
    boolean isRatioOf(String ofFamily, Row row, Row.Result result) {
        Pattern peer = measure.peer();
        return peer != null && family.equals(ofFamily) && problem.matcher(row.problem()).matches()
                && peer.matcher(result.side()).matches();
    }
}
