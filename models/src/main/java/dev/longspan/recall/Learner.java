package dev.longspan.recall;

import dev.longspan.autograd.Gradients;
import dev.longspan.autograd.Pass;
import dev.longspan.autograd.Randomness;
import dev.longspan.autograd.Workspace;
import dev.longspan.backend.Backend;
import dev.longspan.checkpoint.Checkpoint;
import dev.longspan.kernel.Philox;
import dev.longspan.op.Loss;
import dev.longspan.optim.AdamW;
import dev.longspan.optim.Clip;
import dev.longspan.parallel.CancelSignal;
import dev.longspan.parallel.Parallel;
import dev.longspan.recall.Examples.Example;
import dev.longspan.rmt.RmtEncoder;
import dev.longspan.rmt.TokenSource;
import dev.longspan.task.Lesson;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import dev.longspan.train.NonFiniteException;
import dev.longspan.train.Trainer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * Updates a model step by step through a curriculum. A step is a function of weights, moments, seed and progress alone; one
 * that is cancelled or fails leaves them as they were. Serves one thread at a time; one workspace serves all passes.
 */
public final class Learner implements AutoCloseable {

    /** The stream of the draws that mix lengths: no step of a pass comes so far. */
    private static final long MIX = 1L << 62;
    private static final long LENGTH = 3L << 61;

    private final Backend backend;
    private final Parallel parallel;
    private final RmtEncoder model;
    private final Examples examples;
    private final Curriculum curriculum;
    private final Map<String, Tensor> weights;
    private final TensorArena arena = new TensorArena();
    private final Workspace workspace = new Workspace();
    private final Gradients gradients;
    private final AdamW optimizer;
    private Progress progress = Progress.START;

    private record Answers(double loss, Tally all, Tally full) {
    }

    /** Starts at step 0 with zero moments. */
    public Learner(Backend backend, Parallel parallel, RmtEncoder model, Examples examples, Curriculum curriculum) {
        this.backend = backend;
        this.parallel = parallel;
        this.model = model.withConfig(model.config().withRecompute(curriculum.recompute())
                .withMemoryNoise(curriculum.memoryNoise()));
        this.examples = examples;
        this.curriculum = curriculum;
        this.weights = model.parameters();
        this.gradients = new Gradients(arena, weights.values());
        this.optimizer = new AdamW(curriculum.optimizer(name -> weight(name).rank() > 1), weights, arena);
    }

    /** Where the training stands. */
    public Progress progress() {
        return progress;
    }

    /** Whether all stages are done. */
    public boolean isDone() {
        return progress.stage() >= curriculum.stages().size();
    }

    /** Weights by name. */
    public Map<String, Tensor> weights() {
        return weights;
    }

    /** Moments of the optimiser by name. */
    public Map<String, Tensor> moments() {
        return optimizer.moments();
    }

    /** Takes weights and moments from files and goes on from there. */
    public void restore(Checkpoint savedWeights, Checkpoint savedMoments, Progress saved) {
        savedWeights.loadInto(weights);
        savedMoments.loadInto(optimizer.moments());
        progress = saved;
    }

    /** The next step; throws NonFiniteException or CancelledException before anything has changed. */
    public RecallReport next(CancelSignal cancel) {
        long start = System.nanoTime();
        Parallel cancellable = parallel.cancelledBy(cancel);
        long number = progress.step() + 1;
        int[] segments = segments();
        gradients.zero();
        Answers answers = gradient(cancellable, segments);
        double norm = Clip.norm(backend, cancellable, gradients, weights.values());
        if (!Double.isFinite(norm)) {
            throw new NonFiniteException(number, "the gradient of " + firstNonFinite());
        }
        if (curriculum.clipValue() > 0) {
            Clip.byValue(backend, cancellable, gradients, weights.values(), curriculum.clipValue());
        }
        double scale = curriculum.clipNorm() == 0 ? 1
                : Clip.factor(Clip.norm(backend, cancellable, gradients, weights.values()), curriculum.clipNorm());
        double rate = curriculum.rate(progress);
        // Never cancelled: half an update would be no state of the run at all.
        optimizer.step(backend, parallel, gradients, rate, scale, progress.stageStep() + 1);
        progress = progress.next(answers.full, curriculum);
        double seconds = (System.nanoTime() - start) / 1e9;
        long tokens = 0;
        for (int count : segments) {
            tokens += (long) count * model.config().segment();
        }
        return new RecallReport(number, curriculum.stage(progress.stage()), progress.stageStep(), answers.loss,
                answers.all.accuracy(), progress.accuracy(), rate, norm, seconds, tokens / seconds, Trainer.memoryBytes());
    }

