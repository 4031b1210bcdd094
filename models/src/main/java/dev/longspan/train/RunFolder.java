package dev.longspan.train;

import dev.longspan.checkpoint.Checkpoint;
import dev.longspan.checkpoint.CheckpointIOException;
import dev.longspan.json.Json;
import dev.longspan.model.ModelFolder;
import dev.longspan.model.WholeFolder;
import dev.longspan.tensor.Tensor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The folder of a run: {@code log.jsonl} and the last checkpoints {@code step-00000100/}, each a model folder with the
 * optimiser's moments and {@code trainer.json} beside. A checkpoint appears whole or not at all. Locked
 * while open, so that two runs cannot share it; a run that ends before it has written anything leaves no folder.
 */
public final class RunFolder implements AutoCloseable {

    public static final String MOMENTS = "optimizer.safetensors";
    public static final String STATE = "trainer.json";
    public static final String LOG = "log.jsonl";

    private static final String LOCK = ".lock";
    private static final String HIDDEN = ".";

    private final Path path;
    private final boolean isNew;
    private final FileChannel lock;

    private RunFolder(Path path, boolean isNew, FileChannel lock) {
        this.path = path;
        this.isNew = isNew;
        this.lock = lock;
    }

    /** Creates the folder where it is missing, locks it and removes what a crash left behind. */
    public static RunFolder open(Path path) throws IOException {
        boolean isNew = !Files.exists(path);
        Files.createDirectories(path);
        FileChannel channel = FileChannel.open(path.resolve(LOCK), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        RunFolder folder = new RunFolder(path, isNew, channel);
        try {
            if (!isLocked(channel)) {
                throw new IllegalArgumentException("another run is writing to this folder: out=" + path);
            }
            for (Path left : list(HIDDEN + ModelFolder.STEP_PREFIX, path)) {
                delete(left);
            }
            return folder;
        } catch (IOException | RuntimeException e) {
            channel.close();
            throw e;
        }
    }

    private static boolean isLocked(FileChannel channel) throws IOException {
        try {
            FileLock held = channel.tryLock();
            return held != null;
        } catch (OverlappingFileLockException thisProcess) {
            return false;
        }
    }

    public Path path() {
        return path;
    }

    /** The last checkpoint. */
    public Optional<Path> last() throws IOException {
        return ModelFolder.lastStep(path);
    }

    /**
     * Writes the checkpoint of a step and removes all but the last {@code keep}.
     *
     * @param texts files that belong to the model, config.json among them, by name
     */
    public Path save(long step, Map<String, String> texts, Map<String, ?> state, Map<String, Tensor> weights,
            Map<String, Tensor> moments, int keep) {
        Path folder = path.resolve(String.format("%s%08d", ModelFolder.STEP_PREFIX, step));
        try {
            if (!Files.exists(folder)) {
                write(folder, texts, state, weights, moments);
            }
            List<Path> all = list(ModelFolder.STEP_PREFIX, path);
            for (Path old : all.subList(0, Math.max(0, all.size() - keep))) {
                // Hidden first: a crash within the deletion must not leave half a checkpoint under a name that counts.
                delete(Files.move(old, hidden(old), StandardCopyOption.ATOMIC_MOVE));
            }
            return folder;
        } catch (IOException e) {
            throw new UncheckedIOException("cannot write checkpoint " + folder + ": " + reason(e), e);
        }
    }

    private static void write(Path folder, Map<String, String> texts, Map<String, ?> state, Map<String, Tensor> weights,
            Map<String, Tensor> moments) throws IOException {
        new WholeFolder(folder, Set.of()).write(hidden -> {
            for (Map.Entry<String, String> text : texts.entrySet()) {
                WholeFolder.writeText(hidden.resolve(text.getKey()), text.getValue());
            }
            WholeFolder.writeText(hidden.resolve(STATE), Json.pretty(state) + "\n");
            try {
                Checkpoint.save(hidden.resolve(Checkpoint.FILE), weights, Map.of("format", "longspan"));
                Checkpoint.save(hidden.resolve(MOMENTS), moments, Map.of());
            } catch (CheckpointIOException e) {
                throw e.getCause();
            }
        });
    }

    private static String reason(IOException e) {
        return e.getMessage() == null ? e.toString() : e.getMessage();
    }

    private static Path hidden(Path folder) {
        return folder.resolveSibling(HIDDEN + folder.getFileName());
    }

    private static List<Path> list(String prefix, Path folder) throws IOException {
        List<Path> found = new ArrayList<>();
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(folder, prefix + "[0-9]*")) {
            entries.forEach(found::add);
        }
        found.sort(null);
        return found;
    }

    private static void delete(Path folder) throws IOException {
        if (Files.isDirectory(folder)) {
            try (DirectoryStream<Path> files = Files.newDirectoryStream(folder)) {
                for (Path file : files) {
                    Files.deleteIfExists(file);
                }
            }
            Files.deleteIfExists(folder);
        }
    }

    @Override
    public void close() throws IOException {
        try (lock) {
            if (isNew && isEmpty()) {
                Files.delete(path.resolve(LOCK));
                Files.delete(path);
            }
        }
    }

    private boolean isEmpty() throws IOException {
        try (DirectoryStream<Path> files = Files.newDirectoryStream(path, file -> !file.endsWith(LOCK))) {
            return !files.iterator().hasNext();
        }
    }
}
