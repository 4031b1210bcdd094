package dev.longspan.report;

import dev.longspan.checkpoint.Checkpoint;
import dev.longspan.generate.Generation;
import dev.longspan.generate.Generator;
import dev.longspan.generate.Sampling;
import dev.longspan.json.Json;
import dev.longspan.model.Architecture;
import dev.longspan.model.Blueprint;
import dev.longspan.model.ModelConfig;
import dev.longspan.model.ModelFolder;
import dev.longspan.nn.LanguageModel;
import dev.longspan.parallel.CancelSignal;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import dev.longspan.text.Bytes;
import dev.longspan.text.Corpus;
import dev.longspan.text.Passage;
import dev.longspan.text.Windows;
import dev.longspan.train.Evaluator;
import dev.longspan.train.HeldOutBits;
import dev.longspan.train.TrainProgress;
import dev.longspan.train.TrainSettings;
import dev.longspan.train.Trainer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A small model of bytes learns source code at a long context for about a minute; then it is measured and writes a few lines. */
public final class TrainingStep implements Step {

    private static final int CUT = 1024;
    /** High, because the steps are few. */
    private static final double LEARNING_RATE = 6e-3;
    /** By then the kernels are compiled. */
    private static final double CALIBRATION_SECONDS = 12;
    private static final int CALIBRATION_STEPS = 3;
    /** Fewer, on a machine that is slow or busy, would not even learn how often each byte occurs. */
    private static final int LEAST_STEPS = 12;
    private static final double SECONDS_BETWEEN_EVALUATIONS = 12;
    private static final int SAMPLE_BYTES = 360;
    private static final String PROMPT = "    /**\n     * Returns ";

    private final Subject subject;
    private final Plan plan;

    /**
     * Which architecture is trained.
     *
     * @param id of the section
     * @param name what people call it
     * @param folder that the model is left in
     */
    public record Subject(String id, String name, Architecture architecture, String folder) {
    }

    /**
     * What is trained on what.
     *
     * @param seconds how long it trains, calibration aside; longer where that is too little for a few steps
     * @param curveBytes held-out bytes of each evaluation while it trains
     * @param finalBytes held-out bytes of the last one
     */
    public record Plan(Corpus corpus, String preset, int context, double seconds, long curveBytes, long finalBytes) {
    }

    public TrainingStep(Subject subject, Plan plan) {
        this.subject = subject;
        this.plan = plan;
    }

    @Override
    public String name() {
        return subject.name + ": training at a context of " + Format.TOKENS.text(plan.context);
    }

    @Override
    public int shareSeconds() {
        return (int) (plan.seconds + CALIBRATION_SECONDS + 20);
    }

    @Override
    public Section run(Job job) throws IOException {
        job.out().printf("text: %s, %d documents to train on (%.1f MB), %d held out%n", plan.corpus.origin(),
                plan.corpus.train().size(), Corpus.bytes(plan.corpus.train()) / 1e6, plan.corpus.heldOut().size());
        Architecture architecture = subject.architecture;
        ModelConfig config = ModelConfig.of(architecture, architecture.preset(plan.preset, plan.context, Bytes.VOCABULARY));
        long steps = calibrate(job, config.blueprint());
        try (TensorArena arena = new TensorArena(job.backend().space())) {
            LanguageModel<?> model = config.blueprint().create(arena, job.seed());
            return new Run(job, config, model, TrainSettings.standard(plan.context, steps, job.seed())
                    .withLearningRate(LEARNING_RATE)).section();
        }
    }

    /** How many steps fit the time, by a model that is thrown away; compiles the kernels on the way. */
    private long calibrate(Job job, Blueprint blueprint) {
        TrainSettings settings = TrainSettings.standard(plan.context, 1000, job.seed());
        try (TensorArena arena = new TensorArena(job.backend().space());
                Trainer trainer = new Trainer(job.backend(), job.parallel(),
                        blueprint.create(arena, job.seed()), new Windows(plan.corpus.train(), job.seed()), settings)) {
            CancelSignal never = new CancelSignal();
            double last = 0;
            for (double spent = 0; spent < CALIBRATION_SECONDS || trainer.step() < CALIBRATION_STEPS; spent += last) {
                last = plan.context / trainer.next(never).tokensPerSecond();
            }
            return Math.max(LEAST_STEPS, Math.round(plan.seconds / last));
        }
    }

