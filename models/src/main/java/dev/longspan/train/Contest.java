package dev.longspan.train;

import dev.longspan.backend.Backend;
import dev.longspan.bench.Median;
import dev.longspan.model.Blueprint;
import dev.longspan.model.ModelFolder;
import dev.longspan.nn.LanguageModel;
import dev.longspan.parallel.CancelSignal;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import dev.longspan.text.Corpus;
import dev.longspan.text.Passage;
import dev.longspan.text.Windows;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Trains models on one text, each from several seeds, and measures what held-out text costs them. */
public final class Contest {

    private final Backend backend;
    private final Parallel parallel;
    private final Corpus corpus;
    private final int context;
    private final List<Passage> heldOut;
    private final int cut;

    /** Who takes part: an untrained model and its highest learning rate. */
    public record Contender(String name, Blueprint blueprint, double learningRate) {
    }

    /**
     * One training run.
     *
     * @param seconds the median step's, times the steps: a pause of the machine does not count
     */
    public record Trial(String contender, long parameters, long seed, long steps, long tokens, double seconds, HeldOutBits heldOut) {

        /** By name, for reports. */
        public Map<String, Object> toMap() {
            Map<String, Object> map = new LinkedHashMap<>();
            map.put("contender", contender);
            map.put("parameters", parameters);
            map.put("seed", seed);
            map.put("steps", steps);
            map.put("tokens", tokens);
            map.put("seconds", seconds);
            map.put("held_out", heldOut.toMap());
            return map;
        }
    }

    /** {@code heldOutBytes}: about as many, of passages as long as the context where there are any. */
    public Contest(Backend backend, Parallel parallel, Corpus corpus, int context, long heldOutBytes, int cut) {
        this.backend = backend;
        this.parallel = parallel;
        this.corpus = corpus;
        this.context = context;
        this.cut = cut;
        List<Passage> all = Passage.all(corpus.heldOut(), context);
        // Only whole passages have bytes at the far positions.
        List<Passage> whole = all.stream().filter(passage -> passage.length() == context).toList();
        this.heldOut = Passage.sample(whole.isEmpty() ? all : whole, heldOutBytes);
    }

    /** Trains a fresh model for {@code steps} of one window each and measures it. */
    public Trial run(Contender contender, long steps, long seed, TrainListener listener, CancelSignal cancel) {
        TrainSettings settings = TrainSettings.standard(context, steps, seed).withLearningRate(contender.learningRate());
        double[] stepSeconds = new double[Math.toIntExact(steps)];
        try (TensorArena arena = new TensorArena(backend.space())) {
            LanguageModel<?> model = contender.blueprint().create(arena, seed);
            try (Trainer trainer = new Trainer(backend, parallel, model, new Windows(corpus.train(), seed), settings)) {
                for (int i = 0; i < steps; i++) {
                    StepReport report = trainer.next(cancel);
                    stepSeconds[i] = settings.tokensPerStep() / report.tokensPerSecond();
                    listener.onStep(report);
                }
            }
            try (Evaluator evaluator = new Evaluator(backend, model)) {
                return new Trial(contender.name(), ModelFolder.stored(model).values().stream().mapToLong(Tensor::elements).sum(),
                        seed, steps, steps * settings.tokensPerStep(), Median.of(stepSeconds) * steps,
                        evaluator.measure(parallel.cancelledBy(cancel), heldOut, cut));
            }
        }
    }
}
