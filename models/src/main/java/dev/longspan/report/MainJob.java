package dev.longspan.report;

import java.io.IOException;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Runs steps one after the other and leaves their report. */
public final class MainJob {

    private final List<Step> steps;

    public MainJob(List<Step> steps) {
        this.steps = List.copyOf(steps);
    }

    /** Runs all steps, writes the report into the job's folder and prints its headlines and paths last. */
    public Report run(Job job) throws IOException {
        PrintWriter out = job.out();
        long begin = System.nanoTime();
        List<Section> sections = new ArrayList<>();
        for (Step step : steps) {
            out.printf("%n== %d/%d  %s (about %d s)%n", sections.size() + 1, steps.size(), step.name(), step.shareSeconds());
            out.flush();
            sections.add(step.run(job));
        }
        Report report = new Report(sections);
        report.write(job.folder());
        out.println();
        report.headlines().forEach(out::println);
        out.printf(Locale.ROOT, "%s in %.0f s%n", report.passed() ? "all checks passed" : "CHECK FAILED",
                (System.nanoTime() - begin) * 1e-9);
        out.println(job.folder().resolve(Report.PAGE));
        out.println(job.folder().resolve(Report.RESULTS));
        out.flush();
        return report;
    }
}
