package dev.longspan.jmh;

import org.openjdk.jmh.annotations.Param;

/** A sum of so few elements that the way to the loop counts: of the backend host a call into C, beside C that calls C. */
public class SmallKernelBenchmark extends Measured {

    @Param({"16", "4096"})
    public String problem = "";

    @Override
    Problem open() {
        return of(problem);
    }

    static Problem of(String problem) {
        return new SmallKernelProblem(Long.parseLong(problem));
    }
}
