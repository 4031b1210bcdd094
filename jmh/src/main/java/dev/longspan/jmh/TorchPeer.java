package dev.longspan.jmh;

import dev.longspan.json.Json;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * PyTorch in one python process that lives as long as the benchmark: a JSON object a line each way, tensors in files of a
 * temporary folder. It times its own runs, so the pipe costs nothing.
 */
final class TorchPeer implements Peer {

    /** The interpreter; python3 of the PATH where it is not given. */
    static final String PYTHON = "longspan.python";
    /** The folder of {@code peer.py}. */
    static final String PROGRAM = "longspan.python.program";

    private final String device;
    private @Nullable Process process;
    private @Nullable Writer requests;
    private @Nullable BufferedReader replies;

    /** On the CPU. */
    TorchPeer() {
        this("cpu");
    }

    /** On a device in PyTorch's words: {@code cpu}, where the fastest way counts, or {@code cuda}, where the fastest of each group does. */
    TorchPeer(String device) {
        this.device = device;
    }

    @Override
    public String name() {
        return "PyTorch";
    }

    @Override
    public String version() {
        start();
        return text(ask(Map.of("do", "version")), "version");
    }

    /** 10^9 operations a second of a large product in bfloat16. */
    double gigaflops() {
        return (Double) ask(Map.of("do", "limits")).getOrDefault("gigaflops", 0.0);
    }

    @Override
    public Optional<Side> on(Task task, int threads) {
        return sides(task, threads).values().stream().findFirst();
    }

    /** {@inheritDoc} Of a python that ended a new one is started. */
    @Override
    public Map<String, Side> sides(Task task, int threads) {
        if (process == null) {
            start();
        }
        Path folder = folder();
        Map<String, Side> sides = new LinkedHashMap<>();
        try {
            Map<String, Object> request = new LinkedHashMap<>();
            request.put("do", "open");
            request.put("kind", task.kind());
            request.put("threads", threads);
            request.put("numbers", task.numbers());
            request.put("operands", files(folder, task.operands(), true));
            request.put("answers", files(folder, task.answers(), false));
            Map<String, @Nullable Object> reply = ask(request);
            Opened opened = new Opened(task, folder, new AtomicBoolean());
            texts(reply, "forms").forEach((group, form) -> sides.put(named(group), new TorchSide(opened, group, form, null)));
            texts(reply, "refused").forEach((group, why) -> sides.put(named(group), new TorchSide(opened, group, "", why)));
        } finally {
            if (sides.isEmpty()) {
                delete(folder);
            }
        }
        return sides;
    }

