package dev.longspan.jmh;

import org.openjdk.jmh.annotations.Param;

/** CEMA of 512 channels and 16 modes, {@code L fwd|fwd+bwd}. */
public class CemaBenchmark extends Measured {

    private static final int CHANNELS = 512;
    private static final int MODES = 16;

    @Param({"2048 fwd", "2048 fwd+bwd", "65536 fwd", "65536 fwd+bwd"})
    public String problem = "";

    @Override
    Problem open() {
        return of(problem);
    }

    static Problem of(String problem) {
        String[] words = problem.split(" ", -1);
        return new CemaTask(Long.parseLong(words[0]), CHANNELS, MODES, words[1].equals("fwd+bwd"));
    }
}
