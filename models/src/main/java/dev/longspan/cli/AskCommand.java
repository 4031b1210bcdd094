package dev.longspan.cli;

import dev.longspan.bench.ResidentMemory;
import dev.longspan.checkpoint.Checkpoint;
import dev.longspan.parallel.CancelledException;
import dev.longspan.recall.RmtFolder;
import dev.longspan.rmt.RmtEncoder;
import dev.longspan.task.Answer;
import dev.longspan.task.Haystack;
import dev.longspan.task.Inquiry;
import dev.longspan.task.Noise;
import dev.longspan.task.Place;
import dev.longspan.task.Reading;
import dev.longspan.tensor.TensorArena;
import dev.longspan.text.Corpus;
import dev.longspan.text.Sources;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

/** Facts of the user's own, hidden in as much other text as wanted. */
@Command(
        name = "ask",
        header = "Hide facts in a long text, ask about them, and see what the model remembers.",
        description = {"", "The text is noise that training never saw, with the facts at its start (or --at) and the question at its "
                + "end. Without --fact and --question they are read from standard input, a sentence a line: facts, then a line "
                + "that ends with '?', which is answered; then a new story begins. A line that cannot be understood is refused and "
                + "left out, and the exit status at the end is 2.", ""},
        footer = {"", "Examples:",
            "  longspan ask --model out/memorize/stage-7 --fact 'Mary went to the kitchen.' --question 'Where is Mary?' --tokens 1m",
            "  longspan ask --model out/memorize/stage-7 --tokens 64k",
            "  longspan ask --model out/memorize/stage-7 --fact 'Mary went to the kitchen.' --question 'Where is Mary?' --zero-memory"})
final class AskCommand implements Callable<Integer> {

    @ParentCommand
    private Main main;

    @Option(names = "--model", required = true, paramLabel = "DIR", description = "A folder that recall train wrote.")
    private Path folder;

    @Option(names = "--fact", paramLabel = "TEXT", description = "A sentence to remember; repeatable.")
    private List<String> facts = new ArrayList<>();

    @Option(names = "--question", paramLabel = "TEXT", description = "What is asked at the end.")
    private @Nullable String question;

    @Option(names = "--tokens", defaultValue = "1m", paramLabel = "N", converter = ByteSize.class,
            description = "Tokens of the whole text, facts and question included (default: ${DEFAULT-VALUE}).")
    private long tokens;

    @Option(names = "--at", defaultValue = "0", paramLabel = "X",
            description = "Share of the noise that stands before the facts, 0 to 1 (default: ${DEFAULT-VALUE}).")
    private double share;

    @Option(names = "--zero-memory", description = "Zero the memory after each segment: the control, which can only guess.")
    private boolean zeroMemory;

    @Option(names = "--data", paramLabel = "DIR", description = "Hide the facts in text files below a folder (default: as in training).")
    private @Nullable Path data;

    @Override
    public Integer call() throws IOException {
        if (facts.isEmpty() != (question == null)) {
            throw new IllegalArgumentException("facts and a question come together: facts=" + facts.size() + ", question="
                    + question);
        }
        RmtFolder model = RmtFolder.open(folder);
        Corpus corpus = data == null ? model.origin().noise() : Sources.folder(data);
        Noise noise = Noise.heldOut(corpus, model.vocabulary());
        try (StopSignals signals = StopSignals.caught(); TensorArena arena = new TensorArena(main.backend().space());
                Checkpoint weights = RmtFolder.weights(folder)) {
            RmtEncoder network = model.load(folder, weights, arena);
            Reading reading = new Reading(main.backend(), main.parallel().cancelledBy(signals.cancel()), network);
            int status = ExitStatus.OK;
            try {
                if (question != null) {
                    answer(new Inquiry(facts, question), model, noise, reading);
                } else {
                    status = converse(model, noise, reading);
                }
            } catch (CancelledException stopped) {
                main.output().line("stopped");
            }
            return signals.status().orElse(status);
        }
    }

    private int converse(RmtFolder model, Noise noise, Reading reading) throws IOException {
        // Not closed: standard input is not ours.
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        List<String> told = new ArrayList<>();
        int status = ExitStatus.OK;
        for (String line = next(lines); line != null; line = next(lines)) {
            if (line.isBlank()) {
                continue;
            }
            try {
                model.vocabulary().encodeKnown(line);
                if (Inquiry.isQuestion(line)) {
                    answer(new Inquiry(told, line), model, noise, reading);
                    told.clear();
                } else {
                    told.add(line.strip());
                }
            } catch (IllegalArgumentException refused) {
                status = new Failures(main).report(refused, main.err());
            }
        }
        if (!told.isEmpty()) {
            throw new IllegalArgumentException("facts and a question come together: facts=" + told.size() + ", then no more lines");
        }
        return status;
    }

    private @Nullable String next(BufferedReader lines) throws IOException {
        if (main.showsProgress() && ReadProgress.isTerminal()) {
            main.err().print("fact, or question that ends with '?' (Ctrl-D ends) > ");
            main.err().flush();
        }
        return lines.readLine();
    }

    private void answer(Inquiry inquiry, RmtFolder model, Noise noise, Reading reading) {
        Haystack document = inquiry.hidden(model.vocabulary(), noise, Math.floorMod(main.seed(), noise.words()), share, tokens);
        Answer answer;
        try (ReadProgress progress = new ReadProgress(main.showsProgress() ? main.err() : null, tokens)) {
            answer = reading.answer(document, zeroMemory ? Reading.ZEROED : Reading.CARRIED, progress);
        }
        tell(inquiry, document, answer);
    }

    private void tell(Inquiry inquiry, Haystack document, Answer answer) {
        Output output = main.output();
        OptionalLong resident = ResidentMemory.residentBytes();
        Map<String, Object> result = new LinkedHashMap<>();
        for (int i = 0; i < inquiry.facts().size(); i++) {
            output.line("%s  [token %,d of %,d]", inquiry.facts().get(i), document.sentences().get(i).at(), document.length());
        }
        output.line("%s  [token %,d]", inquiry.question(), document.sentences().getLast().at());
        output.line("%,d tokens in %,d segments, %,.0f tokens/s%s%s", answer.tokens(), answer.segments(), answer.tokensPerSecond(),
                resident.isPresent() ? ", " + ByteSize.text(resident.getAsLong()) + " resident" : "",
                zeroMemory ? ", memory zeroed after each segment" : "");
        result.put("facts", inquiry.facts());
        result.put("places", document.sentences().stream().limit(inquiry.facts().size()).map(Haystack.Sentence::at).toList());
        result.put("question", inquiry.question());
        result.put("tokens", answer.tokens());
        result.put("segments", answer.segments());
        result.put("memory", zeroMemory ? "zeroed" : "carried");
        result.put("seconds", answer.seconds());
        result.put("tokens_per_s", answer.tokensPerSecond());
        resident.ifPresent(bytes -> result.put("resident_bytes", bytes));
        result.put("answer", answer.ranking().getFirst().word());
        Map<String, Object> ranking = new LinkedHashMap<>();
        for (Place place : answer.ranking()) {
            output.line("%-10s %5.1f %%", place.word(), 100 * answer.probability(place));
            ranking.put(place.word(), answer.probability(place));
        }
        result.put("probabilities", ranking);
        output.result(result);
    }
}
