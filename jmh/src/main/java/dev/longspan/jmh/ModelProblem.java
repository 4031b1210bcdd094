package dev.longspan.jmh;

import dev.longspan.autograd.Gradients;
import dev.longspan.autograd.Pass;
import dev.longspan.autograd.Randomness;
import dev.longspan.autograd.Workspace;
import dev.longspan.backend.Backend;
import dev.longspan.bench.Deviation;
import dev.longspan.model.Blueprint;
import dev.longspan.model.ModelPlan;
import dev.longspan.model.WeightStorage;
import dev.longspan.nn.LanguageModel;
import dev.longspan.nn.StreamState;
import dev.longspan.op.Loss;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.stream.Stream;

/**
 * A model of fresh weights over one sequence of random tokens: a step of training with AdamW, a forward, a stream read
 * in pieces, or one token at a time behind a prompt, of which figures are one token's. The first tokens' logits, or in training
 * their losses and all gradients of the mean of these, are known in float64: a causal model gives the same for them within any
 * longer sequence.
 */
final class ModelProblem implements Problem {

    /** What is done with the model. */
    enum Mode {
        TRAIN, FORWARD, STREAM, DECODE
    }

    private static final String GRADIENT = "gradient:";
    private static final double LEARNING_RATE = 1e-5;
    /** Shares of the largest logit or loss, and of a parameter's largest gradient: a wrong row or column costs 1e-2 and more. */
    private static final double VALUES_WITHIN = 1e-4;
    private static final double GRADIENTS_WITHIN = 1e-3;
    /** What the plain loops do in some seconds. */
    private static final double MOST_FLOPS = 10e9;
    private static final int LEAST_CHECKED = 16; // more than a prompt
    private static final int MOST_CHECKED = 256;
    /** Prompt and tokens decoded in one run: so many that most find caches as the token before left them, as in any long text. */
    private static final int PROMPT = 8;
    private static final int DECODED = 32;

    private final TensorArena arena = new TensorArena();
    private final String name;
    private final Mode mode;
    private final Blueprint blueprint;
    private final LanguageModel<?> model;
    private final int checked;
    private final Tensor tokens;
    private final Tensor targets;
    private final Task task;

    /**
     * {@code numbers} describe the model to peers; {@code weights} is what its matrices are stored in, F32 or, to decode,
     * BF16; to decode they are held as {@code generate} holds copies of them.
     */
    ModelProblem(String name, Blueprint blueprint, Mode mode, long context, DType weights, String kind,
            Map<String, Object> numbers) {
        this.name = name;
        this.mode = mode;
        this.blueprint = blueprint;
        LanguageModel<?> fresh = blueprint.create(arena, 1);
        model = mode == Mode.DECODE ? stored(fresh.parameters(), weights) : fresh;
        long length = mode == Mode.DECODE ? PROMPT + DECODED : context;
        checked = checked(length);
        long[] ids = new SplittableRandom(1).longs(length + 1, 0, model.vocabulary()).toArray();
        tokens = arena.allocate(DType.I32, 1, length).set(Arrays.copyOf(ids, ids.length - 1));
        targets = arena.allocate(DType.I32, 1, length).set(Arrays.copyOfRange(ids, 1, ids.length));
        Map<String, Object> all = new LinkedHashMap<>(numbers);
        all.put("mode", mode.name().toLowerCase(java.util.Locale.ROOT));
        all.put("checked", (long) checked);
        all.put("prompt", (long) PROMPT);
        all.put("learningRate", LEARNING_RATE);
        Map<String, Tensor> operands = new LinkedHashMap<>(fresh.parameters());
        operands.put("tokens", tokens);
        operands.put("targets", targets);
        Map<String, Tensor> answers = new LinkedHashMap<>();
        if (mode == Mode.TRAIN) {
            answers.put("losses", arena.allocate(DType.F32, checked));
            model.parameters().forEach((path, of) -> answers.put(GRADIENT + path, arena.allocate(DType.F32, of.shape())));
        } else {
            answers.put("logits", arena.allocate(DType.F32, 1, mode == Mode.DECODE ? checked - PROMPT : checked, model.vocabulary()));
        }
        task = new Task(kind, all, operands, answers);
    }

    /** The same parameters with the matrices that the model multiplies by stored as {@code generate} would have them to decode. */
    private LanguageModel<?> stored(Map<String, Tensor> fresh, DType weights) {
        WeightStorage storage = weights == DType.BF16 ? WeightStorage.BF16 : WeightStorage.F32;
        return blueprint.build(storage.of((path, shape) -> Objects.requireNonNull(fresh.get(path), path), arena));
    }

    /** Whether a token reads but one row of it. */
    private static boolean isTable(String path) {
        return path.startsWith("embedding");
    }

    /** How many tokens the plain loops can check. */
    private int checked(long length) {
        ModelPlan.Work least = work(LEAST_CHECKED);
        return (int) Math.min(length, Math.clamp(MOST_FLOPS * LEAST_CHECKED / least.total(), LEAST_CHECKED, MOST_CHECKED));
    }

