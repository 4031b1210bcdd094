package dev.longspan.cli;

import dev.longspan.bench.Median;
import dev.longspan.json.Json;
import dev.longspan.model.Architecture;
import dev.longspan.parallel.CancelledException;
import dev.longspan.text.Bytes;
import dev.longspan.text.Corpus;
import dev.longspan.text.Sources;
import dev.longspan.train.Contest;
import dev.longspan.train.Contest.Contender;
import dev.longspan.train.Contest.Trial;
import dev.longspan.train.PositionBits;
import dev.longspan.train.TrainListener;
import dev.longspan.train.TrainProgress;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;

/** Trains models against each other. */
@Command(
        name = "compare",
        header = "Train models on the same text, at equal tokens and at equal time, from several seeds.",
        description = {"", "Each model trains --steps windows of --context bytes from each seed; then the faster ones train again "
                + "for as long as the slowest took. Bits per byte are of held-out documents, mean and spread (highest minus "
                + "lowest) over the seeds, also by position.", ""},
        footer = {"", "Examples:", "  longspan compare megalodon:small llama:small",
            "  longspan compare megalodon:tiny:6e-3 mega:tiny:6e-3 --context 4k --steps 200 --seeds 1"})
final class CompareCommand implements Callable<Integer> {

    @ParentCommand
    private Main main;

    @Parameters(arity = "1..*", paramLabel = "ARCH:PRESET[:RATE]", description = "Models and their highest learning rates.")
    private List<String> models = new ArrayList<>();

    @Option(names = "--context", defaultValue = "8k", paramLabel = "N", converter = ByteSize.class,
            description = "Bytes of one window (default: ${DEFAULT-VALUE}).")
    private long context;

    @Option(names = "--steps", defaultValue = "150", paramLabel = "N",
            description = "Windows read at equal tokens (default: ${DEFAULT-VALUE}).")
    private int steps;

    @Option(names = "--seeds", defaultValue = "3", paramLabel = "N", description = "Runs of each (default: ${DEFAULT-VALUE}).")
    private int seeds;

    @Option(names = "--bytes", defaultValue = "256k", paramLabel = "SIZE", converter = ByteSize.class,
            description = "Held-out bytes to measure on (default: ${DEFAULT-VALUE}).")
    private long bytes;

    @Option(names = "--cut", defaultValue = "1k", paramLabel = "N", converter = ByteSize.class,
            description = "The shorter context that the gain of the whole one is measured against (default: ${DEFAULT-VALUE}).")
    private long cut;

    @Option(names = "--data", paramLabel = "DIR",
            description = "Train on every text file below a folder (default: the sources of the running JDK).")
    private @Nullable Path data;

    @Override
    public Integer call() throws IOException {
        if (context <= 1 || context > Integer.MAX_VALUE - 8 || steps <= 0 || seeds <= 0 || bytes <= 0 || cut <= 0) {
            throw new IllegalArgumentException("context, steps, seeds, bytes and cut must be positive: context=" + context
                    + ", steps=" + steps + ", seeds=" + seeds + ", bytes=" + bytes + ", cut=" + cut);
        }
        List<Contender> contenders = models.stream().map(this::contender).toList();
        Corpus corpus = data == null ? Sources.standard() : Sources.folder(data);
        Contest contest = new Contest(main.backend(), main.parallel(), corpus, (int) context, bytes, (int) Math.min(cut, context));
        try (StopSignals signals = StopSignals.caught()) {
            try {
                compare(contest, contenders, corpus, signals);
                return ExitStatus.OK;
            } catch (CancelledException stopped) {
                return signals.status().orElse(ExitStatus.CHECK_FAILED);
            }
        }
    }

    private Contender contender(String model) {
        String[] parts = model.split(":", -1);
        if (parts.length < 2 || parts.length > 3) {
            throw new IllegalArgumentException("a model must be ARCH:PRESET or ARCH:PRESET:RATE: model=" + model);
        }
        Architecture architecture = main.architectures().named(parts[0]);
        Map<String, @Nullable Object> config = Json.object(Json.line(
                architecture.preset(parts[1], context, Bytes.VOCABULARY)));
        try {
            return new Contender(model, architecture.read(config),
                    parts.length == 3 ? Double.parseDouble(parts[2]) : 3e-3);
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("the learning rate must be a number: model=" + model, e);
        }
    }

