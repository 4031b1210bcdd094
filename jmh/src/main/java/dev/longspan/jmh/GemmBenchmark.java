package dev.longspan.jmh;

import org.openjdk.jmh.annotations.Param;

/** Square products, {@code layout size}, and those of a layer, {@code layout MxNxK}. */
public class GemmBenchmark extends Measured {

    @Param({"nt 64", "nt 128", "nt 256", "nt 512", "nt 1024", "nn 1024", "tn 1024", "nt 2048", "nt 4096", "nt 2048x1024x256",
        "nt 2048x256x1024"})
    public String problem = "";

    @Override
    Problem open() {
        return of(problem);
    }

    static Problem of(String problem) {
        String[] words = problem.split(" ", -1);
        int[] sizes = Sizes.of(words[1], 3);
        return new GemmProblem(words[0], sizes[0], sizes[1], sizes[2]);
    }
}
