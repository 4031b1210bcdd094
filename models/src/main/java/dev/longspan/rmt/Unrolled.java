package dev.longspan.rmt;

import dev.longspan.autograd.Pass;
import dev.longspan.autograd.Recompute;
import dev.longspan.op.Elementwise;
import dev.longspan.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/**
 * Backpropagation through time over segments, {@code (Mₛ₊₁, yₛ) = step(s, Mₛ)}: outputs y whose gradients reach as far back as
 * {@link RmtConfig.Bptt} says. With recomputation a pass keeps of each segment its memory and its output. Memory noise
 * is drawn within a segment, so that it is the same when the segment is computed again.
 *
 * @param segments number of them
 * @param wanted which have an output
 */
record Unrolled(RmtConfig config, int segments, IntPredicate wanted, Step step) {

    /** A segment. */
    @FunctionalInterface
    interface Step {
        /**
         * Memory that leaves segment {@code number}, and its output if it is wanted.
         *
         * @param entering memory that the segment before passed on; absent in front of the first
         */
        Result run(Pass pass, int number, @Nullable Tensor entering, boolean isWanted);
    }

    /** What a segment passes on, and its output. */
    record Result(Tensor leaving, @Nullable Tensor output) {
    }

    /** The outputs of the segments that have one. */
    List<Tensor> outputs(Pass pass) {
        int depth = config.bptt().depth();
        boolean all = depth == 0 || config.bptt().rule() == RmtConfig.Bptt.Rule.REFERENCE || depth >= segments;
        return all || !pass.isTraining() ? chain(pass) : windows(pass, depth);
    }

    /** {@code Σ y}. */
    Tensor sum(Pass pass) {
        return outputs(pass).stream().reduce((total, y) -> Elementwise.add(pass, total, y)).orElseThrow(() ->
                new IllegalArgumentException("no segment has a loss: segments=" + segments));
    }

    /** One trip; the reference's rule cuts it. */
    private List<Tensor> chain(Pass pass) {
        List<Tensor> outputs = new ArrayList<>();
        Tensor memory = null;
        for (int s = 0; s < segments; s++) {
            Result result = run(pass, s, memory, wanted.test(s), config.recompute());
            memory = isCutBehind(s) ? pass.detach(result.leaving) : result.leaving;
            add(outputs, result);
        }
        return outputs;
    }

    private boolean isCutBehind(int segment) {
        RmtConfig.Bptt bptt = config.bptt();
        return bptt.rule() == RmtConfig.Bptt.Rule.REFERENCE && segment > 0
                && segment + bptt.depth() <= bptt.segments();
    }

    /** For each output a trip of its own through the last {@code depth} segments, from the memory that entered them as a constant. */
    private List<Tensor> windows(Pass pass, int depth) {
        List<Tensor> outputs = new ArrayList<>();
        List<Tensor> constants = new ArrayList<>(); // memory behind each segment
        for (int s = 0; s < segments; s++) {
            boolean isWanted = wanted.test(s);
            int first = isWanted ? Math.max(0, s - depth + 1) : s;
            Tensor memory = first == 0 ? null : constants.get(first - 1);
            for (int t = first; t < s; t++) {
                memory = run(pass, t, memory, false, config.recompute()).leaving;
            }
            // Without an output nothing goes back, and recomputation frees the segment's activations.
            Result result = run(pass, s, memory, isWanted, config.recompute() || !isWanted);
            constants.add(pass.detach(result.leaving));
            add(outputs, result);
        }
        return outputs;
    }

    private static void add(List<Tensor> outputs, Result result) {
        if (result.output != null) {
            outputs.add(result.output);
        }
    }

    private Result run(Pass pass, int number, @Nullable Tensor entering, boolean isWanted, boolean recompute) {
        if (!recompute) {
            return step.run(pass, number, disturbed(pass, entering), isWanted);
        }
        List<Tensor> outputs = Recompute.run(pass, entering == null ? List.of() : List.of(entering), (inner, inputs) -> {
            Result result = step.run(inner, number, inputs.isEmpty() ? null : disturbed(inner, inputs.getFirst()),
                    isWanted);
            return result.output == null ? List.of(result.leaving) : List.of(result.leaving, result.output);
        });
        return new Result(outputs.getFirst(), isWanted ? outputs.getLast() : null);
    }

    private @Nullable Tensor disturbed(Pass pass, @Nullable Tensor entering) {
        return entering == null ? null : Elementwise.noise(pass, config.memoryNoise(), entering);
    }
}