    /** One training run and what is measured afterwards. */
    private final class Run {
        private final Job job;
        private final ModelConfig config;
        private final LanguageModel<?> model;
        private final TrainSettings settings;
        private final List<Passage> heldOut = Passage.all(plan.corpus.heldOut(), plan.context);
        private final CancelSignal never = new CancelSignal();

        Run(Job job, ModelConfig config, LanguageModel<?> model, TrainSettings settings) {
            this.job = job;
            this.config = config;
            this.model = model;
            this.settings = settings;
        }

        Section section() throws IOException {
            Map<String, @Nullable Object> figures = new LinkedHashMap<>();
            figures.put("text", plan.corpus.origin());
            figures.put("preset", plan.preset);
            figures.put("parameters", ModelFolder.stored(model).values().stream().mapToLong(Tensor::elements).sum());
            figures.put("context", plan.context);
            Floors floors = Floors.of(plan.corpus, Passage.sample(heldOut, plan.finalBytes));
            figures.put("floors", floors.figures());
            train(figures);
            HeldOutBits bits = measure();
            figures.put("held_out", bits.toMap());
            boolean learned = bits.bitsPerByte() < floors.order0();
            job.out().printf("held out: %.3f bits per byte; floors: %.2f by byte frequencies, %.2f by pairs of bytes, %.2f by zlib%n",
                    bits.bitsPerByte(), floors.order0(), floors.order1(), floors.deflate());
            Path saved = save();
            Generation sample = generate(Generator.of(job.backend(), job.parallel(), model));
            figures.put("sample", sample.toMap());
            figures.put("sample_text", PROMPT + sample.text());
            figures.put("model", saved.toString());
            return new Section(subject.id, subject.name + ": training at a context of 8K on source code", learned, figures,
                    headlines(learned), blocks(),
                    "longspan train --arch " + subject.architecture.name() + " --preset " + plan.preset + " --context " + plan.context
                            + " --steps " + settings.steps() + " --learning-rate " + settings.learningRate() + " --seed " + job.seed()
                            + " --out out/" + subject.folder);
        }

        private void train(Map<String, @Nullable Object> figures) {
            List<Passage> sampled = Passage.sample(heldOut, plan.curveBytes);
            long start = System.nanoTime();
            try (
                Trainer trainer = new Trainer(job.backend(), job.parallel(), model,
                            new Windows(plan.corpus.train(), settings.seed()), settings);
                    Evaluator evaluator = new Evaluator(job.backend(), model);
                    TrainProgress progress = TrainProgress.on(job.out(), 0, settings.steps())) {
                TrainingCurve curve = new TrainingCurve(progress, settings.tokensPerStep());
                double evaluated = Double.NEGATIVE_INFINITY;
                while (true) {
                    double now = (System.nanoTime() - start) * 1e-9;
                    boolean done = trainer.step() >= settings.steps();
                    if (done || now - evaluated >= SECONDS_BETWEEN_EVALUATIONS) {
                        curve.onEvaluation(trainer.step(), evaluator.bitsPerByte(job.parallel(), sampled));
                        evaluated = now;
                    }
                    if (done) {
                        break;
                    }
                    curve.onStep(trainer.next(never));
                }
                double seconds = (System.nanoTime() - start) * 1e-9;
                figures.put("steps", trainer.step());
                figures.put("bytes", trainer.step() * settings.tokensPerStep());
                figures.put("seconds", seconds);
                figures.put("tokens_per_s", trainer.step() * settings.tokensPerStep() / seconds);
                figures.put("peak_bytes", curve.peakBytes());
                figures.put("curve", curve.losses());
                figures.put("evaluations", curve.evaluations());
            }
        }

