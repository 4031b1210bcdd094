package dev.longspan.report;

import dev.longspan.verify.Line;
import dev.longspan.verify.Line.Verdict;
import dev.longspan.verify.Summary;
import dev.longspan.verify.Verify;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** What the reference implementation computed, computed again. */
public final class VerifyStep implements Step {

    private final List<Path> goldens;

    /** Runs the goldens of folders with a manifest.json each. */
    public VerifyStep(List<Path> goldens) {
        this.goldens = List.copyOf(goldens);
    }

    @Override
    public String name() {
        return "verify against the reference implementation";
    }

    @Override
    public int shareSeconds() {
        return 16;
    }

    @Override
    public Section run(Job job) throws IOException {
        long start = System.nanoTime();
        List<Line> compared = new ArrayList<>();
        boolean empty = false;
        for (Path folder : goldens) {
            Summary summary = Verify.run(folder, job.backend(), job.parallel(), new StringBuilder());
            empty |= summary.passed() == 0;
            compared.addAll(summary.lines());
        }
        double seconds = (System.nanoTime() - start) * 1e-9;
        List<Line> lines = compared.stream().filter(line -> line.verdict() != Verdict.SPOILT).toList();
        long failed = lines.stream().filter(line -> !line.isOk()).count();
        boolean ok = failed == 0 && !empty;
        List<Map<String, @Nullable Object>> cases = cases(lines);
        Map<String, @Nullable Object> figures = new LinkedHashMap<>();
        figures.put("backend", job.backend().name());
        figures.put("passed", lines.size() - failed);
        figures.put("failed", failed);
        figures.put("spoilt", compared.size() - lines.size());
        double worst = cases.stream().mapToDouble(VerifyStep::share).max().orElse(Double.NaN);
        figures.put("worst_of_bound", worst);
        figures.put("seconds", seconds);
        figures.put("cases", cases);
        lines.stream().filter(line -> !line.isOk()).forEach(line -> job.out().println(name(line) + "  FAILED"));
        job.out().printf("%d cases, %d passed, %d failed, %d not counted (spoilt in the reference), worst error %.1f %% of its "
                + "bound%n", cases.size(), lines.size() - failed, failed, compared.size() - lines.size(), 100 * worst);
        return new Section("goldens", "Correctness: the reference implementation's numbers", ok, figures,
                List.of(new Section.Headline("{goldens.passed} tensors equal the reference implementation's within their bounds, "
                        + "{goldens.failed} do not, {goldens.spoilt} are not counted as the reference spoilt them; the worst "
                        + "error is {goldens.worst_of_bound:percent} of its bound", ok)),
                List.of(new Block.Prose("Backend {goldens.backend}, {goldens.seconds:fixed1} s. Each case is a file of tensors "
                                + "that torchscale, the original MEGALODON or a float64 oracle computed; beside it the tensor "
                                + "nearest to its bound. Not counted: {goldens.spoilt} tensors of tsnorm_offset_f32 that hold "
                                + "their reference's own rounding errors, larger than their bounds."),
                        table(cases)),
                goldens.stream().map(folder -> "longspan verify " + folder).collect(Collectors.joining("; ")));
    }

    private static String name(Line line) {
        return line.name() + " " + line.tensor();
    }

    /** By case: how many tensors, and the one nearest to its bound. */
    private static List<Map<String, @Nullable Object>> cases(List<Line> lines) {
        Map<String, List<Line>> byCase = new LinkedHashMap<>();
        lines.forEach(line -> byCase.computeIfAbsent(line.name(), name -> new ArrayList<>()).add(line));
        List<Map<String, @Nullable Object>> cases = new ArrayList<>();
        byCase.forEach((name, compared) -> {
            Line worst = compared.getFirst();
            for (Line line : compared) {
                worst = share(line) > share(worst) ? line : worst;
            }
            Map<String, @Nullable Object> figures = new LinkedHashMap<>();
            figures.put("name", name);
            figures.put("tensors", compared.size());
            figures.put("failed", compared.stream().filter(line -> !line.isOk()).count());
            figures.put("worst", worst.tensor());
            figures.put("error", worst.maxAbsError());
            figures.put("bound", worst.bound());
            figures.put("share", share(worst));
            cases.add(figures);
        });
        return cases;
    }

    /** The error as a share of the bound; infinite where nothing could be compared. */
    private static double share(Line line) {
        double share = line.maxAbsError() / line.bound();
        return !Double.isNaN(share) ? share : line.isOk() ? 0 : Double.POSITIVE_INFINITY;
    }

    private static double share(Map<String, @Nullable Object> figures) {
        return figures.get("share") instanceof Double share ? share : Double.NaN;
    }

    private static Block table(List<Map<String, @Nullable Object>> cases) {
        List<List<String>> rows = new ArrayList<>();
        for (int i = 0; i < cases.size(); i++) {
            String at = "{goldens.cases." + i + ".";
            rows.add(List.of(at + "name}", at + "tensors}", at + "failed}", at + "worst}", at + "error:scientific}",
                    at + "bound:scientific}", at + "share:percent}"));
        }
        return new Block.Table(List.of("case", "tensors", "failed", "nearest to its bound", "max error", "bound", "of bound"), rows);
    }
}
