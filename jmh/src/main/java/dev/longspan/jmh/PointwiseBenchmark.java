package dev.longspan.jmh;

import org.openjdk.jmh.annotations.Param;

/** Norms and activations of rows, {@code function ROWSxWIDTH}: 4 MiB, and 16 MiB, which no second-level cache holds. */
public class PointwiseBenchmark extends Measured {

    @Param({"rms_norm 1024x1024", "rms_norm 4096x1024", "layer_norm 1024x1024", "layer_norm 4096x1024", "gelu_tanh 1024x1024",
        "gelu_tanh 4096x1024", "gelu 1024x1024", "silu 1024x1024", "silu 4096x1024",
        "softmax 1024x1024", "softmax 4096x1024"})
    public String problem = "";

    @Override
    Problem open() {
        return of(problem);
    }

    static Problem of(String problem) {
        String[] words = problem.split(" ", -1);
        int[] sizes = Sizes.of(words[1], 2);
        return new PointwiseProblem(words[0], sizes[0], sizes[1]);
    }
}
