package dev.longspan.kernel.cuda;

import dev.longspan.bindings.CudaLibrary;
import dev.longspan.bindings.CudnnLibrary;
import dev.longspan.bindings.driver.Driver;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.OptionalInt;
import java.util.Random;

/** What {@link CudnnGpuTest} has a JVM of its own do: attention on the GPU against float64, a line for each problem. */
final class CudnnGpuChild {

    private static final float SCALE = 0.125f;
    /** Of values up to 1: probabilities and outputs are rounded to eight bits. */
    private static final double OUT_BOUND = 1.0 / 64;
    private static final double LSE_BOUND = 1e-3;
    private static final int REPEATS = 100;
    private static final short UNTOUCHED = -1; // a NaN

    private final Arena arena;
    private final MemorySegment stream;
    private final CudnnHandle handle;

    private CudnnGpuChild(Arena arena, MemorySegment stream, CudnnHandle handle) {
        this.arena = arena;
        this.stream = stream;
        this.handle = handle;
    }

    public static void main(String[] arguments) {
        String reason = CudaLibrary.get().reason() != null ? CudaLibrary.get().reason() : CudnnLibrary.get().reason();
        if (reason != null) {
            System.out.println("skipped: " + reason);
            return;
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment context = arena.allocate(ValueLayout.ADDRESS);
            check(Driver.cuDevicePrimaryCtxRetain(context, 0));
            check(Driver.cuCtxSetCurrent(context.get(ValueLayout.ADDRESS, 0)));
            MemorySegment stream = arena.allocate(ValueLayout.ADDRESS);
            check(Driver.cuStreamCreate(stream, 0));
            try (CudnnHandle handle = CudnnHandle.create()) {
                CudnnGpuChild child = new CudnnGpuChild(arena, stream.get(ValueLayout.ADDRESS, 0), handle);
                child.run("full", tokens(300, 300, 64, 64), OptionalInt.empty());
                child.run("causal", tokens(300, 300, 64, 64), OptionalInt.of(0));
                child.run("causal from 77 on", tokens(200, 277, 128, 128), OptionalInt.of(77));
                child.run("one query", tokens(1, 129, 64, 64), OptionalInt.of(128));
                child.run("wide", tokens(130, 130, 256, 512), OptionalInt.of(0));
                child.run("dilated", dilated(), OptionalInt.of(0));
            }
        }
    }

    /** Layouts of q, k, v and out. */
    private static CudnnLayout[] tokens(long queries, long keys, long dim, long valueDim) {
        return new CudnnLayout[] {CudnnLayout.ofTokens(2, queries, 3, dim), CudnnLayout.ofTokens(2, keys, 3, dim),
            CudnnLayout.ofTokens(2, keys, 3, valueDim), CudnnLayout.ofTokens(2, queries, 3, valueDim)};
    }

    private static CudnnLayout[] dilated() {
        CudnnLayout[] layouts = tokens(1000, 1000, 64, 64);
        Arrays.setAll(layouts, i -> layouts[i].dilated(4));
        return layouts;
    }

    private void run(String name, CudnnLayout[] layouts, OptionalInt firstQuery) {
        Random random = new Random(17);
        short[][] inputs = new short[3][];
        for (int i = 0; i < inputs.length; i++) {
            inputs[i] = new short[extent(layouts[i])];
            for (int j = 0; j < inputs[i].length; j++) {
                inputs[i][j] = (short) (Float.floatToRawIntBits(2 * random.nextFloat() - 1) >>> 16);
            }
        }
        CudnnProblem problem = new CudnnProblem(layouts[0], layouts[1], layouts[2], layouts[3], SCALE, firstQuery, true);
        try (CudnnAttention attention = CudnnAttention.plan(handle, problem)) {
            CudnnData data = new CudnnData(upload(inputs[0]), upload(inputs[1]), upload(inputs[2]),
                    allocate(2L * extent(layouts[3])), allocate(4 * lseSize(problem)), allocate(attention.workspaceBytes()));
            short[] out = execute(attention, problem, data);
            float[] lse = download(data.lse(), 4 * lseSize(problem)).toArray(ValueLayout.JAVA_FLOAT);
            boolean repeated = true;
            for (int i = 1; i < REPEATS; i++) {
                repeated &= Arrays.equals(out, execute(attention, problem, data));
            }
            String differences = differences(problem, inputs, out, lse) + (repeated ? "" : ", other bits when repeated");
            System.out.println(name + ": " + (differences.isEmpty() ? "ok" : differences.substring(2)));
        }
    }

