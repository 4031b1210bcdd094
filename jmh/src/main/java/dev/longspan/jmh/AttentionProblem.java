package dev.longspan.jmh;

import dev.longspan.autograd.Pass;
import dev.longspan.backend.Backend;
import dev.longspan.bench.Deviation;
import dev.longspan.bench.Noise;
import dev.longspan.kernel.AttentionPattern;
import dev.longspan.kernel.AttentionPattern.Branch;
import dev.longspan.kernel.AttentionPlan;
import dev.longspan.op.Attention;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.LongStream;

/**
 * Attention of one sequence in float32, forward or forward and backward. q, k: [1, N, H, D], v: [1, N, H, Dv]. The gradient of
 * the output is zero but for a few rows: no kernel is faster for it, and every gradient can be known in float64.
 */
final class AttentionProblem implements Problem {

    private static final int GIVEN_ROWS = 9;
    private static final int KEY_ROWS = 32;

    private final TensorArena arena = new TensorArena();
    private final AttentionShape shape;
    private final long[] given;
    private final Tensor q;
    private final Tensor k;
    private final Tensor v;
    private final Tensor dOut;
    private final Task task;

    AttentionProblem(AttentionShape shape) {
        this.shape = shape;
        q = noise(1, shape.dim());
        k = noise(2, shape.dim());
        v = noise(3, shape.valueDim());
        long n = shape.tokens();
        given = LongStream.concat(LongStream.of(0, n / 2, n - 1), new SplittableRandom(n).longs(GIVEN_ROWS - 3, 0, n))
                .distinct().toArray();
        dOut = arena.allocate(DType.F32, v.shape());
        Map<String, Tensor> operands = new LinkedHashMap<>(Map.of("q", q, "k", k, "v", v));
        Map<String, Tensor> answers = new LinkedHashMap<>(Map.of("out", arena.allocate(DType.F32, v.shape())));
        if (shape.backward()) {
            Tensor noise = arena.allocate(DType.F32, 1, given.length, shape.heads(), shape.valueDim());
            new Noise(4).fill(noise);
            for (int i = 0; i < given.length; i++) {
                dOut.slice(1, given[i], given[i] + 1).copyFrom(noise.slice(1, i, i + 1));
            }
            operands.put("dOut", dOut);
            answers.put("dq", arena.allocate(DType.F32, q.shape()));
            answers.put("dk", arena.allocate(DType.F32, k.shape()));
            answers.put("dv", arena.allocate(DType.F32, v.shape()));
        }
        task = new Task("attention", numbers(shape), operands, answers);
    }

    private Tensor noise(long seed, long dim) {
        Tensor t = arena.allocate(DType.F32, 1, shape.tokens(), shape.heads(), dim);
        new Noise(seed).fill(t);
        return t;
    }

    private static Map<String, Object> numbers(AttentionShape shape) {
        Map<String, Object> numbers = new LinkedHashMap<>();
        numbers.put("pattern", shape.pattern().name().toLowerCase(Locale.ROOT));
        numbers.put("causal", shape.causal());
        numbers.put("backward", shape.backward());
        numbers.put("scale", shape.scale());
        List<Object> branches = new ArrayList<>();
        for (Branch branch : shape.branches()) {
            branches.add(Map.of("segment", branch.segment(), "dilation", branch.dilation()));
        }
        numbers.put("branches", branches);
        return numbers;
    }

    @Override
    public String name() {
        return shape.toString();
    }

    @Override
    public Task task() {
        return task;
    }

    @Override
    public double gigaflop() {
        return shape.gigaflop();
    }

    @Override
    public Side on(Backend backend, Parallel parallel) {
        AttentionPattern pattern = switch (shape.pattern()) {
            case DENSE -> new AttentionPattern.Dense();
            case CHUNKED -> new AttentionPattern.Chunked(shape.branches().getFirst().segment());
            case DILATED -> new AttentionPattern.Dilated(shape.branches(), AttentionPattern.HeadOffset.GROUPED,
                    AttentionPattern.PadKeys.MASK);
        };
        AttentionPlan plan = AttentionPlan.of(pattern, shape.causal(), shape.scale());
        return shape.backward() ? OwnSide.training(backend, parallel, task, pass -> backward(pass, plan))
                : OwnSide.forward(backend, parallel, task, pass -> Map.of("out", Attention.apply(pass, plan, q, k, v).out()));
    }

    private Map<String, Tensor> backward(Pass pass, AttentionPlan plan) {
        pass.watch(q);
        pass.watch(k);
        pass.watch(v);
        Tensor out = Attention.apply(pass, plan, q, k, v).out();
        pass.backward(out, dOut);
        return Map.of("out", out, "dq", pass.gradient(q), "dk", pass.gradient(k), "dv", pass.gradient(v));
    }

    @Override
    public Deviation check() {
        ExactAttention exact = new ExactAttention(shape, q, k, v);
        Deviation worst = Deviation.NONE;
        long[] keys = new SplittableRandom(1).longs(KEY_ROWS, 0, shape.tokens()).toArray();
        for (int head = 0; head < shape.heads(); head++) {
            for (long row : given) {
                worst = worst.worse(exact.out(row, head).deviation(task.answer("out"), row, head));
            }
            if (shape.backward()) {
                ExactAttention.Gradients gradients = exact.gradients(given, head, dOut);
                for (int i = 0; i < given.length; i++) {
                    worst = worst.worse(gradients.dq().get(i).deviation(task.answer("dq"), given[i], head));
                }
                for (long key : LongStream.concat(LongStream.of(given), LongStream.of(keys)).toArray()) {
                    worst = worst.worse(gradients.dk().row(key).deviation(task.answer("dk"), key, head))
                            .worse(gradients.dv().row(key).deviation(task.answer("dv"), key, head));
                }
            }
        }
        return worst;
    }

    @Override
    public void close() {
        arena.close();
    }
}
