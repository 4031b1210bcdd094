package dev.longspan.jmh;

import org.openjdk.jmh.annotations.Param;

/** Two threads and more beside one, {@code family problem}: what arithmetic bounds, then what memory does. */
public class ThreadsBenchmark extends Measured {

    @Param({"gemm nt 1024", "gemm nt 2048", "attention causal 8192x64 fwd", "attention full 8192x64 fwd",
        "attention causal 8192x64 fwd+bwd", "dilated-attention 32768 fwd", "dilated-attention 32768 fwd+bwd",
        "chunk-attention 4096 fwd", "cema 65536 fwd", "cema 65536 fwd+bwd", "models longnet-10M forward 8192",
        "models megalodon-small forward 8192",
        "pointwise rms_norm 4096x1024", "pointwise gelu_tanh 4096x1024", "timestep-norm 4096x64", "decode 32000x1024",
        "models llama-200M decode"})
    public String problem = "";

    @Override
    Problem open() {
        return of(problem);
    }

    static Problem of(String problem) {
        int space = problem.indexOf(' ');
        return new WithoutPeers(Family.of(problem.substring(0, space)).open().apply(problem.substring(space + 1)),
                true);
    }
}
