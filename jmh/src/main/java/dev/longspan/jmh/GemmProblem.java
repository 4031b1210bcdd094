package dev.longspan.jmh;

import dev.longspan.backend.Backend;
import dev.longspan.bench.Deviation;
import dev.longspan.bench.Noise;
import dev.longspan.kernel.GemmCut;
import dev.longspan.kernel.PackedMatrix;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * {@code c = a·b} in float32. a: [m, k], b: [k, n]; stored transposed where the layout, {@code nn}, {@code nt} or {@code tn},
 * says so; b may be stored in bfloat16, which no peer is asked for. A layer's forward is {@code nt} (weights are [out,
 * in]), its gradients are {@code nn} and {@code tn}.
 */
final class GemmProblem implements Problem {

    private static final int SAMPLES = 400;

    private final TensorArena arena = new TensorArena();
    private final String layout;
    private final Tensor a;
    private final Tensor b;
    private final Tensor c;
    private final Task task;

    GemmProblem(String layout, int m, int n, int k) {
        this(layout, m, n, k, DType.F32);
    }

    GemmProblem(String layout, int m, int n, int k, DType weights) {
        this.layout = layout;
        boolean transposedA = layout.charAt(0) == 't';
        boolean transposedB = layout.charAt(1) == 't';
        Tensor storedA = noise(1, DType.F32, transposedA ? k : m, transposedA ? m : k);
        Tensor storedB = noise(2, weights, transposedB ? n : k, transposedB ? k : n);
        a = transposedA ? storedA.transpose(0, 1) : storedA;
        b = transposedB ? storedB.transpose(0, 1) : storedB;
        c = arena.allocate(DType.F32, m, n);
        task = new Task("gemm", Map.of("m", (long) m, "n", (long) n, "k", (long) k, "ta", transposedA, "tb", transposedB),
                Map.of("a", storedA, "b", storedB), Map.of("c", c));
    }

    private Tensor noise(long seed, DType dtype, long... shape) {
        Tensor t = arena.allocate(dtype, shape);
        new Noise(seed).fill(t);
        return t;
    }

    @Override
    public String name() {
        String stored = b.dtype() == DType.F32 ? "" : " bf16";
        return c.size(0) + " x " + c.size(1) + " x " + a.size(1) + " " + layout + stored;
    }

    @Override
    public Task task() {
        return task;
    }

    @Override
    public double gigaflop() {
        return 2e-9 * c.elements() * a.size(1);
    }

    @Override
    public double gigabytes() {
        return c.size(0) == 1 ? 1e-9 * b.dtype().bytes() * b.elements() : 0;
    }

    @Override
    public boolean hasPeers() {
        return b.dtype() == DType.F32;
    }

    @Override
    public Side on(Backend backend, Parallel parallel) {
        return OwnSide.of(backend, parallel, task, (pass, here) -> {
            Tensor product = pass.allocate(DType.F32, c.shape());
            pass.kernels().gemm().gemm(pass.parallel(), stored(here, "a"), stored(here, "b"), null, product, false);
            return Map.of("c", product);
        });
    }

    /** {@inheritDoc} Weights, [out, in], are packed once too, by the backends that can. */
    @Override
    public Map<String, Side> own(int threads) {
        Map<String, Side> sides = new LinkedHashMap<>(Problem.super.own(threads));
        backends().stream().filter(backend -> layout.equals("nt") && c.size(0) > GemmCut.FEW_ROWS && hasPeers()
                && backend.kernels().gemm().packs())
                .forEach(backend -> sides.put(backend.name() + Row.PACKED, packedOn(backend, Parallel.of(threads))));
        return sides;
    }

    private Side packedOn(Backend backend, Parallel parallel) {
        PackedMatrix packed = backend.kernels().gemm().pack(parallel, b, arena);
        return OwnSide.of(backend, parallel, task, (pass, here) -> {
            Tensor product = pass.allocate(DType.F32, c.shape());
            packed.gemm(pass.parallel(), stored(here, "a"), null, product, false);
            return Map.of("c", product);
        });
    }

    private static Tensor stored(Task here, String name) {
        return here.is("t" + name) ? here.operand(name).transpose(0, 1) : here.operand(name);
    }

    @Override
    public Deviation check() {
        SplittableRandom random = new SplittableRandom(c.elements());
        double[] expected = new double[SAMPLES];
        double[] actual = new double[SAMPLES];
        for (int i = 0; i < SAMPLES; i++) {
            long row = random.nextLong(c.size(0));
            long column = random.nextLong(c.size(1));
            for (long k = 0; k < a.size(1); k++) {
                expected[i] += a.get(row, k) * b.get(k, column);
            }
            actual[i] = c.get(row, column);
        }
        // Each of K partial sums, of size up to √K, is rounded by ε/2: εK/3 is the standard deviation, and this twelve times it.
        return Deviation.of(expected, actual, 4 * Math.ulp(1f) * a.size(1));
    }

    @Override
    public void close() {
        arena.close();
    }
}
