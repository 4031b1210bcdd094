package dev.longspan.verify;

import dev.longspan.autograd.Pass;
import dev.longspan.tensor.Tensor;
import java.util.List;

/** {@code loss = Σ out⊙gradient} over outputs of a pass: the loss that has the given gradients. */
final class GivenGradients {

    private final Pass pass;
    private double loss;

    GivenGradients(Pass pass) {
        this.pass = pass;
    }

    /** Adds an output; {@code gradient} is of its shape. */
    void add(Tensor out, Tensor gradient) {
        pass.gradient(out).copyFrom(gradient);
        loss += Values.dot(out, gradient);
    }

    /** Adds the parts of an output. */
    void addParts(List<Tensor> out, List<Tensor> gradients) {
        for (int i = 0; i < out.size(); i++) {
            add(out.get(i), gradients.get(i));
        }
    }

    /** Runs the way back and returns the loss. */
    Values backward() {
        pass.backward();
        return Values.of(loss);
    }
}