    private ModelPlan.Work work(long length) {
        ModelPlan plan = blueprint.plan(length, 1, DType.F32);
        return mode == Mode.TRAIN ? plan.forward().plus(plan.backward()) : plan.forward();
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public Task task() {
        return task;
    }

    @Override
    public int steps() {
        return mode == Mode.DECODE ? DECODED : 1;
    }

    @Override
    public double gigaflop() {
        return 1e-9 * (work(tokens.size(1)).total() - (mode == Mode.DECODE ? work(PROMPT).total() : 0)) / steps();
    }

    @Override
    public double gigabytes() {
        // Each token reads every weight but the table of embeddings.
        return mode != Mode.DECODE ? 0 : 1e-9 * model.parameters().entrySet().stream()
                .filter(p -> !isTable(p.getKey()))
                .mapToLong(p -> p.getValue().elements() * p.getValue().dtype().bytes()).sum();
    }

    /** {@inheritDoc} Those that there are compute in float32. */
    @Override
    public boolean hasPeers() {
        return model.parameters().values().stream().allMatch(p -> p.dtype() == DType.F32);
    }

    /** {@inheritDoc} Of whole models the default beside the first: nobody runs one on host alone. */
    @Override
    public List<Backend> backends() {
        return Stream.concat(Problem.super.backends().stream().limit(1), Stream.of(Backend.best())).distinct().toList();
    }

    @Override
    public Side on(Backend backend, Parallel parallel) {
        return switch (mode) {
            case TRAIN -> new TrainingSide(backend, parallel, model, task, checked, LEARNING_RATE);
            case FORWARD -> OwnSide.of(backend, parallel, task, (pass, here) ->
                    Map.of("logits", model.logits(pass, tokens).slice(1, 0, checked)));
            case STREAM -> new StreamSide<>(backend, parallel, model, tokens, task.answer("logits"));
            case DECODE -> decoding(backend, parallel, model);
        };
    }

    private <S extends StreamState> Side decoding(Backend backend, Parallel parallel, LanguageModel<S> of) {
        return new DecodingSide<>(backend, parallel, of, tokens, PROMPT, task.answer("logits"));
    }

    /** {@inheritDoc} Training changes weights, so answers are to be had before the first run, and are. */
    @Override
    public Deviation check() {
        Deviation worst = Deviation.NONE;
        for (Map.Entry<String, double[]> exact : exact().entrySet()) {
            Tensor answer = task.answer(exact.getKey());
            worst = worst.worse(relative(exact.getValue(), answer.reshape(answer.elements()).toDoubles(),
                    exact.getKey().startsWith(GRADIENT) ? GRADIENTS_WITHIN : VALUES_WITHIN));
        }
        return worst;
    }

    private Map<String, double[]> known = Map.of();

    /** What the answers must be, computed once: by the plain loops in float64. */
    private Map<String, double[]> exact() {
        if (!known.isEmpty()) {
            return known;
        }
        Map<String, Tensor> stored = model.parameters();
        Map<String, double[]> exact = new LinkedHashMap<>();
        try (TensorArena doubles = new TensorArena(); Workspace workspace = new Workspace()) {
            LanguageModel<?> same = blueprint.build((path, shape) -> doubles.allocate(DType.F64, shape)
                    .copyFrom(Objects.requireNonNull(stored.get(path), path)));
            Gradients gradients = new Gradients(doubles, same.parameters().values());
            Tensor first = doubles.allocate(DType.I32, 1, checked).copyFrom(tokens.slice(1, 0, checked));
            Tensor next = doubles.allocate(DType.I32, 1, checked).copyFrom(targets.slice(1, 0, checked));
            try (Pass pass = mode == Mode.TRAIN
                    ? Pass.training(Backend.named("scalar"), Parallel.all(), workspace, gradients, Randomness.NONE)
                    : Pass.inference(Backend.named("scalar"), Parallel.all(), workspace)) {
                Tensor logits = same.logits(pass, first);
                if (mode == Mode.TRAIN) {
                    Tensor losses = Loss.crossEntropy(pass, logits, next);
                    exact.put("losses", values(losses));
                    pass.backward(Loss.mean(pass, losses, next));
                    same.parameters().forEach((path, of) -> exact.put(GRADIENT + path, values(gradients.of(of))));
                } else {
                    exact.put("logits", values(mode == Mode.DECODE ? logits.slice(1, PROMPT, checked) : logits));
                }
            }
        }
        known = exact;
        return exact;
    }

    private static double[] values(Tensor tensor) {
        return tensor.reshape(tensor.elements()).toDoubles();
    }

    private static Deviation relative(double[] expected, double[] actual, double bound) {
        double largest = Math.max(Double.MIN_NORMAL, Arrays.stream(expected).map(Math::abs).max().orElse(0));
        return new Deviation(Deviation.of(expected, actual, bound).error() / largest, bound);
    }

    @Override
    public void close() {
        arena.close();
    }
}
