package dev.longspan.backend;

import dev.longspan.kernel.Kernels;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.MemorySpace;
import java.lang.reflect.InvocationTargetException;
import java.util.Set;

/** Looks the Vector API backend up by name, so that nothing links to the incubator module where it is absent. */
final class VectorProvider {

    private static final String CLASS = "dev.longspan.kernel.vector.VectorKernels";

    private VectorProvider() {
    }

    static Backend find() {
        if (ModuleLayer.boot().findModule("jdk.incubator.vector").isEmpty()) {
            return refused("module jdk.incubator.vector is not there: start java with --add-modules jdk.incubator.vector");
        }
        try {
            Class<?> kernels = Class.forName(CLASS);
            return new Backend("vector", (String) kernels.getMethod("describe").invoke(null), MemorySpace.HOST,
                    Set.of(DType.F32), (Kernels) kernels.getMethod("create").invoke(null), null);
        } catch (InvocationTargetException e) {
            return refused(String.valueOf(e.getCause()));
        } catch (ReflectiveOperationException | LinkageError e) {
            return refused(e.toString());
        }
    }

    private static Backend refused(String reason) {
        return new Backend("vector", "JDK Vector API", MemorySpace.HOST, Set.of(DType.F32), null, reason);
    }
}
