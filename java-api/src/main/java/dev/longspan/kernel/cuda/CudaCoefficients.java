package dev.longspan.kernel.cuda;

import dev.longspan.bindings.cuda.LongspanCuda;
import dev.longspan.bindings.cuda.ls_cuda_cema_coefficients_params;
import dev.longspan.kernel.CoefficientsKernel;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/** What CEMA multiplies by, in double. */
final class CudaCoefficients implements CoefficientsKernel {

    private final CudaSpace space;
    private final DevicePointer at;

    CudaCoefficients(CudaSpace space) {
        this.space = space;
        this.at = new DevicePointer(space);
    }

    @Override
    public void forward(Parallel parallel, Tensor alpha, Tensor delta, @Nullable Tensor theta, Tensor gamma, Tensor q, Tensor p,
            Tensor c) {
        try (Arena arena = Arena.ofConfined()) {
            long modes = alpha.elements();
            MemorySegment params = params(arena, alpha, delta, theta, gamma);
            ls_cuda_cema_coefficients_params.q(params, at.of(q, DType.F64, 2 * modes));
            ls_cuda_cema_coefficients_params.p(params, at.of(p, DType.F64, modes));
            ls_cuda_cema_coefficients_params.c(params, at.of(c, DType.F64, 2 * modes));
            space.stream().launch(parallel, "cema coefficients", s -> LongspanCuda.ls_cuda_cema_coefficients(params, s));
        }
    }

    @Override
    public void backward(Parallel parallel, Tensor alpha, Tensor delta, @Nullable Tensor theta, Tensor gamma,
            @Nullable Tensor dq, @Nullable Tensor dp, @Nullable Tensor dc, @Nullable Tensor dAlpha, @Nullable Tensor dDelta,
            @Nullable Tensor dTheta, @Nullable Tensor dGamma) {
        try (Arena arena = Arena.ofConfined()) {
            long modes = alpha.elements();
            MemorySegment params = params(arena, alpha, delta, theta, gamma);
            ls_cuda_cema_coefficients_params.dq(params, at.doublesOrNull(dq, 2 * modes));
            ls_cuda_cema_coefficients_params.dp(params, at.doublesOrNull(dp, modes));
            ls_cuda_cema_coefficients_params.dc(params, at.doublesOrNull(dc, 2 * modes));
            ls_cuda_cema_coefficients_params.d_alpha(params, at.floatsOrNull(dAlpha, modes));
            ls_cuda_cema_coefficients_params.d_delta(params, at.floatsOrNull(dDelta, modes));
            ls_cuda_cema_coefficients_params.d_theta(params, at.floatsOrNull(dTheta, alpha.size(0)));
            ls_cuda_cema_coefficients_params.d_gamma(params, at.floatsOrNull(dGamma, 2 * modes));
            space.stream().launch(parallel, "cema coefficients backward", s ->
                    LongspanCuda.ls_cuda_cema_coefficients_backward(params, s));
        }
    }

    private MemorySegment params(Arena arena, Tensor alpha, Tensor delta, @Nullable Tensor theta, Tensor gamma) {
        MemorySegment params = ls_cuda_cema_coefficients_params.allocate(arena);
        ls_cuda_cema_coefficients_params.size(params, ls_cuda_cema_coefficients_params.sizeof());
        ls_cuda_cema_coefficients_params.channels(params, alpha.size(0));
        ls_cuda_cema_coefficients_params.modes(params, alpha.size(1));
        ls_cuda_cema_coefficients_params.alpha(params, at.floats(alpha, alpha.elements()));
        ls_cuda_cema_coefficients_params.delta(params, at.floats(delta, alpha.elements()));
        ls_cuda_cema_coefficients_params.theta(params, at.floatsOrNull(theta, alpha.size(0)));
        ls_cuda_cema_coefficients_params.gamma(params, at.floats(gamma, 2 * alpha.elements()));
        return params;
    }
}