    private short[] execute(CudnnAttention attention, CudnnProblem problem, CudnnData data) {
        long bytes = 2L * extent(problem.out());
        check(Driver.cuMemsetD8Async(data.out(), (byte) -1, bytes, stream));
        check(Driver.cuMemsetD8Async(data.lse(), (byte) -1, 4 * lseSize(problem), stream));
        attention.execute(stream.address(), data);
        return download(data.out(), bytes).toArray(ValueLayout.JAVA_SHORT);
    }

    private static String differences(CudnnProblem problem, short[][] inputs, short[] out, float[] lse) {
        double outError = 0;
        double lseError = 0;
        boolean[] written = new boolean[out.length];
        int keys = (int) problem.k().rows();
        int row = 0;
        for (int b = 0; b < problem.q().batch(); b++) {
            for (int h = 0; h < problem.q().heads(); h++) {
                for (int i = 0; i < problem.q().rows(); i++) {
                    int seen = problem.firstQuery().isPresent() ? Math.min(keys, problem.firstQuery().getAsInt() + i + 1) : keys;
                    double[] weights = new double[seen];
                    for (int j = 0; j < seen; j++) {
                        double score = 0;
                        for (int c = 0; c < problem.q().cols(); c++) {
                            score += at(inputs[0], problem.q(), b, h, i, c) * at(inputs[1], problem.k(), b, h, j, c);
                        }
                        weights[j] = SCALE * score;
                    }
                    double most = Arrays.stream(weights).max().orElseThrow();
                    double sum = Arrays.stream(weights).map(w -> Math.exp(w - most)).sum();
                    lseError = worse(lseError, lse[row++] - (most + Math.log(sum)));
                    for (int c = 0; c < problem.v().cols(); c++) {
                        double expected = 0;
                        for (int j = 0; j < seen; j++) {
                            expected += Math.exp(weights[j] - most) / sum * at(inputs[2], problem.v(), b, h, j, c);
                        }
                        written[index(problem.out(), b, h, i, c)] = true;
                        outError = worse(outError, at(out, problem.out(), b, h, i, c) - expected);
                    }
                }
            }
        }
        boolean outside = false;
        for (int i = 0; i < out.length; i++) {
            outside |= !written[i] && out[i] != UNTOUCHED;
        }
        return (outError <= OUT_BOUND ? "" : ", out is off by " + outError)
                + (lseError <= LSE_BOUND ? "" : ", lse is off by " + lseError)
                + (outside ? ", written between the rows of out" : "");
    }

    /** NaN is the worst. */
    private static double worse(double error, double difference) {
        return Double.isNaN(difference) || Double.isNaN(error) ? Double.NaN : Math.max(error, Math.abs(difference));
    }

    private static float at(short[] values, CudnnLayout layout, int b, int h, int i, int c) {
        return Float.intBitsToFloat(values[index(layout, b, h, i, c)] << 16);
    }

    private static int index(CudnnLayout layout, int b, int h, int i, int c) {
        return (int) (b * layout.batchStride() + h * layout.headStride() + i * layout.rowStride() + c);
    }

    private static int extent(CudnnLayout layout) {
        return 1 + index(layout, (int) layout.batch() - 1, (int) layout.heads() - 1, (int) layout.rows() - 1,
                (int) layout.cols() - 1);
    }

    private static long lseSize(CudnnProblem problem) {
        return problem.q().batch() * problem.q().heads() * problem.q().rows();
    }

    private long upload(short[] values) {
        long address = allocate(2L * values.length);
        check(Driver.cuMemcpyHtoDAsync_v2(address, arena.allocateFrom(ValueLayout.JAVA_SHORT, values), 2L * values.length, stream));
        check(Driver.cuStreamSynchronize(stream));
        return address;
    }

    private MemorySegment download(long address, long bytes) {
        MemorySegment host = arena.allocate(bytes, 8);
        check(Driver.cuMemcpyDtoHAsync_v2(host, address, bytes, stream));
        check(Driver.cuStreamSynchronize(stream));
        return host;
    }

    /** Device memory, kept until the process ends. */
    private long allocate(long bytes) {
        if (bytes == 0) {
            return 0;
        }
        MemorySegment address = arena.allocate(ValueLayout.JAVA_LONG);
        check(Driver.cuMemAlloc_v2(address, bytes));
        return address.get(ValueLayout.JAVA_LONG, 0);
    }

    private static void check(int status) {
        if (status != Driver.CUDA_SUCCESS()) {
            throw new IllegalStateException(CudaLibrary.error(status));
        }
    }
}
