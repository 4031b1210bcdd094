package dev.longspan.bench;

import dev.longspan.kernel.Activation;
import dev.longspan.kernel.AdamWStep;
import dev.longspan.kernel.Dropout;
import dev.longspan.kernel.Kernels;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.util.List;
import java.util.SplittableRandom;

/**
 * A kernel over float32 operands: {@code inputs} of noise, {@code outputs} that start at zero and are written or added to.
 *
 * @param gigabytes what one call must read and write, in 10^9
 */
record KernelProblem(String name, double gigabytes, List<long[]> inputs, List<long[]> outputs, Call call) {

    private static final long ROWS = 1024;
    private static final long WIDTH = 1024;
    private static final long[] BLOCK = {ROWS, WIDTH};
    private static final long[] ROW = {WIDTH};
    private static final long[] COLUMN = {ROWS};
    private static final double EPS = 1e-5;
    private static final long VOCABULARY = 4096;
    private static final long[] IDS = new SplittableRandom(1).longs(ROWS, 0, VOCABULARY).toArray();
    private static final long[] TARGETS = new SplittableRandom(2).longs(ROWS, 0, WIDTH).toArray();

    /** One call on a backend. */
    interface Call {
        void on(Kernels kernels, Parallel parallel, List<Tensor> in, List<Tensor> out);
    }

    private static KernelProblem of(String name, double floatsAnElement, List<long[]> inputs, List<long[]> outputs, Call call) {
        return new KernelProblem(name + " " + ROWS + " x " + WIDTH, floatsAnElement * 4e-9 * ROWS * WIDTH, inputs, outputs, call);
    }

    /** Norms, pointwise functions, embedding, loss and optimiser, some with their way back; the arena takes ids and targets. */
    static List<KernelProblem> all(TensorArena arena) {
        Tensor ids = arena.allocate(DType.I64, ROWS).set(IDS);
        Tensor targets = arena.allocate(DType.I64, ROWS).set(TARGETS);
        return List.of(
                of("RMSNorm", 2, List.of(BLOCK, ROW), List.of(BLOCK, COLUMN),
                        (k, p, in, out) -> k.norm().rmsNorm(p, in.get(0), in.get(1), 0, EPS, out.get(0), out.get(1))),
                of("LayerNorm", 2, List.of(BLOCK, ROW, ROW), List.of(BLOCK, COLUMN, COLUMN),
                        (k, p, in, out) -> k.norm().layerNorm(p, in.get(0), in.get(1), in.get(2), 0, EPS, out.get(0), out.get(1),
                                out.get(2))),
                of("RMSNorm fwd+bwd", 6, List.of(BLOCK, ROW, BLOCK), List.of(BLOCK, COLUMN, BLOCK, ROW), (k, p, in, out) -> {
                    k.norm().rmsNorm(p, in.get(0), in.get(1), 0, EPS, out.get(0), out.get(1));
                    k.norm().rmsNormBackward(p, in.get(0), in.get(1), 0, out.get(1), in.get(2), out.get(2), out.get(3));
                }),
                of("LayerNorm fwd+bwd", 6, List.of(BLOCK, ROW, ROW, BLOCK), List.of(BLOCK, COLUMN, COLUMN, BLOCK, ROW, ROW),
                        (k, p, in, out) -> {
                            k.norm().layerNorm(p, in.get(0), in.get(1), in.get(2), 0, EPS, out.get(0), out.get(1), out.get(2));
                            k.norm().layerNormBackward(p, in.get(0), in.get(1), 0, out.get(1), out.get(2), in.get(3), out.get(3),
                                    out.get(4), out.get(5));
                        }),
                of("softmax", 2, List.of(BLOCK), List.of(BLOCK),
                        (k, p, in, out) -> k.norm().softmax(p, in.get(0), out.get(0))),
                activation("GELU", Activation.GELU), activation("GELU by tanh", Activation.GELU_TANH),
                activation("SiLU", Activation.SILU),
                of("SiLU fwd+bwd", 6, List.of(BLOCK, BLOCK), List.of(BLOCK, BLOCK), (k, p, in, out) -> {
                    k.elementwise().activation(p, Activation.SILU, in.get(0), out.get(0));
                    k.elementwise().activationBackward(p, Activation.SILU, in.get(0), in.get(1), out.get(1));
                }),
                of("SwiGLU fwd+bwd", 10, List.of(BLOCK, BLOCK, BLOCK), List.of(BLOCK, BLOCK, BLOCK), (k, p, in, out) -> {
                    k.elementwise().gated(p, Activation.SILU, in.get(0), in.get(1), out.get(0));
                    k.elementwise().gatedBackward(p, Activation.SILU, in.get(0), in.get(1), in.get(2), out.get(1), out.get(2));
                }),
                of("addition", 3, List.of(BLOCK, BLOCK), List.of(BLOCK),
                        (k, p, in, out) -> k.elementwise().add(p, in.get(0), in.get(1), out.get(0))),
                of("dropout", 2, List.of(BLOCK), List.of(BLOCK),
                        (k, p, in, out) -> k.elementwise().dropout(p, new Dropout(0.1, 1, 2), in.get(0), out.get(0), false)),
                of("embedding", 2, List.of(new long[] {VOCABULARY, WIDTH}), List.of(BLOCK),
                        (k, p, in, out) -> k.embedding().forward(p, in.get(0), ids, 1, out.get(0))),
                of("embedding bwd", 3, List.of(BLOCK), List.of(new long[] {VOCABULARY, WIDTH}),
                        (k, p, in, out) -> k.embedding().backward(p, ids, 1, in.get(0), out.get(0))),
                of("cross-entropy", 1, List.of(BLOCK), List.of(COLUMN, COLUMN),
                        (k, p, in, out) -> k.loss().crossEntropy(p, in.get(0), targets, out.get(0), out.get(1))),
                of("cross-entropy fwd+bwd", 4, List.of(BLOCK, COLUMN), List.of(COLUMN, COLUMN, BLOCK), (k, p, in, out) -> {
                    k.loss().crossEntropy(p, in.get(0), targets, out.get(0), out.get(1));
                    k.loss().crossEntropyBackward(p, in.get(0), targets, out.get(1), in.get(1), out.get(2));
                }),
                of("AdamW", 7, List.of(BLOCK), List.of(BLOCK, BLOCK, BLOCK), (k, p, in, out) -> k.optimizer().adamW(p,
                        new AdamWStep(1e-3, 0.9, 0.99, 1e-6, 0.1, 1, 1), out.get(0), in.get(0), out.get(1), out.get(2))));
    }

    private static KernelProblem activation(String name, Activation f) {
        return of(name, 2, List.of(BLOCK), List.of(BLOCK), (k, p, in, out) -> k.elementwise().activation(p, f, in.get(0), out.get(0)));
    }
}
