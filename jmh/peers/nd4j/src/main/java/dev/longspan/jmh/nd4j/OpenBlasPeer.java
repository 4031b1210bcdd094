package dev.longspan.jmh.nd4j;

import dev.longspan.jmh.Peer;
import dev.longspan.jmh.Side;
import dev.longspan.jmh.Task;
import dev.longspan.tensor.Tensor;
import java.nio.ByteOrder;
import java.util.Objects;
import java.util.Optional;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.openblas.global.openblas;

/** OpenBLAS itself. It mistakes CPUs that are younger than it is: `make bench` sets OPENBLAS_CORETYPE where it knows better. */
public final class OpenBlasPeer implements Peer {

    @Override
    public String name() {
        return "OpenBLAS";
    }

    @Override
    public String version() {
        openblas.blas_set_num_threads(1); // loads the library, or says that it cannot
        return "0.3.19, core " + core();
    }

    /** It does not tell which core it chose by itself. */
    static String core() {
        return Objects.requireNonNullElse(System.getenv("OPENBLAS_CORETYPE"), "of its own choice");
    }

    @Override
    public Optional<Side> on(Task task, int threads) {
        if (!task.kind().equals("gemm")) {
            return Optional.empty();
        }
        FloatPointer a = pointer(task.operand("a"));
        FloatPointer b = pointer(task.operand("b"));
        FloatPointer c = pointer(task.answer("c"));
        int m = task.size("m");
        int n = task.size("n");
        int k = task.size("k");
        int transA = task.is("ta") ? openblas.CblasTrans : openblas.CblasNoTrans;
        int transB = task.is("tb") ? openblas.CblasTrans : openblas.CblasNoTrans;
        int lda = task.is("ta") ? m : k;
        int ldb = task.is("tb") ? k : n;
        openblas.blas_set_num_threads(threads);
        return Optional.of(new Side() {
            @Override
            public double seconds(int times) {
                long start = System.nanoTime();
                for (int i = 0; i < times; i++) {
                    openblas.cblas_sgemm(openblas.CblasRowMajor, transA, transB, m, n, k, 1, a, lda, b, ldb, 0, c, n);
                }
                return (System.nanoTime() - start) * 1e-9;
            }

            @Override
            public void answer() {
                // 0 · NaN is NaN in what the reference BLAS does not read.
                task.answer("c").fill(0);
                seconds(1);
            }

            @Override
            public void close() {
                // The task owns the memory.
            }
        });
    }

    private static FloatPointer pointer(Tensor tensor) {
        return new FloatPointer(tensor.segment().asSlice(tensor.offset() * Float.BYTES, tensor.elements() * Float.BYTES)
                .asByteBuffer().order(ByteOrder.nativeOrder()).asFloatBuffer());
    }
}