    /** Whether the stage that the last step belongs to is done. */
    public boolean isStageDone() {
        return progress.isStageDone(curriculum);
    }

    /** Goes on to the next stage, from these weights and with zero moments. */
    public void nextStage() {
        progress = progress.nextStage();
        optimizer.moments().values().forEach(moment -> moment.fill(0));
    }

    /** Segments of each document of the next step: the stage's, or with the share of earlier ones those of a random one. */
    private int[] segments() {
        int[] segments = new int[curriculum.batch()];
        for (int row = 0; row < segments.length; row++) {
            int stage = progress.stage();
            // The first row is always of full length, so that every step says how good the stage is.
            boolean earlier = stage > 0 && row > 0
                    && Philox.uniform(curriculum.seed(), MIX | progress.step(), 2L * row) < curriculum.earlier();
            segments[row] = curriculum.stage(!earlier ? stage
                    : (int) (Philox.uniform(curriculum.seed(), MIX | progress.step(), 2L * row + 1) * stage));
        }
        return segments;
    }

    private Answers gradient(Parallel cancellable, int... segments) {
        List<TokenSource> documents = new ArrayList<>();
        long[] labels = new long[segments.length];
        Lesson wording = progress.wording(curriculum);
        for (int row = 0; row < segments.length; row++) {
            Example example = examples.draw(progress.step() * segments.length + row, tokens(segments[row], row), wording);
            documents.add(example.document());
            labels[row] = example.label();
        }
        try (Pass pass = Pass.training(backend, cancellable, workspace, gradients,
                new Randomness(curriculum.seed(), progress.step()))) {
            Tensor logits = model.logits(pass, documents);
            Tensor loss = Loss.meanCrossEntropy(pass, logits, pass.allocate(DType.I64, labels.length).set(labels));
            double value = loss.item();
            if (!Double.isFinite(value)) {
                throw new NonFiniteException(progress.step() + 1, "loss");
            }
            int[] chosen = Recall.largest(logits);
            pass.backward(loss);
            return answers(value, segments, labels, chosen);
        }
    }

    /** Tokens of a document of so many segments: fewer in the lessons of the first stage. */
    private long tokens(int segments, int row) {
        long whole = (long) segments * model.config().segment();
        if (!progress.hasLessons(curriculum)) {
            return whole;
        }
        long shortest = Math.min(curriculum.shortest(), whole);
        double share = Math.min(1, progress.lesson()) * Philox.uniform(curriculum.seed(), LENGTH | progress.step(), row);
        return shortest + Math.round(share * (whole - shortest));
    }

    private Answers answers(double loss, int[] segments, long[] labels, int... chosen) {
        int full = curriculum.stage(progress.stage());
        long right = 0;
        long rightOfFull = 0;
        long ofFull = 0;
        for (int row = 0; row < segments.length; row++) {
            int correct = chosen[row] == labels[row] ? 1 : 0;
            right += correct;
            if (segments[row] == full) {
                ofFull++;
                rightOfFull += correct;
            }
        }
        return new Answers(loss, new Tally(right, segments.length), new Tally(rightOfFull, ofFull));
    }

    private String firstNonFinite() {
        return weights.entrySet().stream().filter(e -> backend.kernels().optimizer()
                .countNonFinite(parallel, gradients.of(e.getValue())) > 0).map(Map.Entry::getKey).findFirst().orElse("some tensor");
    }

    private Tensor weight(String name) {
        return Objects.requireNonNull(weights.get(name));
    }

    @Override
    public void close() {
        workspace.close();
        arena.close();
    }
}
