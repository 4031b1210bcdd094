package dev.longspan.nn;

import dev.longspan.autograd.Pass;
import dev.longspan.kernel.ScanPlan;
import dev.longspan.op.Elementwise;
import dev.longspan.tensor.Tensor;

/** {@code y = CEMA(x) + reversed CEMA(x)}, each with its own parameters: for encoders. Ma et al., arXiv 2209.10655. */
public record BidirectionalEma(ComplexEma forward, ComplexEma backward) implements Layer {

    /** x, y: [B, L, D]; the plan's documents keep apart in both directions. */
    public Tensor apply(Pass pass, ScanPlan plan, Tensor x) {
        Tensor before = forward.apply(pass, plan, forward.coefficients(pass), x, null).y();
        Tensor after = backward.apply(pass, plan.backwards(), backward.coefficients(pass), x, null).y();
        return Elementwise.add(pass, before, 1, after);
    }
}
