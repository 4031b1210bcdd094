package dev.longspan.verify;

import dev.longspan.backend.Backend;
import dev.longspan.checkpoint.Checkpoint;
import dev.longspan.json.Json;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** A folder of goldens to break: one of the reference's files at a time, its manifest entry and its tensors changed. */
public final class GoldenFolder {

    private final Path source;
    private final Path folder;
    private final StringBuilder out = new StringBuilder();

    public GoldenFolder(String architecture, Path folder) {
        this.source = goldens(architecture);
        this.folder = folder;
    }

    /** The reference's goldens of an architecture. */
    static Path goldens(String architecture) {
        try {
            return Path.of(Objects.requireNonNull(GoldenFolder.class.getResource("/goldens/" + architecture)).toURI());
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Runs one file with changes, weights of another file within. */
    public Summary changed(String file, Consumer<Map<String, @Nullable Object>> entry,
            Consumer<Map<String, Tensor>> tensors) throws IOException {
        Map<String, @Nullable Object> files =
                object(Json.object(Files.readString(source.resolve("manifest.json"))), "files");
        Map<String, @Nullable Object> chosen = object(files, file);
        try (TensorArena arena = new TensorArena()) {
            Map<String, Tensor> copies = new LinkedHashMap<>();
            copy(file, object(chosen, "tensors"), arena, copies);
            if (chosen.remove("params_from") instanceof String weights) {
                Map<String, @Nullable Object> listed = object(object(files, weights), "tensors");
                listed.keySet().removeIf(name -> !"weight".equals(object(listed, name).get("role")));
                object(chosen, "tensors").putAll(listed);
                copy(weights, listed, arena, copies);
            }
            entry.accept(chosen);
            tensors.accept(copies);
            Files.writeString(folder.resolve("manifest.json"), Json.pretty(Map.of("files", Map.of(file, chosen))));
            Checkpoint.save(folder.resolve(file), copies, Map.of());
        }
        return run(Verify.KINDS);
    }

    private void copy(String file, Map<String, ?> listed, TensorArena arena, Map<String, Tensor> copies) {
        try (Checkpoint checkpoint = Checkpoint.open(source.resolve(file))) {
            listed.keySet().forEach(name -> {
                Tensor tensor = checkpoint.tensor(name);
                copies.put(name, arena.allocate(tensor.dtype(), tensor.shape()).copyFrom(tensor));
            });
        }
    }

    /** Runs one file with a changed configuration and deletes it again. */
    Summary configured(String file, String key, @Nullable Object value) throws IOException {
        Summary summary = changed(file, entry -> object(entry, "config").put(key, value), GoldenFolder::nothing);
        Files.delete(folder.resolve(file));
        return summary;
    }

    /** Runs the folder as it is. */
    Summary run(Map<String, CaseRunner> kinds) throws IOException {
        out.setLength(0);
        return Verify.run(folder, kinds, Backend.named("scalar"), Parallel.of(1), out);
    }

    /** What the last run has written. */
    String output() {
        return out.toString();
    }

    @SuppressWarnings("unchecked")
    static Map<String, @Nullable Object> object(Map<String, @Nullable Object> of, String key) {
        return (Map<String, @Nullable Object>) Objects.requireNonNull(of.get(key));
    }

    /** Leaves all as it is. */
    public static void nothing(Map<String, ?> unchanged) {
    }
}
