package dev.longspan.jmh;

import dev.longspan.autograd.Pass;
import dev.longspan.backend.Backend;
import dev.longspan.bench.Deviation;
import dev.longspan.bench.Noise;
import dev.longspan.kernel.AttentionPattern;
import dev.longspan.kernel.AttentionPattern.Branch;
import dev.longspan.kernel.AttentionPlan;
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
 * Attention, forward or forward and backward. q, k: [B, N, H, D], v: [B, N, H, Dv]. The gradient of the output is zero but for
 * a few rows: no kernel is faster for it, and every gradient can be known in float64.
 */
final class AttentionProblem implements Problem {

    private static final int GIVEN_ROWS = 9;
    private static final int KEY_ROWS = 32;
    /** Of more heads than this, in all sequences together, so many are checked. */
    private static final int CHECKED_HEADS = 8;

    private final TensorArena arena = new TensorArena();
    private final AttentionShape shape;
    private final long[] given;
    private final Task task;
    private List<Expected> expected = List.of();

    /** A row of an answer in float64. */
    private record Expected(String answer, long sequence, long row, int head, ExactAttention.Row values) {
    }

    AttentionProblem(AttentionShape shape) {
        this.shape = shape;
        Tensor q = noise(1, shape.tokens(), shape.dim());
        Tensor k = noise(2, shape.tokens(), shape.dim());
        Tensor v = noise(3, shape.tokens(), shape.valueDim());
        long n = shape.tokens();
        given = LongStream.concat(LongStream.of(0, n / 2, n - 1), new SplittableRandom(n).longs(GIVEN_ROWS - 3, 0, n))
                .distinct().toArray();
        Map<String, Tensor> operands = new LinkedHashMap<>(Map.of("q", q, "k", k, "v", v));
        Map<String, Tensor> answers = new LinkedHashMap<>(Map.of("out", like(v)));
        if (shape.backward()) {
            Tensor dOut = like(v);
            Tensor noise = noise(4, given.length, shape.valueDim());
            for (int i = 0; i < given.length; i++) {
                dOut.slice(1, given[i], given[i] + 1).copyFrom(noise.slice(1, i, i + 1));
            }
            operands.put("dOut", dOut);
            answers.put("dq", like(q));
            answers.put("dk", like(k));
            answers.put("dv", like(v));
        }
        task = new Task("attention", numbers(shape), operands, answers);
    }

    private Tensor noise(long seed, long rows, long dim) {
        Tensor t = arena.allocate(shape.dtype(), shape.batch(), rows, shape.heads(), dim);
        new Noise(seed).fill(t);
        return t;
    }

    private Tensor like(Tensor t) {
        return arena.allocate(shape.dtype(), t.shape());
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
        return OwnSide.of(backend, parallel, task, (pass, here) -> run(pass, plan, here));
    }

    /** By the kernels themselves. Log-sum-exp and gradients are float32 however the rest is stored. */
    private Map<String, Tensor> run(Pass pass, AttentionPlan plan, Task here) {
        Tensor q = here.operand("q");
        Tensor k = here.operand("k");
        Tensor v = here.operand("v");
        Tensor out = pass.zeros(shape.dtype(), v.shape());
        Tensor lse = pass.allocate(DType.F32, shape.batch(), shape.heads(), shape.tokens());
        pass.kernels().elementwise().fill(pass.parallel(), lse, Double.NEGATIVE_INFINITY);
        pass.kernels().attention().forward(pass.parallel(), plan, q, k, v, out, lse);
        if (!shape.backward()) {
            return Map.of("out", out);
        }
        Tensor dq = pass.zeros(DType.F32, q.shape());
        Tensor dk = pass.zeros(DType.F32, k.shape());
        Tensor dv = pass.zeros(DType.F32, v.shape());
        pass.kernels().attention().backward(pass.parallel(), plan, q, k, v, out, lse, here.operand("dOut"), null, dq, dk, dv);
        return Map.of("out", out, "dq", dq, "dk", dk, "dv", dv);
    }

    @Override
    public Deviation check() {
        if (expected.isEmpty()) {
            expected = expect();
        }
        Deviation worst = Deviation.NONE;
        for (Expected row : expected) {
            worst = worst.worse(row.values.deviation(sequence(task.answer(row.answer), row.sequence), row.row, row.head));
        }
        return worst;
    }

    private static Tensor sequence(Tensor of, long index) {
        return of.slice(0, index, index + 1);
    }

    private List<Expected> expect() {
        long heads = shape.batch() * shape.heads();
        LongStream checked = heads <= CHECKED_HEADS ? LongStream.range(0, heads)
                : LongStream.concat(LongStream.of(0, heads - 1), new SplittableRandom(2).longs(CHECKED_HEADS / 2 - 2, 0, heads));
        return checked.distinct().parallel().mapToObj(i -> expect(i / shape.heads(), Math.toIntExact(i % shape.heads())))
                .flatMap(List::stream).toList();
    }

    private List<Expected> expect(long sequence, int head) {
        List<Expected> rows = new ArrayList<>();
        ExactAttention exact = new ExactAttention(shape, sequence(task.operand("q"), sequence),
                sequence(task.operand("k"), sequence), sequence(task.operand("v"), sequence));
        for (long row : given) {
            rows.add(new Expected("out", sequence, row, head, exact.out(row, head)));
        }
        if (shape.backward()) {
            ExactAttention.Gradients gradients = exact.gradients(given, head, sequence(task.operand("dOut"), sequence));
            for (int i = 0; i < given.length; i++) {
                rows.add(new Expected("dq", sequence, given[i], head, gradients.dq().get(i)));
            }
            LongStream.concat(LongStream.of(given), new SplittableRandom(1).longs(KEY_ROWS, 0, shape.tokens())).forEach(key -> {
                rows.add(new Expected("dk", sequence, key, head, gradients.dk().row(key)));
                rows.add(new Expected("dv", sequence, key, head, gradients.dv().row(key)));
            });
        }
        return rows;
    }

    @Override
    public void close() {
        arena.close();
    }
}
