package dev.longspan.kernel.host;

import dev.longspan.bindings.host.Longspan;
import dev.longspan.kernel.Activation;
import dev.longspan.kernel.Dropout;
import dev.longspan.kernel.ElementwiseKernel;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.jspecify.annotations.Nullable;

/** Pointwise work in blocks that stay in the first-level cache. */
final class HostElementwise implements ElementwiseKernel {

    private static final int BLOCK = 4096;

    /** What is done with {@code n} elements from {@code from} on; returns a status. */
    private interface Range {
        int run(long from, long n);
    }

    private static void forEachBlock(Parallel parallel, Tensor y, Range range) {
        parallel.forRanges(y.elements(), BLOCK, (from, to, scratch) -> Status.check(range.run(from, to - from)));
    }

    @Override
    public void fill(Parallel parallel, Tensor y, double value) {
        forEachBlock(parallel, y, (from, n) -> Longspan.ls_fill((float) value, Memory.range(y, from, n), n));
    }

    @Override
    public void axpby(Parallel parallel, double alpha, Tensor x, double beta, Tensor y) {
        forEachBlock(parallel, y, (from, n) -> Longspan.ls_axpby((float) alpha, Memory.range(x, from, n), (float) beta,
                Memory.range(y, from, n), n));
    }

    @Override
    public void add(Parallel parallel, Tensor a, Tensor b, Tensor y) {
        forEachBlock(parallel, y, (from, n) -> Longspan.ls_add(Memory.range(a, from, n), Memory.range(b, from, n),
                Memory.range(y, from, n), n));
    }

    @Override
    public void multiply(Parallel parallel, Tensor a, Tensor b, Tensor y, boolean accumulate) {
        forEachBlock(parallel, y, (from, n) -> Longspan.ls_multiply(Memory.range(a, from, n), Memory.range(b, from, n),
                Memory.range(y, from, n), n, accumulate ? 1 : 0));
    }

    @Override
    public void sum(Parallel parallel, double alpha, Tensor x, Tensor y) {
        y.set(alpha * BlockSums.of(parallel, x, Longspan::ls_sum));
    }

    @Override
    public void addScalar(Parallel parallel, double alpha, Tensor scalar, Tensor y) {
        float value = (float) (alpha * Memory.range(scalar, 0, 1).get(ValueLayout.JAVA_FLOAT_UNALIGNED, 0));
        forEachBlock(parallel, y, (from, n) -> Longspan.ls_add_scalar(value, Memory.range(y, from, n), n));
    }

    @Override
    public void activation(Parallel parallel, Activation f, Tensor x, Tensor y) {
        int which = number(f);
        parallel.forRanges(y.elements(), Memory.item(y.elements(), BLOCK), (from, to, scratch) ->
                Status.check(Longspan.ls_activation(which, Memory.range(x, from, to - from), Memory.range(y, from, to - from),
                        to - from)));
    }

    @Override
    public void activationBackward(Parallel parallel, Activation f, Tensor x, Tensor dy, Tensor dx) {
        int which = number(f);
        forEachBlock(parallel, dx, (from, n) -> Longspan.ls_activation_backward(which, Memory.range(x, from, n),
                Memory.range(dy, from, n), Memory.range(dx, from, n), n));
    }

    @Override
    public void gated(Parallel parallel, Activation f, Tensor gate, Tensor up, Tensor y) {
        int which = number(f);
        forEachBlock(parallel, y, (from, n) -> Longspan.ls_gated(which, Memory.range(gate, from, n),
                Memory.range(up, from, n), Memory.range(y, from, n), n));
    }

    @Override
    public void gatedBackward(Parallel parallel, Activation f, Tensor gate, Tensor up, Tensor dy, @Nullable Tensor dGate,
            @Nullable Tensor dUp) {
        int which = number(f);
        MemorySegment dGates = Memory.allOrNull(dGate);
        MemorySegment dUps = Memory.allOrNull(dUp);
        forEachBlock(parallel, dy, (from, n) -> Longspan.ls_gated_backward(which, Memory.range(gate, from, n),
                Memory.range(up, from, n), Memory.range(dy, from, n), Memory.cut(dGates, from, n), Memory.cut(dUps, from, n), n));
    }

    @Override
    public void dropout(Parallel parallel, Dropout dropout, Tensor x, Tensor y, boolean accumulate) {
        forEachBlock(parallel, y, (from, n) -> Longspan.ls_dropout(dropout.rate(), dropout.seed(), dropout.stream(), from,
                Memory.range(x, from, n), Memory.range(y, from, n), n, accumulate ? 1 : 0));
    }

    /** Its number in C. */
    static int number(Activation f) {
        return switch (f) {
            case RELU -> Longspan.LS_RELU();
            case GELU -> Longspan.LS_GELU();
            case GELU_TANH -> Longspan.LS_GELU_TANH();
            case SILU -> Longspan.LS_SILU();
            case TANH -> Longspan.LS_TANH();
        };
    }
}
