package dev.longspan.verify;

import dev.longspan.autograd.Pass;
import dev.longspan.json.JsonObject;
import dev.longspan.kernel.Rotary;
import dev.longspan.op.Elementwise;
import dev.longspan.tensor.Tensor;
import java.util.LinkedHashMap;
import java.util.Map;

/** xPos alone, with torchscale's fixed origin in the middle of the sequence: x to q_rot, k_rot and q_last. */
final class XposCase implements CaseRunner {

    private static final String MIDDLE = "-(N)//2 (python floor)";

    @Override
    public Map<String, Values> run(GoldenCase golden, Variant variant, Machine machine) {
        Tensor x = golden.input("x", variant.dtype(), machine.arena());
        long rows = x.size(1);
        golden.checkSize("N", rows);
        JsonObject config = golden.json();
        config.expect("min_pos", MIDDLE);
        int headDim = Math.toIntExact(config.integer("head_dim", x.size(2)));
        double scaleBase = config.number("scale_base", 512);
        config.rejectUnread();
        long middle = Math.ceilDiv(rows, 2);
        Rotary up = new Rotary(headDim, 10000, 0, scaleBase, 1, 0, middle);
        Rotary down = new Rotary(headDim, 10000, 0, scaleBase, -1, 0, middle);
        Tensor heads = x.reshape(x.size(0), rows, 1, x.size(2));
        Map<String, Values> results = new LinkedHashMap<>();
        try (Pass pass = machine.inferring()) {
            results.put("q_rot", Values.of(Elementwise.rotary(pass, up, 0, heads).reshape(x.shape())));
            results.put("k_rot", Values.of(Elementwise.rotary(pass, down, 0, heads).reshape(x.shape())));
            Tensor last = Elementwise.rotary(pass, up, rows - 1, heads.slice(1, rows - 1, rows));
            results.put("q_last", Values.of(last.reshape(x.size(0), 1, x.size(2))));
        }
        return results;
    }
}
