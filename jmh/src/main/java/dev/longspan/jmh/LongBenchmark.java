package dev.longspan.jmh;

import dev.longspan.longnet.LongNetConfig;
import org.openjdk.jmh.annotations.Param;

/** A million tokens and a short context: LongNet's attention, and a model that reads a stream, {@code what TOKENS}. */
public class LongBenchmark extends Measured {

    private static final int HEADS = 8;
    private static final int DIM = 64;

    @Param({"longnet-attention 32768", "longnet-attention 1048576", "megalodon-small 8192", "megalodon-small 1048576"})
    public String problem = "";

    @Override
    Problem open() {
        return of(problem);
    }

    static Problem of(String problem) {
        String[] words = problem.split(" ", -1);
        return new WithoutPeers(words[0].equals("longnet-attention")
                ? new AttentionProblem(AttentionShape.dilated(LongNetConfig.PAPER_SCHEDULE, Long.parseLong(words[1]),
                        HEADS, DIM, false))
                : BenchmarkModels.of(words[0] + " stream " + words[1]), false);
    }
}
