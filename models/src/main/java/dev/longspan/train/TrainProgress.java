package dev.longspan.train;

import java.io.PrintWriter;
import java.time.Duration;
import java.util.Locale;
import me.tongfei.progressbar.DelegatingProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.jspecify.annotations.Nullable;

/**
 * A run's progress for people: on a terminal a bar with loss, held-out bits per byte, tokens/s, memory and time left;
 * elsewhere a line for each evaluation.
 */
public final class TrainProgress implements TrainListener, AutoCloseable {

    private static final int COLUMNS = 118;
    private static final long REDRAW_MILLIS = 250;

    private final PrintWriter out;
    private final long steps;
    private final @Nullable ProgressBar bar;
    private @Nullable StepReport last;
    private double heldOut = Double.NaN;

    private TrainProgress(PrintWriter out, long steps, @Nullable ProgressBar bar) {
        this.out = out;
        this.steps = steps;
        this.bar = bar;
    }

    /** Lines, one for each evaluation. */
    public static TrainProgress lines(PrintWriter out, long steps) {
        return new TrainProgress(out, steps, null);
    }

    /** A bar on a terminal that starts at step {@code done}, otherwise lines. */
    public static TrainProgress on(PrintWriter out, long done, long steps) {
        if (!isTerminal()) {
            return lines(out, steps);
        }
        // Its own consumer asks the operating system for the terminal's size through native code.
        ProgressBar bar = new ProgressBarBuilder().setTaskName("train").setInitialMax(steps)
                .startsFrom(done, Duration.ZERO).setStyle(ProgressBarStyle.ASCII)
                .setUpdateIntervalMillis((int) REDRAW_MILLIS).continuousUpdate()
                .setConsumer(new DelegatingProgressBarConsumer(line -> {
                    out.print("\r" + line);
                    out.flush();
                }, COLUMNS)).build();
        return new TrainProgress(out, steps, bar);
    }

    @SuppressWarnings("SystemConsoleNull") // with the console of java.base, JDK 25's default, it is null when redirected
    private static boolean isTerminal() {
        return System.console() != null && System.console().isTerminal();
    }

    @Override
    public void onStep(StepReport report) {
        last = report;
        if (bar != null) {
            bar.stepTo(report.step());
            bar.setExtraMessage(facts(report));
        }
    }

    @Override
    public void onEvaluation(long step, double bitsPerByte) {
        heldOut = bitsPerByte;
        if (bar != null) {
            bar.setExtraMessage(last == null ? String.format(Locale.ROOT, "held-out %.3f bpb", bitsPerByte) : facts(last));
            return;
        }
        out.println(String.format(Locale.ROOT, "step %d/%d  ", step, steps)
                + (last == null ? String.format(Locale.ROOT, "held-out %.3f bpb", bitsPerByte) : facts(last)));
        out.flush();
    }

    private String facts(StepReport report) {
        return String.format(Locale.ROOT, "loss %.3f  held-out %.3f bpb  %,.0f tok/s  %,d MB", report.loss(), heldOut,
                report.tokensPerSecond(), report.memoryBytes() >> 20);
    }

    @Override
    public void close() {
        if (bar != null) {
            bar.close();
            out.println();
            out.flush();
        }
    }
}
