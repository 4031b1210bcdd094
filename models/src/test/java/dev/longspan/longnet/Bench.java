package dev.longspan.longnet;

import dev.longspan.autograd.Gradients;
import dev.longspan.autograd.Pass;
import dev.longspan.autograd.Randomness;
import dev.longspan.autograd.Workspace;
import dev.longspan.backend.Backend;
import dev.longspan.kernel.Activation;
import dev.longspan.kernel.AttentionPattern;
import dev.longspan.kernel.AttentionPattern.Branch;
import dev.longspan.kernel.Rotary;
import dev.longspan.longnet.LongNetConfig.FeedForward;
import dev.longspan.longnet.LongNetConfig.Norms;
import dev.longspan.nn.LanguageModel;
import dev.longspan.nn.StreamState;
import dev.longspan.op.Elementwise;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Function;

/** A backend with memory for one test, and models small enough for float64 loops. */
public final class Bench implements AutoCloseable {

    public static final int VOCABULARY = 11;

    public final TensorArena arena = new TensorArena();
    public final Workspace workspace = new Workspace(1 << 20);
    private final Backend backend;
    private final Parallel parallel;

    public Bench() {
        this(Backend.named("scalar"), Parallel.of(1));
    }

    public Bench(Backend backend, Parallel parallel) {
        this.backend = backend;
        this.parallel = parallel;
    }

    /** Width 12 in two heads of 6, two layers, {@code w = 3, 7, 10} and {@code r = 1, 2, 3}: nothing divides anything. */
    static LongNetConfig awkward() {
        return LongNetConfig.of(VOCABULARY, 12, 2, 2, List.of(new Branch(3, 1), new Branch(7, 2), new Branch(10, 3)))
                .withFeedForward(14, Activation.GELU);
    }

    /** {@link #awkward()} as a Llama, RoPE turning these pairs. */
    static LongNetConfig llama(Rotary.Pairs pairs) {
        return asLlama(awkward()).withPositions(new Rotation.Rope(100, pairs), 0);
    }

    /** The same sizes with Llama's parts: RMS norms, RoPE, a gate, no biases, dense attention. */
    static LongNetConfig asLlama(LongNetConfig config) {
        return config.withPattern(new AttentionPattern.Dense())
                .withPositions(new Rotation.Rope(10000, Rotary.Pairs.HALVES), 0)
                .withNorms(new Norms(Norms.Kind.RMS, true, false, false, true, false, 1e-5))
                .withFeedForward(new FeedForward(config.feedForward().width(), Activation.SILU, true))
                .withBiases(false).withInitialStd(0.02);
    }

    /** LongNet with all of it: dilated attention, RMS norms also inside, a gate, biases. */
    static LongNetConfig gatedLongNet() {
        return awkward().withPositions(new Rotation.Rope(100, Rotary.Pairs.NEIGHBOURS), 0)
                .withNorms(new Norms(Norms.Kind.RMS, true, false, true, true, true, 1e-5))
                .withFeedForward(new FeedForward(14, Activation.GELU_TANH, true));
    }

    LongNet model(LongNetConfig config) {
        return shaken(LongNet.create(config, arena, DType.F64, 5));
    }

    LongNetEncoder encoder(LongNetConfig config) {
        return shaken(LongNetEncoder.create(config, arena, DType.F64, 5));
    }

    /** Norms away from 1 and 0, so that their gradients and names matter. */
    public static <L extends dev.longspan.nn.Layer> L shaken(L model) {
        Random random = new Random(17);
        for (Map.Entry<String, Tensor> parameter : model.parameters().entrySet()) {
            double[] values = parameter.getValue().toDoubles();
            for (int i = 0; i < values.length; i++) {
                values[i] += 0.3 * random.nextGaussian();
            }
            parameter.getValue().set(values);
        }
        return model;
    }

    public Tensor tokens(long seed, long batch, long rows) {
        long[] ids = new Random(seed).longs(batch * rows, 0, VOCABULARY).toArray();
        return arena.allocate(DType.I64, batch, rows).set(ids);
    }

    public Tensor normal(long seed, long... shape) {
        Tensor tensor = arena.allocate(DType.F64, shape);
        Random random = new Random(seed);
        return tensor.set(random.doubles(tensor.elements(), -1, 1).toArray());
    }

    /** x rounded to BF16, by adding a constant to it: its gradient is that of what it becomes. */
    public Tensor rounded(Pass pass, Tensor x) {
        Tensor half = arena.allocate(DType.BF16, x.shape()).copyFrom(x);
        double[] difference = half.toDoubles();
        double[] values = x.toDoubles();
        for (int i = 0; i < values.length; i++) {
            difference[i] -= values[i];
        }
        return Elementwise.add(pass, x, arena.allocate(x.dtype(), x.shape()).set(difference));
    }

    public Pass inference() {
        return Pass.inference(backend, parallel, workspace);
    }

    public Pass training(Gradients gradients) {
        return Pass.training(backend, parallel, workspace, gradients, new Randomness(3, 4));
    }

    /** Values that a function computes in a pass of its own. */
    public double[] values(Function<Pass, Tensor> f) {
        try (Pass pass = inference()) {
            return f.apply(pass).toDoubles();
        }
    }

    /** Logits of a sequence taken in pieces, in a cache. */
    public <S extends StreamState> double[] stream(LanguageModel<S> model, Tensor tokens, List<Integer> pieces) {
        return stream(model, model.start(arena, tokens.size(0)), tokens, pieces);
    }

    /** The same from a state. */
    public <S extends StreamState> double[] stream(LanguageModel<S> model, S start, Tensor tokens, List<Integer> pieces) {
        List<double[]> parts = new ArrayList<>();
        S state = start;
        long from = 0;
        for (int piece : pieces) {
            Tensor part = arena.allocate(DType.I64, tokens.size(0), piece).copyFrom(tokens.slice(1, from, from + piece));
            try (Pass pass = inference()) {
                var step = model.next(pass, state, part);
                parts.add(step.logits().toDoubles());
                state = step.state();
            }
            from += piece;
        }
        double[] all = new double[Math.toIntExact(tokens.elements() * VOCABULARY)];
        from = 0;
        for (int i = 0; i < parts.size(); i++) {
            int length = pieces.get(i) * VOCABULARY;
            for (int b = 0; b < tokens.size(0); b++) {
                System.arraycopy(parts.get(i), b * length, all,
                        (int) ((b * tokens.size(1) + from) * VOCABULARY), length);
            }
            from += pieces.get(i);
        }
        return all;
    }

    @Override
    public void close() {
        workspace.close();
        arena.close();
    }
}
