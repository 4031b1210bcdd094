package dev.longspan.jmh;

import org.openjdk.jmh.annotations.Param;

/** One row times weights [out, in], {@code OUTxIN}: what decoding does, at the speed of memory once weights exceed the caches. */
public class DecodeBenchmark extends Measured {

    @Param({"256x256", "1024x1024", "4096x1024", "2048x2048", "4096x4096", "32000x1024"})
    public String problem = "";

    @Override
    Problem open() {
        return of(problem);
    }

    static Problem of(String problem) {
        int[] sizes = Sizes.of(problem, 2);
        return new GemmProblem("nt", 1, sizes[0], sizes[1]);
    }
}
