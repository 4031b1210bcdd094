package dev.longspan.jmh.nd4j;

import dev.longspan.jmh.Peer;
import dev.longspan.jmh.Side;
import dev.longspan.jmh.Task;
import dev.longspan.tensor.Tensor;
import java.util.Optional;
import org.bytedeco.openblas.global.openblas;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Products through ND4J into an array that is kept; whatever core OpenBLAS takes this machine for. */
public final class Nd4jPeer implements Peer {

    @Override
    public String name() {
        return "ND4J";
    }

    @Override
    public String version() {
        return "1.0.0-M2.1, " + Nd4j.getBackend().getClass().getSimpleName() + ", OpenBLAS core " + OpenBlasPeer.core();
    }

    @Override
    public Optional<Side> on(Task task, int threads) {
        if (!task.kind().equals("gemm")) {
            return Optional.empty();
        }
        openblas.blas_set_num_threads(threads);
        INDArray a = array(task.operand("a"));
        INDArray b = array(task.operand("b"));
        Tensor answer = task.answer("c");
        INDArray c = Nd4j.create(new long[] {answer.size(0), answer.size(1)}, 'f');
        return Optional.of(new Side() {
            @Override
            public double seconds(int times) {
                long start = System.nanoTime();
                for (int i = 0; i < times; i++) {
                    Nd4j.gemm(a, b, c, task.is("ta"), task.is("tb"), 1, 0);
                }
                return (System.nanoTime() - start) * 1e-9;
            }

            @Override
            public void answer() {
                seconds(1);
                answer.set(c.dup('c').data().asFloat());
            }

            @Override
            public void close() {
                a.close();
                b.close();
                c.close();
            }
        });
    }

    private static INDArray array(Tensor tensor) {
        return Nd4j.createFromArray(tensor.toFloats()).reshape(tensor.size(0), tensor.size(1));
    }
}
