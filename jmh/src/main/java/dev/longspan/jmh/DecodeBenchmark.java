package dev.longspan.jmh;

import dev.longspan.tensor.DType;
import java.util.Locale;
import org.openjdk.jmh.annotations.Param;

/**
 * One row times weights [out, in], {@code OUTxIN [bf16]}: what decoding does, at the speed of memory once weights
 * exceed the caches.
 */
public class DecodeBenchmark extends Measured {

    @Param({"256x256", "1024x1024", "4096x1024", "2048x2048", "4096x4096", "32000x1024",
        "32000x1024 bf16"})
    public String problem = "";

    @Override
    Problem open() {
        return of(problem);
    }

    static Problem of(String problem) {
        String[] words = problem.split(" ", -1);
        int[] sizes = Sizes.of(words[0], 2);
        DType weights = words.length > 1 ? DType.valueOf(words[1].toUpperCase(Locale.ROOT)) : DType.F32;
        return new GemmProblem("nt", 1, sizes[0], sizes[1], weights);
    }
}
