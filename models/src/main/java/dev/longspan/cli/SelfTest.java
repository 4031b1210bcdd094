package dev.longspan.cli;

import dev.longspan.autograd.Gradients;
import dev.longspan.autograd.Pass;
import dev.longspan.autograd.Randomness;
import dev.longspan.autograd.Workspace;
import dev.longspan.backend.Backend;
import dev.longspan.kernel.Activation;
import dev.longspan.kernel.AttentionPlan;
import dev.longspan.kernel.Philox;
import dev.longspan.op.Attention;
import dev.longspan.op.Elementwise;
import dev.longspan.op.Embedding;
import dev.longspan.op.Gemm;
import dev.longspan.op.Loss;
import dev.longspan.op.Norm;
import dev.longspan.op.Views;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A backend's canary: one small network forward and backward in memory poisoned with NaN, against float64 loops. A kernel
 * that writes nothing, or something else, is found before it computes anything that matters.
 */
final class SelfTest {

    private static final int ROWS = 37;
    private static final int HEADS = 2;
    private static final int HEAD_DIM = 24;
    private static final int WIDTH = HEADS * HEAD_DIM;
    private static final int VOCABULARY = 33;

    /** Float32 sums of some hundred terms of size one. */
    private static final double TOLERANCE = 2e-5;

    private SelfTest() {
    }

    /** Why the backend must not be used, or empty when it computes what it should. */
    static Optional<String> failure(Backend backend, Parallel parallel) {
        Map<String, double[]> expected = run(Backend.named("scalar"), parallel, DType.F64);
        Map<String, double[]> actual;
        try {
            actual = run(backend, parallel, DType.F32);
        } catch (RuntimeException | LinkageError e) {
            return Optional.of("self-test failed with " + e);
        }
        for (Map.Entry<String, double[]> entry : expected.entrySet()) {
            double[] is = actual.get(entry.getKey());
            double[] should = entry.getValue();
            for (int i = 0; i < should.length; i++) {
                if (is == null || !(Math.abs(is[i] - should[i]) <= TOLERANCE * (1 + Math.abs(should[i])))) {
                    return Optional.of("self-test: " + entry.getKey() + "[" + i + "] is "
                            + (is == null ? "absent" : is[i]) + ", expected " + should[i]);
                }
            }
        }
        return Optional.empty();
    }

    private static Map<String, double[]> run(Backend backend, Parallel parallel, DType dtype) {
        try (TensorArena arena = new TensorArena(backend.space()); Workspace workspace = new Workspace(backend.space(), 8 << 20)) {
            Map<String, Tensor> parameters = new LinkedHashMap<>();
            parameters.put("table", random(arena, dtype, 1, VOCABULARY, WIDTH));
            parameters.put("gain", random(arena, dtype, 2, WIDTH));
            parameters.put("weight", random(arena, dtype, 3, 3 * WIDTH, WIDTH));
            parameters.put("bias", random(arena, dtype, 4, 3 * WIDTH));
            Gradients gradients = new Gradients(arena, parameters.values());
            try (Pass poison = Pass.inference(backend, parallel, workspace)) {
                poison.allocate(DType.F32, 1 << 20).fill(Double.NaN);
            }
            try (Pass pass = Pass.training(backend, parallel, workspace, gradients, Randomness.NONE)) {
                return network(pass, arena, parameters, gradients);
            }
        }
    }

    private static Map<String, double[]> network(Pass pass, TensorArena arena, Map<String, Tensor> parameters,
            Gradients gradients) {
        List<Tensor> p = List.copyOf(parameters.values());
        Tensor ids = arena.allocateOnHost(DType.I64, 1, ROWS);
        long[] values = new long[ROWS];
        for (int i = 0; i < ROWS; i++) {
            values[i] = i * 7L % VOCABULARY;
        }
        ids.set(values);
        Tensor x = Embedding.apply(pass, p.get(0), ids, 1);
        Tensor normed = Norm.layerNorm(pass, x, p.get(1), null, 0, 1e-5);
        Tensor qkv = Gemm.linear(pass, normed, p.get(2), p.get(3));
        Tensor heads = Views.reshape(pass, qkv, 1, ROWS, 3, HEADS, HEAD_DIM);
        Attention.Result attention = Attention.apply(pass, AttentionPlan.causal(1 / Math.sqrt(HEAD_DIM)),
                part(pass, heads, 0), part(pass, heads, 1), part(pass, heads, 2));
        Tensor hidden = Elementwise.activation(pass, Activation.GELU,
                Views.reshape(pass, attention.out(), 1, ROWS, WIDTH));
        Tensor logits = Gemm.linear(pass, Elementwise.add(pass, x, hidden), p.get(0), null);
        Tensor loss = Loss.meanCrossEntropy(pass, logits, ids);
        pass.backward(loss);
        Map<String, double[]> results = new LinkedHashMap<>();
        results.put("projection", qkv.toDoubles());
        results.put("attention", attention.out().toDoubles());
        results.put("logits", logits.toDoubles());
        results.put("loss", loss.toDoubles());
        parameters.forEach((name, parameter) -> results.put("gradient of " + name, gradients.of(parameter).toDoubles()));
        return results;
    }

    private static Tensor part(Pass pass, Tensor heads, int index) {
        return Views.select(pass, heads, 2, index);
    }

    private static Tensor random(TensorArena arena, DType dtype, long stream, long... shape) {
        Tensor tensor = arena.allocate(dtype, shape);
        float[] values = new float[Math.toIntExact(tensor.elements())];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) (0.2 * Philox.normal(25, stream, i));
        }
        return tensor.set(values);
    }
}
