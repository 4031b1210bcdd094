package dev.longspan.jmh.djl;

import ai.djl.MalformedModelException;
import ai.djl.Model;
import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.jni.JniUtils;
import ai.djl.training.ParameterStore;
import dev.longspan.jmh.Peer;
import dev.longspan.jmh.Side;
import dev.longspan.jmh.Task;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Supplier;

/** DJL's PyTorch engine: products, and attention by TorchScript, for its array operations have no fused one. */
public final class DjlPeer implements Peer {

    @Override
    public String name() {
        return "DJL";
    }

    @Override
    public String version() {
        System.setProperty("ai.djl.offline", "true");
        System.setProperty("OPT_OUT_TRACKING", "true");
        try {
            Engine engine = Engine.getEngine("PyTorch");
            return "0.35.1, " + engine.getEngineName() + " " + engine.getVersion();
        } catch (RuntimeException e) {
            throw new UnsupportedOperationException("its PyTorch engine does not start: " + e, e);
        }
    }

    @Override
    public Optional<Side> on(Task task, int threads) {
        return switch (task.kind()) {
            case "gemm" -> Optional.of(new DjlSide(task, threads, "c", manager -> product(task, manager)));
            case "attention" -> task.is("backward") || !"dense".equals(task.numbers().get("pattern"))
                    || task.operand("q").dtype() != DType.F32 ? Optional.empty()
                    : Optional.of(new DjlSide(task, threads, "out", manager -> attention(task, manager)));
            default -> Optional.empty();
        };
    }

    private static Supplier<NDArray> product(Task task, NDManager manager) {
        NDArray storedA = array(manager, task.operand("a"));
        NDArray storedB = array(manager, task.operand("b"));
        NDArray a = task.is("ta") ? storedA.transpose() : storedA;
        NDArray b = task.is("tb") ? storedB.transpose() : storedB;
        return () -> a.matMul(b);
    }

    private static Supplier<NDArray> attention(Task task, NDManager manager) {
        NDList operands = new NDList(array(manager, task.operand("q")), array(manager, task.operand("k")),
                array(manager, task.operand("v")));
        Model model = manager.getEngine().newModel("attention", manager.getDevice());
        manager.attachInternal("attention", model);
        try {
            model.load(new ByteArrayInputStream(TorchScript.attention(task.is("causal"), task.number("scale"))));
        } catch (IOException | MalformedModelException e) {
            throw new UnsupportedOperationException("it does not load TorchScript: " + e, e);
        }
        ParameterStore none = new ParameterStore(manager, false);
        return () -> model.getBlock().forward(none, operands, false).singletonOrThrow();
    }

    private static NDArray array(NDManager manager, Tensor tensor) {
        return manager.create(tensor.toFloats(), new Shape(tensor.shape()));
    }

    private static final class DjlSide implements Side {
        private final NDManager manager = Engine.getEngine("PyTorch").newBaseManager();
        private final Supplier<NDArray> function;
        private final Tensor answer;
        private final int threads;

        DjlSide(Task task, int threads, String answer, Function<NDManager, Supplier<NDArray>> setUp) {
            this.answer = task.answer(answer);
            this.threads = threads;
            function = setUp.apply(manager);
        }

        @Override
        public double seconds(int times) {
            // OpenMP keeps the number by calling thread, and other peers of this JVM set it too.
            JniUtils.setNumThreads(threads);
            long start = System.nanoTime();
            for (int i = 0; i < times; i++) {
                function.get().close();
            }
            return (System.nanoTime() - start) * 1e-9;
        }

        @Override
        public void answer() {
            try (NDArray result = function.get()) {
                answer.set(result.toFloatArray());
            }
        }

        @Override
        public void close() {
            manager.close();
        }
    }
}
