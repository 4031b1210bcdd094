package dev.longspan.jmh;

import org.openjdk.jmh.annotations.Param;

/** One row times weights [out, in], {@code out,in}: what decoding does, at the speed of memory once weights exceed the caches. */
public class DecodeBenchmark extends Measured {

    @Param({"256,256", "1024,1024", "4096,1024", "2048,2048", "4096,4096", "32000,1024"})
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
