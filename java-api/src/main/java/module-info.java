import org.jspecify.annotations.NullMarked;

/** Tensors, kernels and backends, autograd, ops, layers, optimisers and safetensors. */
@NullMarked
module dev.longspan.api {
    // Absent at run time, everything works on scalar loops.
    requires static jdk.incubator.vector;
    requires static transitive org.jspecify;
    requires dev.longspan.bindings;
    requires com.fasterxml.jackson.core;
    requires java.management;
    requires jdk.management;

    exports dev.longspan.tensor;
    exports dev.longspan.checkpoint;
    exports dev.longspan.parallel;
    exports dev.longspan.kernel;
    exports dev.longspan.kernel.cuda;
    exports dev.longspan.backend;
    exports dev.longspan.autograd;
    exports dev.longspan.op;
    exports dev.longspan.nn;
    exports dev.longspan.optim;
}
