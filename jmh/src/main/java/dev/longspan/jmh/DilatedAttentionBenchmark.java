package dev.longspan.jmh;

import dev.longspan.longnet.LongNetConfig;
import java.util.Arrays;
import org.openjdk.jmh.annotations.Param;

/** LongNet's attention by the paper's schedule, causal, 8 heads of 64, {@code N fwd|fwd+bwd [bf16]}. */
public class DilatedAttentionBenchmark extends Measured {

    private static final int HEADS = 8;
    private static final int DIM = 64;

    @Param({"32768 fwd", "32768 fwd+bwd", "131072 fwd", "131072 fwd+bwd"})
    public String problem = "";

    @Override
    Problem open() {
        return of(problem);
    }

    static Problem of(String problem) {
        String[] words = problem.split(" ", -1);
        return new AttentionProblem(AttentionShape.dilated(LongNetConfig.PAPER_SCHEDULE, Long.parseLong(words[0]), HEADS, DIM,
                words[1].equals("fwd+bwd")).stored(Arrays.copyOfRange(words, 2, words.length)));
    }
}
