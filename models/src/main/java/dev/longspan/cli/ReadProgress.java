package dev.longspan.cli;

import dev.longspan.bench.ResidentMemory;
import java.io.PrintWriter;
import java.util.Locale;
import java.util.OptionalLong;
import java.util.function.LongConsumer;
import me.tongfei.progressbar.DelegatingProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.jspecify.annotations.Nullable;

/** How far a document is read, with tokens/s and memory: a bar on a terminal, a line every ten seconds elsewhere. */
final class ReadProgress implements LongConsumer, AutoCloseable {

    private static final int COLUMNS = 110;
    private static final int REDRAW_MILLIS = 250;
    private static final long LINE_NANOS = 10_000_000_000L;

    private final @Nullable PrintWriter out;
    private final @Nullable ProgressBar bar;
    private final long tokens;
    private final long start = System.nanoTime();
    private long told = start;

    /** Progress over so many tokens; null shows nothing. */
    ReadProgress(@Nullable PrintWriter out, long tokens) {
        this.out = out;
        this.tokens = tokens;
        this.bar = out == null || !isTerminal() ? null : bar(out, tokens);
    }

    private static ProgressBar bar(PrintWriter out, long tokens) {
        // Its own consumer asks the operating system for the terminal's size through native code.
        return new ProgressBarBuilder().setTaskName("read").setInitialMax(tokens)
                .setStyle(ProgressBarStyle.ASCII).setUpdateIntervalMillis(REDRAW_MILLIS)
                .setConsumer(new DelegatingProgressBarConsumer(line -> {
                    out.print("\r" + line);
                    out.flush();
                }, COLUMNS)).build();
    }

    @SuppressWarnings("SystemConsoleNull") // with the console of java.base, JDK 25's default, it is null when redirected
    static boolean isTerminal() {
        return System.console() != null && System.console().isTerminal();
    }

    @Override
    public void accept(long read) {
        long now = System.nanoTime();
        if (bar != null) {
            bar.stepTo(read);
        }
        if (out == null || now - told < (bar == null ? LINE_NANOS : REDRAW_MILLIS * 1_000_000L)) {
            return;
        }
        told = now;
        String facts = String.format(Locale.ROOT, "%,.0f tokens/s  %s", read * 1e9 / (now - start), resident());
        if (bar != null) {
            bar.setExtraMessage(facts);
        } else {
            out.println(String.format(Locale.ROOT, "%,d of %,d tokens  %s", read, tokens, facts));
            out.flush();
        }
    }

    private static String resident() {
        OptionalLong bytes = ResidentMemory.residentBytes();
        return bytes.isPresent() ? ByteSize.text(bytes.getAsLong()) : "";
    }

    @Override
    public void close() {
        if (bar != null && out != null) {
            bar.close();
            out.println();
            out.flush();
        }
    }
}
