package dev.longspan.backend;

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

    static Backend find() {
        try {
            CudaSpace space = CudaSpace.of(CudaDevice.get());
            CudaKernels kernels = CudaKernels.on(space);
            return new Backend("cuda", kernels.detail(), space, Set.of(DType.F32), kernels.families(), null);
        } catch (UnsupportedOperationException e) {
            return new Backend("cuda", "NVIDIA GPU", MemorySpace.HOST, Set.of(DType.F32), null, e.getMessage());
        }
    }
}
