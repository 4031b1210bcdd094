package dev.longspan.verify;

import dev.longspan.autograd.Gradients;
import dev.longspan.autograd.Pass;
import dev.longspan.tensor.Tensor;
import java.util.Map;
import java.util.function.UnaryOperator;

/** A training pass over a model without dropout, and its parameters' gradients under foreign names. */
final class ModelPass implements AutoCloseable {

    private final Map<String, Tensor> parameters;
    private final UnaryOperator<String> toForeign;
    private final Gradients gradients;
    private final Pass pass;

    ModelPass(Machine machine, Map<String, Tensor> parameters, UnaryOperator<String> toForeign) {
        this.parameters = parameters;
        this.toForeign = toForeign;
        this.gradients = new Gradients(machine.arena(), parameters.values());
        this.pass = machine.training(gradients);
    }

    Pass pass() {
        return pass;
    }

    /** {@code g.} and the foreign name of each parameter. */
    void addGradients(Map<String, Values> results) {
        parameters.forEach((name, parameter) ->
                results.put("g." + toForeign.apply(name), Values.of(gradients.of(parameter))));
    }

    @Override
    public void close() {
        pass.close();
    }
}
