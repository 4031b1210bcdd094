package dev.longspan.jmh.onnxruntime;

import ai.onnxruntime.OrtEnvironment;
import dev.longspan.jmh.Peer;
import dev.longspan.jmh.Side;
import dev.longspan.jmh.Task;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.util.Optional;

/** GroupQueryAttention with as many heads of keys as of queries: the causal attention that generation uses. */
public final class GroupQueryPeer implements Peer {

    @Override
    public String name() {
        return "ONNX Runtime GQA";
    }

    @Override
    public String version() {
        return OrtEnvironment.getEnvironment().getVersion();
    }

    @Override
    public Optional<Side> on(Task task, int threads) {
        boolean isKnown = task.kind().equals("attention") && task.is("causal") && !task.is("backward")
                && "dense".equals(task.numbers().get("pattern")) && task.operand("q").dtype() == DType.F32;
        return isKnown ? Optional.of(attention(task, threads)) : Optional.empty();
    }

    private static Side attention(Task task, int threads) {
        Tensor q = task.operand("q");
        long tokens = q.size(1);
        long[] rows = {1, tokens, q.size(2) * q.size(3)};
        long[] cache = {1, q.size(2), tokens, q.size(3)};
        Model model = new Model("com.microsoft", "GroupQueryAttention").attribute("num_heads", q.size(2))
                .attribute("kv_num_heads", q.size(2)).attribute("scale", task.number("scale"))
                .input("q", rows).input("k", rows).input("v", rows).none().none().integers("last", 1).integers("total")
                .output("out", rows).output("keys", cache).output("values", cache);
        TensorArena arena = new TensorArena();
        OnnxSide side = new OnnxSide(model, threads).input("q", q, rows).input("k", task.operand("k"), rows)
                .input("v", task.operand("v"), rows).integers("last", Math.toIntExact(tokens - 1), 1)
                .integers("total", Math.toIntExact(tokens)).output("out", task.answer("out"), rows)
                .output("keys", arena.allocate(DType.F32, cache), cache)
                .output("values", arena.allocate(DType.F32, cache), cache);
        return new Side() {
            @Override
            public double seconds(int times) {
                return side.seconds(times);
            }

            @Override
            public void answer() {
                side.answer();
            }

            @Override
            public void close() {
                side.close();
                arena.close();
            }
        };
    }
}
