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
import java.util.stream.IntStream;

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
    private final TensorArena arena;
    private final Workspace workspace;
    private final Gradients gradients;
    private final AdamW optimizer;
    private Progress progress = Progress.START;

    /** A document to draw; those that count say how good the stage is. */
    private record Row(long tokens, Lesson lesson, boolean counts) {
    }

    private record Answers(double loss, Tally all, Tally counted) {
    }

    /** Starts at step 0 with zero moments. */
    public Learner(Backend backend, Parallel parallel, RmtEncoder model, Examples examples, Curriculum curriculum) {
        this.backend = backend;
        this.workspace = new Workspace(backend.space());
        this.arena = new TensorArena(backend.space());
        this.parallel = parallel;
        this.model = model.withConfig(model.config().withRecompute(curriculum.recompute()));
        this.examples = examples;
        this.curriculum = curriculum;
        this.weights = model.parameters();
        this.gradients = new Gradients(arena, weights.values());
        this.optimizer = new AdamW(curriculum.updates().optimizer(name -> weight(name).rank() > 1), weights, arena);
    }

    /** Where the training stands. */
    public Progress progress() {
        return progress;
    }

    /** Whether all stages are done. */
    public boolean isDone() {
        return progress.stage() >= curriculum.allStages().size();
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
        List<Row> rows = IntStream.range(0, curriculum.batch()).mapToObj(this::row).toList();
        gradients.zero();
        Answers answers = gradient(cancellable, rows);
        double norm = Clip.norm(backend, cancellable, gradients, weights.values());
        if (!Double.isFinite(norm)) {
            throw new NonFiniteException(number, "the gradient of " + firstNonFinite());
        }
        UpdateRule updates = curriculum.updates();
        if (updates.clipValue() > 0) {
            Clip.byValue(backend, cancellable, gradients, weights.values(), updates.clipValue());
        }
        double scale = updates.clipNorm() == 0 ? 1
                : Clip.factor(Clip.norm(backend, cancellable, gradients, weights.values()), updates.clipNorm());
        double rate = curriculum.rate(progress);
        // Never cancelled: half an update would be no state of the run at all.
        optimizer.step(backend, parallel, gradients, rate, scale, progress.stageStep() + 1);
        progress = progress.next(answers.counted, curriculum);
        double seconds = (System.nanoTime() - start) / 1e9;
        long tokens = rows.stream().mapToLong(Row::tokens).sum();
        return new RecallReport(number, curriculum.stage(progress.stage()), progress.stageStep(),
                progress.hasLessons(curriculum) ? progress.lesson() / Progress.LESSONS : 1, answers.loss,
                answers.all.accuracy(), progress.accuracy(), rate, norm, seconds, tokens / seconds, Trainer.memoryBytes());
    }

    /** Whether the stage that the last step belongs to is done. */
    public boolean isStageDone() {
        return progress.isStageDone(curriculum);
    }

    /** Goes on to the next stage, from these weights and with zero moments. */
    public void nextStage() {
        progress = progress.nextStage(curriculum);
        optimizer.moments().values().forEach(moment -> moment.fill(0));
    }

    /** A document of the next step: the stage's, or with the share of earlier ones that of a random one, or of the lessons. */
    private Row row(int number) {
        int segment = model.config().segment();
        if (progress.hasLessons(curriculum)) {
            return new Row(lessonTokens(number), progress.wording(curriculum), true);
        }
        int stage = progress.stage();
        // The first row is always of full length, so that every step says how good the stage is.
        boolean earlier = number > 0 && Philox.uniform(curriculum.seed(), MIX | progress.step(), 2L * number) < curriculum.earlier();
        if (!earlier || stage == 0 && !curriculum.lessons().exists()) {
            return new Row((long) curriculum.stage(stage) * segment, Lesson.WHOLE, true);
        }
        if (stage == 0) {
            return new Row((long) curriculum.lessons().segments() * segment, Lesson.TOLD_FIRST, false);
        }
        int one = (int) (Philox.uniform(curriculum.seed(), MIX | progress.step(), 2L * number + 1) * stage);
        return new Row((long) curriculum.stage(one) * segment, Lesson.WHOLE, false);
    }

    private long lessonTokens(int row) {
        long longest = (long) curriculum.lessons().segments() * model.config().segment();
        long shortest = Math.min(curriculum.lessons().shortest(), longest);
        double share = Math.min(1, progress.lesson()) * Philox.uniform(curriculum.seed(), LENGTH | progress.step(), row);
        return shortest + Math.round(share * (longest - shortest));
    }

    private Answers gradient(Parallel cancellable, List<Row> rows) {
        List<TokenSource> documents = new ArrayList<>();
        long[] labels = new long[rows.size()];
        for (int i = 0; i < labels.length; i++) {
            Row row = rows.get(i);
            Example example = examples.draw(progress.step() * labels.length + i, row.tokens, row.lesson);
            documents.add(example.document());
            labels[i] = example.label();
        }
        RmtEncoder noisy = model.withConfig(model.config().withMemoryNoise(curriculum.noise(progress)));
        try (Pass pass = Pass.training(backend, cancellable, workspace, gradients,
                new Randomness(curriculum.seed(), progress.step()))) {
            Tensor logits = noisy.logits(pass, documents);
            Tensor loss = Loss.meanCrossEntropy(pass, logits,
                    pass.allocateOnHost(DType.I64, labels.length).set(labels));
            double value = loss.item();
            if (!Double.isFinite(value)) {
                throw new NonFiniteException(progress.step() + 1, "loss");
            }
            int[] chosen = Recall.largest(logits);
            pass.backward(loss);
            return answers(value, rows, labels, chosen);
        }
    }

    private static Answers answers(double loss, List<Row> rows, long[] labels, int... chosen) {
        long right = 0;
        long rightOfCounted = 0;
        long counted = 0;
        for (int i = 0; i < labels.length; i++) {
            int correct = chosen[i] == labels[i] ? 1 : 0;
            right += correct;
            if (rows.get(i).counts) {
                counted++;
                rightOfCounted += correct;
            }
        }
        return new Answers(loss, new Tally(right, labels.length), new Tally(rightOfCounted, counted));
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
