package dev.longspan.kernel.cuda;

import dev.longspan.backend.Backend;
import dev.longspan.kernel.Kernels;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;

/** What a program sees of a device that fails, for tests that look at it from outside: one line for each thing it tries. */
final class CudaChild {

    private static final Parallel ONE = Parallel.of(1);

    private CudaChild() {
    }

    public static void main(String[] arguments) {
        Backend cuda = Backend.all().stream().filter(b -> b.name().equals("cuda")).findFirst().orElseThrow();
        if (cuda.available() == null) {
            System.out.println("refused: " + cuda.reason());
            return;
        }
        System.out.println("ready: " + cuda.detail());
        Kernels kernels = cuda.kernels();
        try (TensorArena arena = new TensorArena(cuda.space())) {
            Tensor x = arena.allocate(DType.F32, 100).fill(2);
            Tensor y = arena.allocate(DType.F32, 100);
            attempt("multiply", () -> kernels.elementwise().multiply(ONE, x, x, y, false));
            attempt("read", () -> System.out.println("y[7] = " + y.get(7)));
            attempt("add", () -> kernels.elementwise().add(ONE, x, x, y));
            attempt("read", () -> System.out.println("y[7] = " + y.get(7)));
            attempt("allocate", () -> arena.allocate(DType.F32, 200 << 20));
            attempt("allocate", () -> arena.allocate(DType.F32, 100));
        }
        System.out.println("alive");
    }

    private static void attempt(String what, Runnable work) {
        try {
            work.run();
            System.out.println(what + ": ok");
        } catch (RuntimeException e) {
            System.out.println(what + ": " + e.getClass().getSimpleName() + ": " + e.getMessage());
        }
    }
}
