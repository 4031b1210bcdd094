package dev.longspan.backend;

import dev.longspan.bindings.CudnnLibrary;
import dev.longspan.kernel.cuda.CudaDevice;
import dev.longspan.kernel.cuda.CudaKernels;
import dev.longspan.kernel.cuda.CudaSpace;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.MemorySpace;
import java.util.Set;

/** The backend of an NVIDIA GPU. No other has its memory, so it has every family itself. */
final class CudaProvider {

    private CudaProvider() {
    }

    private static String cudnn() {
        CudnnLibrary cudnn = CudnnLibrary.get();
        return cudnn.reason() == null ? "cuDNN " + cudnn.version() : "no cuDNN: " + cudnn.reason();
    }

    static Backend find() {
        try {
            CudaSpace space = CudaSpace.of(CudaDevice.get());
            return new Backend("cuda", space.device().describe() + "; " + cudnn(), space, Set.of(DType.F32), CudaKernels.create(space), null);
        } catch (UnsupportedOperationException e) {
            return new Backend("cuda", "NVIDIA GPU", MemorySpace.HOST, Set.of(DType.F32), null, e.getMessage());
        }
    }
}
