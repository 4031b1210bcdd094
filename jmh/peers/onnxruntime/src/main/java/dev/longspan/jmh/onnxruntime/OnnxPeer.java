package dev.longspan.jmh.onnxruntime;

import ai.onnxruntime.OrtEnvironment;
import dev.longspan.jmh.Peer;
import dev.longspan.jmh.Side;
import dev.longspan.jmh.Task;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import java.util.Optional;

/** Gemm with weights that never change, and MultiHeadAttention forward. */
public final class OnnxPeer implements Peer {

    @Override
    public String name() {
        return "ONNX Runtime";
    }

    @Override
    public String version() {
        return OrtEnvironment.getEnvironment().getVersion();
    }

    @Override
    public Optional<Side> on(Task task, int threads) {
        return switch (task.kind()) {
            case "gemm" -> Optional.of(gemm(task, threads));
            case "attention" -> task.is("backward") || !"dense".equals(task.numbers().get("pattern"))
                    || task.operand("q").dtype() != DType.F32 ? Optional.empty()
                    : Optional.of(attention(task, threads));
            default -> Optional.empty();
        };
    }

    private static Side gemm(Task task, int threads) {
        Tensor a = task.operand("a");
        Tensor b = task.operand("b");
        Tensor c = task.answer("c");
        Model model = new Model("", "Gemm").attribute("transA", task.is("ta") ? 1L : 0L)
                .attribute("transB", task.is("tb") ? 1L : 0L).input("a", a.shape())
                .constant("b", b.segment().asSlice(b.offset() * Float.BYTES, b.elements() * Float.BYTES), b.shape())
                .output("c", c.shape());
        return new OnnxSide(model, threads).input("a", a, a.shape()).output("c", c, c.shape());
    }

    private static Side attention(Task task, int threads) {
        Tensor q = task.operand("q");
        Tensor out = task.answer("out");
        long[] rows = {1, q.size(1), q.size(2) * q.size(3)};
        Model model = new Model("com.microsoft", "MultiHeadAttention").attribute("num_heads", q.size(2))
                .attribute("unidirectional", task.is("causal") ? 1L : 0L).attribute("scale", task.number("scale"))
                .input("q", rows).input("k", rows).input("v", rows).output("out", rows);
        return new OnnxSide(model, threads).input("q", q, rows).input("k", task.operand("k"), rows)
                .input("v", task.operand("v"), rows).output("out", out, rows);
    }
}