    private static Path folder() {
        try {
            return Files.createTempDirectory("longspan-torch");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private String named(String group) {
        return group.isEmpty() ? name() : name() + " " + group;
    }

    /** A task that python holds; there is one at a time. */
    private record Opened(Task task, Path folder, AtomicBoolean isClosed) {
    }

    /** One way to compute it, or why there is none. */
    private final class TorchSide implements Side {
        private final Opened of;
        private final String group;
        private final String form;
        private final @Nullable String refused;

        TorchSide(Opened of, String group, String form, @Nullable String refused) {
            this.of = of;
            this.group = group;
            this.form = form;
            this.refused = refused;
        }

        @Override
        public double seconds(int times) {
            return (Double) ask(Map.of("do", "run", "group", group, "times", times)).getOrDefault("seconds", Double.NaN);
        }

        @Override
        public void answer() {
            if (refused != null) {
                throw new UnsupportedOperationException(refused);
            }
            ask(Map.of("do", "answer", "group", group));
            of.task.answers().forEach((name, answer) -> read(file(of.folder, name), answer));
        }

        @Override
        public long pid() {
            return process == null || !device.equals("cpu") ? 0 : process.pid();
        }

        @Override
        public void trim() {
            ask(Map.of("do", "trim"));
        }

        @Override
        public String form() {
            return form;
        }

        @Override
        public void close() {
            if (of.isClosed.compareAndSet(false, true)) {
                try {
                    if (process != null) {
                        ask(Map.of("do", "close"));
                    }
                } finally {
                    delete(of.folder);
                }
            }
        }
    }

    void start() {
        String python = System.getProperty(PYTHON, "python3");
        try {
            Process started = new ProcessBuilder(List.of(python.isEmpty() ? "python3" : python, "-u", "-B",
                    Path.of(System.getProperty(PROGRAM, "jmh/src/main/python"), "peer.py").toString(), device))
                    .redirectError(ProcessBuilder.Redirect.INHERIT).start();
            process = started;
            requests = started.outputWriter(StandardCharsets.UTF_8);
            replies = started.inputReader(StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UnsupportedOperationException("no python3 that runs (-D" + PYTHON + "=...): " + e.getMessage(), e);
        }
    }

    /** The reply; throws UnsupportedOperationException with python's own reason where it has none. */
    private Map<String, @Nullable Object> ask(Map<String, Object> request) {
        Writer to = requests;
        BufferedReader from = replies;
        if (to == null || from == null) {
            throw new IllegalStateException("python was not started");
        }
        try {
            to.write(Json.line(request) + "\n");
            to.flush();
            String line = from.readLine();
            if (line == null) {
                close();
            }
            return reply(line);
        } catch (IOException e) {
            close();
            throw new UnsupportedOperationException("python ended: " + e.getMessage(), e);
        }
    }

    /** A line of python's; throws UnsupportedOperationException where it tells of an error, or there is none. */
    static Map<String, @Nullable Object> reply(@Nullable String line) {
        if (line == null) {
            throw new UnsupportedOperationException("python ended");
        }
        Map<String, @Nullable Object> reply = Json.object(line);
        if (reply.get("error") != null) {
            throw new UnsupportedOperationException(String.valueOf(reply.get("error")));
        }
        return reply;
    }

    private static String text(Map<String, @Nullable Object> reply, String name) {
        return String.valueOf(reply.getOrDefault(name, ""));
    }

    private static Map<String, String> texts(Map<String, @Nullable Object> reply, String name) {
        Map<String, String> texts = new LinkedHashMap<>();
        if (reply.get(name) instanceof Map<?, ?> of) {
            of.forEach((key, value) -> texts.put(String.valueOf(key), String.valueOf(value)));
        }
        return texts;
    }

    private static Map<String, Object> files(Path folder, Map<String, Tensor> tensors, boolean filled) {
        Map<String, Object> files = new LinkedHashMap<>();
        for (Map.Entry<String, Tensor> entry : tensors.entrySet()) {
            Tensor tensor = entry.getValue();
            Path file = file(folder, entry.getKey());
            try (FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.READ,
                    StandardOpenOption.WRITE); Arena arena = Arena.ofConfined()) {
                MemorySegment bytes = bytes(tensor);
                MemorySegment mapped = channel.map(MapMode.READ_WRITE, 0, bytes.byteSize(), arena);
                if (filled) {
                    mapped.copyFrom(bytes);
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            files.put(entry.getKey(), Map.of("file", file.toString(), "dtype", tensor.dtype().name().toLowerCase(Locale.ROOT),
                    "shape", Stream.of(tensor.shape()).flatMapToLong(java.util.Arrays::stream).boxed().toList()));
        }
        return files;
    }

    private static void read(Path file, Tensor into) {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ); Arena arena = Arena.ofConfined()) {
            bytes(into).copyFrom(channel.map(MapMode.READ_ONLY, 0, Tensor.byteSize(into.dtype(), into.shape()), arena));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static MemorySegment bytes(Tensor tensor) {
        if (!tensor.isContiguous()) {
            throw new IllegalArgumentException("tensors for peers must be contiguous: " + tensor);
        }
        DType dtype = tensor.dtype();
        return tensor.segment().asSlice(tensor.offset() * dtype.bytes(), tensor.elements() * dtype.bytes());
    }

    private static Path file(Path folder, String name) {
        return folder.resolve(name.replaceAll("[^A-Za-z0-9.]", "_"));
    }

    private static void delete(Path folder) {
        try (Stream<Path> files = Files.list(folder)) {
            for (Path file : files.toList()) {
                Files.delete(file);
            }
            Files.delete(folder);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        if (process != null) {
            process.destroy();
            process = null;
        }
    }
}
