package dev.longspan.jmh.jlama;

import com.github.tjake.jlama.tensor.FloatBufferTensor;
import com.github.tjake.jlama.tensor.TensorShape;
import com.github.tjake.jlama.tensor.operations.TensorOperations;
import com.github.tjake.jlama.tensor.operations.TensorOperationsProvider;
import dev.longspan.jmh.Peer;
import dev.longspan.jmh.Side;
import dev.longspan.jmh.Task;
import dev.longspan.tensor.Tensor;
import java.nio.ByteOrder;
import java.util.Optional;

/** Rows times rows on one thread, {@code c = a·bᵀ}: the only product that Jlama has. */
public final class JlamaPeer implements Peer {

    @Override
    public String name() {
        return "Jlama";
    }

    @Override
    public String version() {
        return "0.8.4, " + TensorOperationsProvider.get().name();
    }

    @Override
    public Optional<Side> on(Task task, int threads) {
        if (!task.kind().equals("gemm") || threads != 1 || task.is("ta") || !task.is("tb")) {
            return Optional.empty();
        }
        TensorOperations operations = TensorOperationsProvider.get();
        FloatBufferTensor a = tensor(task.operand("a"));
        FloatBufferTensor b = tensor(task.operand("b"));
        FloatBufferTensor c = tensor(task.answer("c"));
        return Optional.of(new Side() {
            @Override
            public double seconds(int times) {
                long start = System.nanoTime();
                for (int i = 0; i < times; i++) {
                    operations.batchDotProduct(c, a, b, 0, 0, task.size("k"));
                }
                return (System.nanoTime() - start) * 1e-9;
            }

            @Override
            public void answer() {
                seconds(1);
            }

            @Override
            public void close() {
                // The task owns the memory.
            }
        });
    }

    private static FloatBufferTensor tensor(Tensor tensor) {
        return new FloatBufferTensor(tensor.segment().asSlice(tensor.offset() * Float.BYTES, tensor.elements() * Float.BYTES)
                .asByteBuffer().order(ByteOrder.nativeOrder()).asFloatBuffer(),
                TensorShape.of(Math.toIntExact(tensor.size(0)), Math.toIntExact(tensor.size(1))), true);
    }
}
