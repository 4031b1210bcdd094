package dev.longspan.classify;

import dev.longspan.autograd.Gradients;
import dev.longspan.autograd.Pass;
import dev.longspan.autograd.Randomness;
import dev.longspan.autograd.Workspace;
import dev.longspan.backend.Backend;
import dev.longspan.op.Loss;
import dev.longspan.optim.AdamW;
import dev.longspan.optim.Clip;
import dev.longspan.parallel.Parallel;
import dev.longspan.recall.Recall;
import dev.longspan.task.Sample;
import dev.longspan.task.Stories;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import dev.longspan.train.NonFiniteException;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.LongStream;

/**
 * A classifier trained for a given time, then asked about documents of given lengths. Training takes documents of 1 to
 * {@code segments} segments in turn, the same ones in the same order for every model: a faster model reads more of them.
 * Serves one thread.
 *
 * @param segments of the longest documents to train on
 * @param segment tokens of a segment
 */
public record Trial(Backend backend, Parallel parallel, Stories training, Stories held, int segments, int segment, int batch,
        double learningRate, long seed) {

    private static final long WARM_UP_STEPS = 50;
    private static final double CLIP_VALUE = 5;
    private static final double WEIGHT_DECAY = 1e-3;

    public Trial {
        if (segments <= 0 || segment <= 0 || batch <= 0 || !(learningRate > 0)) {
            throw new IllegalArgumentException("segments, segment, batch and learningRate must be positive: segments=" + segments
                    + ", segment=" + segment + ", batch=" + batch + ", learningRate=" + learningRate);
        }
    }

    /**
     * What training took.
     *
     * @param peakBytes most that the activations and gradients of a step took
     */
    public record Trained(long steps, long tokens, double seconds, double lastLoss, long peakBytes) {
    }

    /** Answers to documents of one length; peakBytes is the most that the activations of one took. */
    public record Score(int segments, int right, int asked, long tokens, double seconds, long peakBytes) {

        /** The share of right answers. */
        public double accuracy() {
            return (double) right / asked;
        }
    }

    /** Trains until {@code seconds} are over, at least one step. */
    public Trained train(Classifier model, double seconds) {
        Map<String, Tensor> weights = model.parameters();
        try (TensorArena arena = new TensorArena(backend.space());
                Workspace workspace = new Workspace(backend.space(), 1 << 20)) {
            Gradients gradients = new Gradients(arena, weights.values());
            AdamW optimizer = new AdamW(new AdamW.Settings(0.9, 0.999, 1e-8, WEIGHT_DECAY, name ->
                    Objects.requireNonNull(weights.get(name)).rank() > 1), weights, arena);
            long start = System.nanoTime();
            long tokens = 0;
            double loss = Double.NaN;
            long step = 0;
            while (step == 0 || (System.nanoTime() - start) * 1e-9 < seconds) {
                long length = (1 + step % segments) * segment;
                gradients.zero();
                loss = gradient(model, workspace, gradients, length, step);
                Clip.byValue(backend, parallel, gradients, weights.values(), CLIP_VALUE);
                step++;
                optimizer.step(backend, parallel, gradients, learningRate * Math.min(1, (double) step / WARM_UP_STEPS), 1, step);
                tokens += batch * length;
            }
            return new Trained(step, tokens, (System.nanoTime() - start) * 1e-9, loss, workspace.peakBytes());
        }
    }

    private double gradient(Classifier model, Workspace workspace, Gradients gradients, long length, long step) {
        List<Sample> samples = LongStream.range(0, batch).mapToObj(i -> training.draw(step * batch + i, length)).toList();
        try (Pass pass = Pass.training(backend, parallel, workspace, gradients, new Randomness(seed, step))) {
            Tensor loss = Loss.meanCrossEntropy(pass, model.logits(pass, samples.stream().map(Sample::document).toList()),
                    pass.allocateOnHost(DType.I64, batch).set(samples.stream().mapToLong(Sample::label).toArray()));
            double value = loss.item();
            if (!Double.isFinite(value)) {
                throw new NonFiniteException("the loss of step " + (step + 1));
            }
            pass.backward(loss);
            return value;
        }
    }

    /** Asks about {@code documents} held-out documents of so many segments, one after the other. */
    public Score ask(Classifier model, int length, int documents) {
        int right = 0;
        long tokens = (long) length * segment;
        try (Workspace workspace = new Workspace(backend.space(), 1 << 20)) {
            long start = System.nanoTime();
            for (int i = 0; i < documents; i++) {
                Sample sample = held.draw(i, tokens);
                try (TensorArena arena = new TensorArena(backend.space())) {
                    Tensor logits = model.read(() -> Pass.inference(backend, parallel, workspace), arena, List.of(sample.document()));
                    right += Recall.largest(logits)[0] == sample.label() ? 1 : 0;
                }
            }
            return new Score(length, right, documents, documents * tokens, (System.nanoTime() - start) * 1e-9,
                    workspace.peakBytes());
        }
    }
}
