package dev.longspan.report;

import dev.longspan.verify.Line;
import dev.longspan.verify.Summary;
import dev.longspan.verify.Verify;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What the reference implementation computed, computed again. */
public final class VerifyStep implements Step {

    private final Path goldens;

    /** Runs the goldens of a folder with a manifest.json. */
    public VerifyStep(Path goldens) {
        this.goldens = goldens;
    }

    @Override
    public String name() {
        return "verify against the reference implementation";
    }

    @Override
    public int shareSeconds() {
        return 10;
    }

    @Override
    public Section run(Job job) throws IOException {
        long start = System.nanoTime();
        Summary summary = Verify.run(goldens, job.backend(), job.parallel(), new StringBuilder());
        double seconds = (System.nanoTime() - start) * 1e-9;
        List<Map<String, @Nullable Object>> cases = cases(summary.lines());
        Map<String, @Nullable Object> figures = new LinkedHashMap<>();
        figures.put("backend", job.backend().name());
        figures.put("passed", summary.passed());
        figures.put("failed", summary.failed());
        figures.put("worst_of_bound", cases.stream().mapToDouble(VerifyStep::share).max().orElse(Double.NaN));
        figures.put("seconds", seconds);
        figures.put("cases", cases);
        summary.lines().stream().filter(line -> !line.isOk())
                .forEach(line -> job.out().println(line.name() + "  " + line.tensor() + "  FAILED"));
        job.out().printf("%d cases, %s, worst error %.1f %% of its bound%n", cases.size(), summary,
                100 * cases.stream().mapToDouble(VerifyStep::share).max().orElse(Double.NaN));
        return new Section("goldens", "Correctness: the reference implementation's numbers", summary.isOk(), figures,
                List.of(new Section.Headline("{goldens.passed} tensors equal the reference implementation's within their bounds, {goldens.failed} do not; "
                        + "the worst error is {goldens.worst_of_bound:percent} of its bound", summary.isOk())),
                List.of(new Block.Prose("Backend {goldens.backend}, {goldens.seconds:fixed1} s. Each case is a file of tensors that "
                                + "torchscale or a float64 oracle computed; beside it the tensor nearest to its bound."),
                        table(cases)),
                "longspan verify " + goldens);
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
