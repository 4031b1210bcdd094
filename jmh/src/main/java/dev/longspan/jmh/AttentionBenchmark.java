package dev.longspan.jmh;

import org.openjdk.jmh.annotations.Param;

/** Dense attention of two heads, {@code causal|full N,D fwd|fwd+bwd}. */
public class AttentionBenchmark extends Measured {

    private static final int HEADS = 2;

    @Param({"causal 2048,64 fwd", "causal 2048,128 fwd", "full 2048,64 fwd", "full 2048,128 fwd", "causal 8192,64 fwd",
        "causal 8192,128 fwd", "full 8192,64 fwd", "full 8192,128 fwd", "causal 16384,64 fwd", "causal 16384,128 fwd",
        "causal 2048,64 fwd+bwd", "causal 2048,128 fwd+bwd", "full 2048,64 fwd+bwd", "full 2048,128 fwd+bwd",
        "causal 8192,64 fwd+bwd", "causal 8192,128 fwd+bwd", "full 8192,64 fwd+bwd"})
    public String problem = "";

    @Override
    Problem open() {
        return of(problem);
    }

    static Problem of(String problem) {
        String[] words = problem.split(" ", -1);
        int[] sizes = Sizes.of(words[1], 2);
        return new AttentionProblem(AttentionShape.dense(words[0].equals("causal"), sizes[0], HEADS, sizes[1],
                words[2].equals("fwd+bwd")));
    }
}
