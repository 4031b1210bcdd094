package dev.longspan.jmh;

import java.util.Arrays;
import org.openjdk.jmh.annotations.Param;

/** Dense attention, {@code causal|full NxD[xHxB] fwd|fwd+bwd [bf16]}; one sequence of two heads where these are not given. */
public class AttentionBenchmark extends Measured {

    private static final int HEADS = 2;

    @Param({"causal 2048x64 fwd", "causal 2048x128 fwd", "full 2048x64 fwd", "full 2048x128 fwd", "causal 8192x64 fwd",
        "causal 8192x128 fwd", "full 8192x64 fwd", "full 8192x128 fwd", "causal 16384x64 fwd", "causal 16384x128 fwd",
        "causal 2048x64 fwd+bwd", "causal 2048x128 fwd+bwd", "full 2048x64 fwd+bwd", "full 2048x128 fwd+bwd",
        "causal 8192x64 fwd+bwd", "causal 8192x128 fwd+bwd", "full 8192x64 fwd+bwd", "causal 2048x64 fwd bf16",
        "causal 8192x64 fwd bf16", "causal 8192x128 fwd bf16", "full 2048x64 fwd bf16", "causal 2048x64 fwd+bwd bf16",
        "causal 2048x128 fwd+bwd bf16"})
    public String problem = "";

    @Override
    Problem open() {
        return of(problem);
    }

    static Problem of(String problem) {
        String[] words = problem.split(" ", -1);
        int[] sizes = Sizes.of(words[1].indexOf('x') == words[1].lastIndexOf('x') ? words[1] + "x" + HEADS + "x1" : words[1], 4);
        return new AttentionProblem(AttentionShape.dense(words[0].equals("causal"), sizes[0], sizes[2], sizes[1],
                words[2].equals("fwd+bwd")).withBatch(sizes[3]).stored(Arrays.copyOfRange(words, 3, words.length)));
    }
}
