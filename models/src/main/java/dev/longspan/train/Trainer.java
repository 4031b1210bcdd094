package dev.longspan.train;

import dev.longspan.autograd.Gradients;
import dev.longspan.autograd.Pass;
import dev.longspan.autograd.Randomness;
import dev.longspan.autograd.Workspace;
import dev.longspan.backend.Backend;
import dev.longspan.checkpoint.Checkpoint;
import dev.longspan.kernel.Documents;
import dev.longspan.model.ModelFolder;
import dev.longspan.nn.LanguageModel;
import dev.longspan.nn.PackedLanguageModel;
import dev.longspan.op.Loss;
import dev.longspan.optim.AdamW;
import dev.longspan.optim.Clip;
import dev.longspan.optim.Schedule;
import dev.longspan.parallel.CancelSignal;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.NativeBudget;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import dev.longspan.text.Windows;
import java.util.Arrays;
import java.util.Map;
import java.util.Objects;

/**
 * Updates a model step by step: gradients of {@code accumulation} batches, clipping, AdamW. A step that is cancelled or
 * fails leaves weights and moments as they were. Serves one thread at a time; one workspace serves all passes.
 */
public final class Trainer implements AutoCloseable {

    private final Backend backend;
    private final Parallel parallel;
    private final LanguageModel<?> model;
    private final Windows text;
    private final TrainSettings settings;
    private final Schedule schedule;
    private final Map<String, Tensor> weights;
    private final TensorArena arena;
    private final Workspace workspace;
    private final Gradients gradients;
    private final AdamW optimizer;
    /** Of each sequence the tokens and the one behind the last, filled anew for each batch. */
    private final long[][] windows;
    private long step;

    /** Starts at step 0 with zero moments. */
    public Trainer(Backend backend, Parallel parallel, LanguageModel<?> model, Windows text, TrainSettings settings) {
        if (model.vocabulary() < dev.longspan.text.Bytes.VOCABULARY) {
            throw new IllegalArgumentException("a model of bytes needs a vocabulary of at least "
                    + dev.longspan.text.Bytes.VOCABULARY + ": vocabulary=" + model.vocabulary());
        }
        if (settings.packing() == TrainSettings.Packing.DOCUMENTS && !(model instanceof PackedLanguageModel)) {
            throw new IllegalArgumentException("this model cannot keep packed documents apart: packing=documents, model="
                    + model.getClass().getSimpleName());
        }
        this.backend = backend;
        this.workspace = new Workspace(backend.space());
        this.arena = new TensorArena(backend.space());
        this.parallel = parallel;
        this.model = model;
        this.text = text;
        this.settings = settings;
        this.schedule = settings.schedule();
        this.windows = new long[settings.batch()][settings.context() + 1];
        this.weights = ModelFolder.stored(model);
        try {
            this.gradients = new Gradients(arena, weights.values());
            this.optimizer = new AdamW(settings.optimizer(name -> weight(name).rank() > 1), weights, arena);
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    /** Steps done. */
    public long step() {
        return step;
    }

    /** Weights by name. */
    public Map<String, Tensor> weights() {
        return weights;
    }

    /** Moments of the optimiser by name. */
    public Map<String, Tensor> moments() {
        return optimizer.moments();
    }

    /** Takes weights and moments from files and goes on after {@code stepsDone}. */
    public void restore(Checkpoint savedWeights, Checkpoint savedMoments, long stepsDone) {
        savedWeights.loadInto(weights);
        savedMoments.loadInto(optimizer.moments());
        step = stepsDone;
    }

    /** The next step; throws NonFiniteException or CancelledException before anything has changed. */
    public StepReport next(CancelSignal cancel) {
        long start = System.nanoTime();
        Parallel cancellable = parallel.cancelledBy(cancel);
        gradients.zero();
        double loss = 0;
        for (int part = 0; part < settings.accumulation(); part++) {
            loss += gradient(cancellable, step * settings.accumulation() + part) / settings.accumulation();
        }
        double norm = Clip.norm(backend, cancellable, gradients, weights.values()) / settings.accumulation();
        if (!Double.isFinite(norm)) {
            throw new NonFiniteException(step + 1, "the gradient of " + firstNonFinite());
        }
        double scale = settings.clip() > 0 ? Clip.factor(norm, settings.clip()) : 1;
        double rate = schedule.at(step);
        // Never cancelled: half an update would be no state of the run at all.
        optimizer.step(backend, parallel, gradients, rate, scale / settings.accumulation(), step + 1);
        step++;
        double seconds = (System.nanoTime() - start) / 1e9;
        return new StepReport(step, loss, rate, norm, settings.tokensPerStep() / seconds, memoryBytes());
    }

    private double gradient(Parallel cancellable, long batchNumber) {
        try (Pass pass = Pass.training(backend, cancellable, workspace, gradients,
                new Randomness(settings.seed(), batchNumber))) {
            Tensor inputs = pass.allocateOnHost(DType.I32, settings.batch(), settings.context());
            Tensor targets = pass.allocateOnHost(DType.I32, settings.batch(), settings.context());
            for (int row = 0; row < settings.batch(); row++) {
                text.read(batchNumber * settings.batch() + row, windows[row]);
                inputs.select(0, row).set(windows[row], 0);
                targets.select(0, row).set(windows[row], 1);
            }
            Tensor loss = Loss.mean(pass, losses(pass, inputs, targets), targets);
            double value = loss.item();
            if (!Double.isFinite(value)) {
                throw new NonFiniteException(step + 1, "loss");
            }
            pass.backward(loss);
            return value;
        }
    }

    private Tensor losses(Pass pass, Tensor inputs, Tensor targets) {
        return settings.packing() == TrainSettings.Packing.DOCUMENTS && model instanceof PackedLanguageModel packed
                ? packed.losses(pass, inputs, targets, documents()) : model.losses(pass, inputs, targets);
    }

    private Documents documents() {
        return Documents.of(Arrays.stream(windows).map(window -> Windows.starts(window, settings.context()))
                .toArray(long[][]::new));
    }

    private String firstNonFinite() {
        return weights.entrySet().stream().filter(e -> backend.kernels().optimizer()
                .countNonFinite(parallel, gradients.of(e.getValue())) > 0).map(Map.Entry::getKey).findFirst().orElse("some tensor");
    }

    private Tensor weight(String name) {
        return Objects.requireNonNull(weights.get(name));
    }

    /** Native memory and Java heap in use. */
    public static long memoryBytes() {
        Runtime runtime = Runtime.getRuntime();
        return NativeBudget.process().usedBytes() + runtime.totalMemory() - runtime.freeMemory();
    }

    @Override
    public void close() {
        workspace.close();
        arena.close();
    }
}
