package dev.longspan.bench;

import dev.longspan.autograd.Gradients;
import dev.longspan.autograd.Pass;
import dev.longspan.autograd.Randomness;
import dev.longspan.autograd.Workspace;
import dev.longspan.backend.Backend;
import dev.longspan.kernel.AttentionPattern;
import dev.longspan.kernel.AttentionPattern.Branch;
import dev.longspan.kernel.AttentionPlan;
import dev.longspan.op.Attention;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/**
 * Causal attention over one sequence of float32, forward or forward and backward: timed and checked. q, k, v: [1, N, H, D].
 * Serves one thread.
 */
final class AttentionStep implements Comparison.Run {

    private static final int SAMPLED_ROWS = 6;
    private static final double EPS = Math.ulp(1f);

    private final Backend backend;
    private final Parallel parallel;
    private final List<Branch> schedule;
    private final AttentionPlan plan;
    private final boolean backward;
    private final TensorArena host = new TensorArena();
    private final TensorArena arena;
    private final Workspace workspace;
    private final Operands given;
    private final Operands operands;
    private final Gradients none;
    private @Nullable Deviation deviation;

    private record Operands(Tensor q, Tensor k, Tensor v, Tensor dOut) {
    }

    AttentionStep(Backend backend, Parallel parallel, AttentionPattern pattern, List<Branch> schedule, AttentionShape shape) {
        this.backend = backend;
        this.parallel = parallel;
        this.schedule = schedule;
        this.backward = shape.backward();
        plan = AttentionPlan.of(pattern, true, 1 / Math.sqrt(shape.dim()));
        arena = backend.space().isHost() ? host : new TensorArena(backend.space());
        workspace = new Workspace(backend.space(), 1 << 12);
        try {
            Tensor v = input(shape, 3);
            given = new Operands(input(shape, 1), input(shape, 2), v, backward ? input(shape, 4) : v);
            operands = backend.space().isHost() ? given
                    : new Operands(copy(arena, given.q), copy(arena, given.k), copy(arena, given.v), copy(arena, given.dOut));
            none = new Gradients(arena, List.of());
            touch(shape);
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    private Tensor input(AttentionShape shape, long seed) {
        Tensor t = host.allocate(DType.F32, 1, shape.tokens(), shape.heads(), shape.dim());
        new Noise(seed).fill(t);
        return t;
    }

    private static Tensor copy(TensorArena arena, Tensor of) {
        return arena.allocate(of.dtype(), of.shape()).copyFrom(of);
    }

    /** What the backend made, where it is read number by number. */
    private Tensor here(TensorArena own, Tensor made) {
        return backend.space().isHost() ? made : copy(own, made);
    }

    /** Makes the slabs before the first step: the system hands out pages at 1 GB/s, a cost that only a first step has. */
    private void touch(AttentionShape shape) {
        try (Pass pass = Pass.inference(backend, parallel, workspace)) {
            pass.allocate(DType.F32, given.q.shape());
            pass.allocate(DType.F32, 1, shape.heads(), shape.tokens());
            for (int i = 0; backward && i < 4; i++) {
                pass.allocate(DType.F32, given.q.shape());
            }
        }
    }

    /** Seconds of one step. The answer of the first one is checked on sampled rows of every head. */
    @Override
    public double seconds() {
        long start = System.nanoTime();
        try (Pass pass = pass()) {
            Attention.Result result = step(pass);
            result.lse().get(0, 0, 0); // a device is done when its stream gives a number
            double seconds = (System.nanoTime() - start) * 1e-9;
            if (deviation == null) {
                deviation = check(pass, result);
            }
            return seconds;
        }
    }

    /** How far the first step was off {@link DirectAttention}. */
    @Override
    public Deviation deviation() {
        if (deviation == null) {
            throw new IllegalStateException("no step has run yet");
        }
        return deviation;
    }

    /** Bytes of inputs, outputs and gradients. */
    long bytes() {
        return arena.bytes() + workspace.bytes();
    }

    private Deviation check(Pass pass, Attention.Result result) {
        try (TensorArena own = new TensorArena()) {
            DirectAttention direct = new DirectAttention(schedule, given.q, given.k, given.v);
            Attention.Result made = new Attention.Result(here(own, result.out()), here(own, result.lse()));
            Operands gradients = backward ? new Operands(here(own, pass.gradient(operands.q)), here(own, pass.gradient(operands.k)),
                    here(own, pass.gradient(operands.v)), given.dOut) : given;
            Deviation worst = Deviation.NONE;
            for (long row : sample()) {
                for (int head = 0; head < given.q.size(2); head++) {
                    worst = worst.worse(compare(direct.out(row, head), made.out(), row, head, 8));
                    if (backward) {
                        worst = worst.worse(ofGradients(direct, made, gradients, row, head));
                    }
                }
            }
            return worst;
        }
    }

    private static Deviation ofGradients(DirectAttention direct, Attention.Result made, Operands gradients, long row, int head) {
        double[] dq = direct.dq(row, head, made.out(), made.lse(), gradients.dOut);
        double[][] dkdv = direct.dkdv(row, head, made.out(), made.lse(), gradients.dOut);
        return compare(dq, gradients.q, row, head, 32)
                .worse(compare(dkdv[0], gradients.k, row, head, 32))
                .worse(compare(dkdv[1], gradients.v, row, head, 32));
    }

    /**
     * A score of unit-variance inputs is rounded by about {@code ε√D}, which moves its weight by that share, and the result
     * by that share of the largest value; {@code factor} covers sums over blocks, and δ in gradients.
     */
    private static Deviation compare(double[] expected, Tensor actual, long row, int head, double factor) {
        double largest = 1;
        for (double e : expected) {
            largest = Math.max(largest, Math.abs(e));
        }
        return Deviation.of(expected, actual.select(0, 0).select(0, row).select(0, head).toDoubles(),
                factor * EPS * Math.sqrt(expected.length) * largest);
    }

    private long[] sample() {
        long tokens = given.q.size(1);
        SplittableRandom random = new SplittableRandom(tokens);
        return LongStream.concat(LongStream.of(0, tokens / 2, tokens - 1), random.longs(SAMPLED_ROWS - 3, 0, tokens)).toArray();
    }

    private Pass pass() {
        return backward ? Pass.training(backend, parallel, workspace, none, Randomness.NONE)
                : Pass.inference(backend, parallel, workspace);
    }

    private Attention.Result step(Pass pass) {
        if (backward) {
            pass.watch(operands.q);
            pass.watch(operands.k);
            pass.watch(operands.v);
        }
        Attention.Result result = Attention.apply(pass, plan, operands.q, operands.k, operands.v);
        if (backward) {
            pass.backward(result.out(), operands.dOut);
        }
        return result;
    }

    @Override
    public void close() {
        workspace.close();
        if (!backend.space().isHost()) {
            arena.close();
        }
        host.close();
    }
}