    private void compare(Contest contest, List<Contender> contenders, Corpus corpus, StopSignals signals) {
        Output output = main.output();
        output.line("%s; %,d bytes a window, %d seeds", corpus.origin(), context, seeds);
        List<Trial> atTokens = trials(contest, contenders, contenders.stream().map(c -> (long) steps).toList(), signals);
        List<Double> seconds = contenders.stream().map(c -> Median.of(of(atTokens, c, Trial::seconds))).toList();
        double slowest = seconds.stream().mapToDouble(Double::doubleValue).max().orElseThrow();
        List<Long> longer = seconds.stream().map(own -> Math.round(steps * slowest / own)).toList();
        List<Contender> faster = contenders.stream().filter(c -> longer.get(contenders.indexOf(c)) > steps).toList();
        List<Trial> atTime = new ArrayList<>(atTokens.stream().filter(t -> faster.stream().noneMatch(c ->
                c.name().equals(t.contender()))).toList());
        atTime.addAll(trials(contest, faster, faster.stream().map(c -> longer.get(contenders.indexOf(c))).toList(), signals));
        table(output, "equal tokens", contenders, atTokens);
        table(output, "equal time", contenders, atTime);
        Map<String, Object> result = new LinkedHashMap<>();
        result.put("text", corpus.origin());
        result.put("context", context);
        result.put("equal_tokens", atTokens.stream().map(Trial::toMap).toList());
        result.put("equal_time", atTime.stream().map(Trial::toMap).toList());
        output.result(result);
    }

    /** In turns, so that a machine that slows down slows all. */
    private List<Trial> trials(Contest contest, List<Contender> contenders, List<Long> lengths, StopSignals signals) {
        List<Trial> trials = new ArrayList<>();
        for (int i = 0; i < seeds; i++) {
            for (int c = 0; c < contenders.size(); c++) {
                try (TrainProgress progress = TrainProgress.on(main.err(), 0, lengths.get(c))) {
                    Trial trial = contest.run(contenders.get(c), lengths.get(c), main.seed() + i,
                            main.showsProgress() ? progress : TrainListener.NONE, signals.cancel());
                    trials.add(trial);
                    main.output().line("  %-18s seed %d  %5d steps  %6.0f s  %.4f bits per byte", trial.contender(), trial.seed(),
                            trial.steps(), trial.seconds(), trial.heldOut().bitsPerByte());
                }
            }
        }
        return trials;
    }

    private static void table(Output output, String title, List<Contender> contenders, List<Trial> trials) {
        StringBuilder head = new StringBuilder(String.format(Locale.ROOT, "%n%-18s %10s %9s %6s  %-17s", title, "parameters", "tokens",
                "s", "bits per byte"));
        List<PositionBits> buckets = trials.getFirst().heldOut().positions();
        buckets.forEach(bucket -> head.append(String.format(Locale.ROOT, " %9s", "to " + ByteSize.text(bucket.to()))));
        output.line("%s  beyond cut, gain", head);
        for (Contender contender : contenders) {
            double[] bits = of(trials, contender, trial -> trial.heldOut().bitsPerByte());
            Trial first = trials.stream().filter(t -> t.contender().equals(contender.name())).findFirst().orElseThrow();
            StringBuilder line = new StringBuilder(String.format(Locale.ROOT, "%-18s %,10d %,9d %6.0f  %.4f ± %.4f  ", contender.name(),
                    first.parameters(), first.tokens(), Median.of(of(trials, contender, Trial::seconds)), mean(bits),
                    spread(bits)));
            for (int b = 0; b < buckets.size(); b++) {
                int bucket = b;
                line.append(String.format(Locale.ROOT, " %9.4f",
                        mean(of(trials, contender, t -> t.heldOut().positions().get(bucket).bitsPerByte()))));
            }
            output.line("%s  %.4f", line, mean(of(trials, contender, t -> t.heldOut().gain())));
        }
    }

    private static double[] of(List<Trial> trials, Contender contender, ToDoubleFunction<Trial> value) {
        return trials.stream().filter(trial -> trial.contender().equals(contender.name())).mapToDouble(value).toArray();
    }

    private static double mean(double[] values) {
        return Arrays.stream(values).average().orElse(Double.NaN);
    }

    private static double spread(double[] values) {
        return Arrays.stream(values).max().orElse(Double.NaN) - Arrays.stream(values).min().orElse(Double.NaN);
    }
}