        private HeldOutBits measure() {
            // Whole passages first: only they have bytes at the far positions.
            List<Passage> whole = heldOut.stream().filter(p -> p.length() == plan.context).toList();
            try (Evaluator evaluator = new Evaluator(job.backend(), model)) {
                return evaluator.measure(job.parallel(),
                        Passage.sample(whole.isEmpty() ? heldOut : whole, plan.finalBytes), Math.min(CUT, plan.context / 2));
            }
        }

        private Path save() throws IOException {
            Path folder = Files.createDirectories(job.folder().resolve(subject.folder));
            Files.writeString(folder.resolve(ModelFolder.CONFIG), Json.pretty(config.json()) + "\n");
            Checkpoint.save(folder.resolve(Checkpoint.FILE), ModelFolder.stored(model), Map.of("format", "longspan"));
            return folder;
        }

        private Generation generate(Generator<?> generator) {
            job.out().print(PROMPT);
            job.out().flush();
            Generation sample = generator.generate(new Generator.Request(PROMPT, SAMPLE_BYTES,
                    new Sampling(0.6, 0, 1, job.seed()), List.of(), PROMPT.length() + 1), never, piece -> {
                        job.out().print(piece);
                        job.out().flush();
                    });
            job.out().println();
            return sample;
        }
    }

    private List<Section.Headline> headlines(boolean learned) {
        return List.of(new Section.Headline(own("*: {@held_out.bpb:fixed3} bits per held-out byte after {@bytes} bytes in "
                        + "{@seconds:fixed1} s ({@tokens_per_s:fixed1} a second); {@floors.order1:fixed2} by pairs of bytes"), learned),
                new Section.Headline(own("*: context beyond {@held_out.cut:tokens} saves {@held_out.gain_bpb:fixed3} bits per byte"),
                        true));
    }

    private List<Block> blocks() {
        return List.of(
                new Block.Prose(own("* of {@parameters} parameters (preset {@preset}) on bytes of {@text}, one sequence of "
                        + "{@context:tokens} bytes a step, {@steps} steps. Held-out files are never trained on. Peak memory "
                        + "{@peak_bytes:bytes}, Java heap included.")),
                new Block.Plot(new Chart(subject.name + ": training curve", new Chart.Axis("bytes read", false, Format.PLAIN),
                        new Chart.Axis("bits per byte", false, Format.FIXED2), List.of(
                        new Chart.Series("training text, by step", own("@curve"), "bytes", "bpb"),
                        new Chart.Series("held-out text", own("@evaluations"), "bytes", "bpb")), List.of(
                        new Chart.Level("byte frequencies", own("@floors.order0")),
                        new Chart.Level("pairs of bytes", own("@floors.order1")),
                        new Chart.Level("zlib", own("@floors.deflate"))))),
                new Block.Plot(new Chart(subject.name + ": held-out bits per byte by position",
                        new Chart.Axis("end of the position bucket", true, Format.TOKENS),
                        new Chart.Axis("bits per byte", false, Format.FIXED2),
                        List.of(new Chart.Series(subject.name, own("@held_out.positions"), "to", "bpb")), List.of())),
                new Block.Table(List.of(own("bytes beyond {@held_out.cut:tokens}"), "bits per byte"), List.of(
                        List.of(own("context of {@context:tokens}"), own("{@held_out.bpb_beyond_cut:fixed3}")),
                        List.of(own("context cut to {@held_out.cut:tokens}"), own("{@held_out.bpb_beyond_cut_when_cut:fixed3}")))),
                new Block.Prose(own("What it writes after “Returns”, {@sample.tokens_per_s:fixed1} bytes a second:")),
                new Block.Listing(own("@sample_text")));
    }

    /** A template of this section: * is the model's name, @ the way to the section's figures. */
    private String own(String template) {
        return template.replace("*", subject.name).replace("@", subject.id + ".");
    }
}
