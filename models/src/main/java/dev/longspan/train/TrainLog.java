package dev.longspan.train;

import dev.longspan.json.Json;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * {@code log.jsonl}: a line for each step ({@code step, loss, bpb, lr, grad_norm, tokens_per_s, memory_bytes}) and for each
 * evaluation ({@code step, held_out_bpb, held_out_bytes}).
 */
public final class TrainLog implements AutoCloseable {

    private static final String STEP = "step";
    private static final String HELD_OUT = "held_out_bpb";

    private final BufferedWriter writer;

    private TrainLog(BufferedWriter writer) {
        this.writer = writer;
    }

    /** Goes on after {@code step}: lines of later steps, left by a run that was killed, are dropped. */
    public static TrainLog after(long step, Path file) throws IOException {
        if (Files.exists(file)) {
            List<String> kept = new ArrayList<>();
            for (String line : Files.readAllLines(file)) {
                if (belongs(line, step)) {
                    kept.add(line);
                }
            }
            Path beside = file.resolveSibling("." + file.getFileName() + ".new");
            Files.write(beside, kept);
            Files.move(beside, file, StandardCopyOption.ATOMIC_MOVE);
        }
        return new TrainLog(Files.newBufferedWriter(file, StandardOpenOption.CREATE, StandardOpenOption.APPEND));
    }

    /** The resumed run evaluates at {@code step} once more, if it is a step to evaluate at. */
    private static boolean belongs(String line, long step) {
        try {
            Map<String, ?> entry = Json.object(line);
            return entry.get(STEP) instanceof Number at
                    && (entry.containsKey(HELD_OUT) ? at.longValue() < step : at.longValue() <= step);
        } catch (IllegalArgumentException torn) {
            return false;
        }
    }

    void step(StepReport report) {
        write(report.toMap());
    }

    void evaluation(long step, double bitsPerByte, long bytes) {
        Map<String, Object> line = new java.util.LinkedHashMap<>();
        line.put(STEP, step);
        line.put(HELD_OUT, bitsPerByte);
        line.put("held_out_bytes", bytes);
        write(line);
    }

    /** A line of any other run; it must have a {@code step}. */
    public void write(Map<String, ?> line) {
        try {
            writer.write(Json.line(line));
            writer.newLine();
            writer.flush();
        } catch (IOException e) {
            throw new UncheckedIOException("cannot write the training log: " + e.getMessage(), e);
        }
    }

    @Override
    public void close() throws IOException {
        writer.close();
    }
}
