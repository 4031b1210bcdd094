package dev.longspan.recall;

import dev.longspan.bench.ResidentMemory;
import dev.longspan.bench.StreamResult;
import dev.longspan.task.Place;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * How far back a memory recalls, and what reading the longest documents cost.
 *
 * @param trained tokens of the longest documents of its training
 * @param rows a length each, the longest last
 * @param story one of the longest
 * @param first seconds a token of the longest documents' first segments
 * @param last seconds a token of their last segments
 * @param ratio time of the last segments over that of other documents' first, medians in turns
 * @param early memory behind the first tenth
 * @param end memory behind the last segment
 */
public record RecallResult(long trained, List<RecallRow> rows, RecallStory story, double first, double last, double ratio,
        ResidentMemory early, ResidentMemory end) {

    /** How often a guess is right. */
    public static final double CHANCE = 1.0 / Place.values().length;

    public RecallResult {
        rows = List.copyOf(rows);
    }

    /** Whether the model recalls as often as it must, at every length. */
    public boolean isRecalled() {
        return rows.stream().allMatch(RecallRow::isRecalled);
    }

    /** Answers of all lengths with the memory zeroed. */
    public Tally control() {
        return Tally.sum(rows.stream().map(RecallRow::control).toList());
    }

    /** Whether without its memory the model but guesses: no more is right than in 95 % of guesses' interval. */
    public boolean isControlled() {
        return control().low() <= CHANCE;
    }

    /** Memory at the end over memory behind the first tenth. */
    public double growth() {
        return (double) end.bytes() / early.bytes();
    }

    /** Whether time per token and memory stay the same, that of tensors to the byte. */
    public boolean isFlat() {
        return ratio <= 1 + StreamResult.FLAT_WITHIN && growth() <= 1 + StreamResult.FLAT_WITHIN && end.tensors() <= early.tensors();
    }

    /** Whether everything held. */
    public boolean passed() {
        return isRecalled() && isControlled() && isFlat();
    }

    /** Column names. */
    public static String header() {
        return String.format(Locale.ROOT, "%10s  %7s  %9s  %7s  %16s  %13s  %10s", "tokens", "times", "documents", "right",
                "95 % interval", "memory zeroed", "tokens/s");
    }

    /** A row. */
    public static String line(RecallRow row) {
        return String.format(Locale.ROOT, "%,10d  %,6dx  %9d  %5.1f %%  %6.1f - %5.1f %%  %11.1f %%  %,10.0f%s", row.tokens(),
                row.trial().times(), row.answers().asked(), 100 * row.answers().accuracy(), 100 * row.answers().low(),
                100 * row.answers().high(), 100 * row.control().accuracy(), row.tokensPerSecond(), row.isRecalled() ? ""
                        : String.format(Locale.ROOT, "  FAILED: at least %.0f %%", 100 * row.trial().least()));
    }

    /** A place within the longest documents. */
    public static String line(RecallPlace place) {
        return String.format(Locale.ROOT, "%,10d  read, %,.0f tokens/s, resident %.1f MiB, tensors %.1f MiB", place.tokens(),
                place.tokensPerSecond(), mebibytes(place.memory().bytes()), mebibytes(place.memory().tensors()));
    }

    /** The story and the conclusions below the rows. */
    public List<String> footer() {
        List<String> lines = new ArrayList<>();
        lines.add("told:      " + String.join(" ", story.sample().story().facts()));
        lines.add(String.format(Locale.ROOT, "then:      %,d tokens of other text", story.between()));
        lines.add("asked:     " + story.sample().story().question());
        lines.add(String.format(Locale.ROOT, "answered:  %s, probability %.1f %%%s", story.answer().word(),
                100 * story.probability(), story.isRight() ? "" : "; right is " + story.sample().story().answer().word()));
        lines.add(String.format(Locale.ROOT, "memory zeroed after every segment: %.1f %% of %d right, a guess %.1f %% "
                + "(of all guesses' 95 %% interval at most%s)", 100 * control().accuracy(), control().asked(), 100 * CHANCE,
                isControlled() ? "" : ": FAILED"));
        lines.add(String.format(Locale.ROOT, "tokens/s: %,.0f in the first segments, %,.0f in the last; in turns %.3f times the time "
                + "(must be at most %.2f)", 1 / first, 1 / last, ratio, 1 + StreamResult.FLAT_WITHIN));
        lines.add(String.format(Locale.ROOT, "%s memory: %.1f MiB behind the first tenth, %.1f MiB at the end: %.3f "
                + "(must be at most %.2f); tensors grew by %,d bytes (0)",
                end.resident().isPresent() ? "resident" : "tensors'", mebibytes(early.bytes()), mebibytes(end.bytes()), growth(),
                1 + StreamResult.FLAT_WITHIN, end.tensors() - early.tensors()));
        lines.add(passed() ? "recalled, and without memory guessed; time and memory flat" : "CHECK FAILED");
        return lines;
    }

    private static double mebibytes(long bytes) {
        return bytes / (double) (1 << 20);
    }

    /** Every figure by name. */
    public Map<String, @Nullable Object> figures() {
        Map<String, @Nullable Object> figures = new LinkedHashMap<>();
        figures.put("trained", trained);
        figures.put("rows", rows.stream().map(RecallRow::figures).toList());
        figures.put("longest", rows.getLast().figures());
        figures.put("story", story.figures());
        figures.put("chance", CHANCE);
        figures.put("control", Map.of("documents", control().asked(), "right", control().right(), "accuracy",
                control().accuracy(), "low", control().low(), "high", control().high()));
        figures.put("firstTokensPerSecond", 1 / first);
        figures.put("lastTokensPerSecond", 1 / last);
        figures.put("ratio", ratio);
        figures.put("early", early.figures());
        figures.put("end", end.figures());
        figures.put("growth", growth());
        figures.put("flatWithin", StreamResult.FLAT_WITHIN);
        figures.put("recalled", isRecalled());
        figures.put("controlled", isControlled());
        figures.put("flat", isFlat());
        figures.put("passed", passed());
        return figures;
    }
}
