package dev.longspan.jmh;

import java.util.Arrays;
import org.openjdk.jmh.annotations.Param;

/** MEGALODON's attention: one head of keys of 256 and values of 2,048, causal within chunks of 2,048, {@code N fwd|fwd+bwd [bf16]}. */
public class ChunkAttentionBenchmark extends Measured {

    private static final int CHUNK = 2048;
    private static final int DIM = 256;
    private static final int VALUE_DIM = 2048;

    @Param({"4096 fwd", "4096 fwd+bwd"})
    public String problem = "";

    @Override
    Problem open() {
        return of(problem);
    }

    static Problem of(String problem) {
        String[] words = problem.split(" ", -1);
        return new AttentionProblem(AttentionShape.chunked(CHUNK, Long.parseLong(words[0]), 1, DIM, VALUE_DIM,
                words[1].equals("fwd+bwd")).stored(Arrays.copyOfRange(words, 2, words.length)));
    }
}
