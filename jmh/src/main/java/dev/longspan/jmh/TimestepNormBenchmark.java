package dev.longspan.jmh;

import org.openjdk.jmh.annotations.Param;

/** Timestep norms of 2,048 rows of the released sizes, {@code CHANNELSxGROUPS[xROWS]}. */
public class TimestepNormBenchmark extends Measured {

    private static final int ROWS = 2048;

    @Param({"512x32", "1024x32", "2048x32", "4096x64"})
    public String problem = "";

    @Override
    Problem open() {
        return of(problem);
    }

    static Problem of(String problem) {
        int[] sizes = Sizes.of(problem.indexOf('x') == problem.lastIndexOf('x') ? problem + "x" + ROWS : problem, 3);
        return new TimestepNormTask(sizes[2], sizes[0], sizes[1]);
    }
}
