package dev.longspan.verify;

import dev.longspan.autograd.Gradients;
import dev.longspan.autograd.Pass;
import dev.longspan.autograd.Randomness;
import dev.longspan.autograd.Workspace;
import dev.longspan.backend.Backend;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.util.List;

/** What a case runs on; {@code arena} is for weights and inputs of this case. */
public record Machine(Backend backend, Parallel parallel, Workspace workspace, TensorArena arena) {

    /** The dtype that a precision is computed in: float64 only where the backend has it. */
    DType dtype(Precision precision) {
        return precision == Precision.F64 && backend.dtypes().contains(DType.F64) ? DType.F64 : DType.F32;
    }

    /** A copy that is contiguous and lasts as long as the case. */
    Tensor copy(Tensor tensor) {
        return arena.allocate(tensor.dtype(), tensor.shape()).copyFrom(tensor);
    }

    /** A pass without gradients. */
    Pass inferring() {
        return Pass.inference(backend, parallel, workspace);
    }

    /** A pass that keeps the gradients of what it is asked to watch. */
    Pass watching() {
        return training(new Gradients(arena, List.of()));
    }

    /** A pass that adds to the given gradients; nothing is dropped out. */
    Pass training(Gradients gradients) {
        return Pass.training(backend, parallel, workspace, gradients, Randomness.NONE);
    }
}
