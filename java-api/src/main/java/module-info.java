import org.jspecify.annotations.NullMarked;

/** Tensors, kernels and backends, autograd, ops, layers, optimisers and safetensors. */
@NullMarked
module dev.longspan.api {
    // Absent at run time, everything works on scalar loops.
    requires static jdk.incubator.vector;
    requires static org.jspecify;
    requires com.fasterxml.jackson.core;
}
