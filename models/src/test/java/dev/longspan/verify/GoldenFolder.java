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
import java.nio.file.StandardCopyOption;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** A folder of goldens to break: one file of the reference's at a time, with its manifest entry and its tensors changed. */
final class GoldenFolder {

    private final Path source;
    private final Path folder;
    private final StringBuilder out = new StringBuilder();

    GoldenFolder(String architecture, Path folder) {
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

    /** Runs one file with changes, and the one that holds its weights as it is. */
    Summary changed(String file, Consumer<Map<String, @Nullable Object>> entry, Consumer<Map<String, Tensor>> tensors)
            throws IOException {
        Map<String, @Nullable Object> manifest = Json.object(Files.readString(source.resolve("manifest.json")));
        Map<String, @Nullable Object> all = object(manifest, "files");
        Map<String, @Nullable Object> chosen = object(all, file);
        Map<String, @Nullable Object> files = new LinkedHashMap<>(Map.of(file, chosen));
        if (chosen.get("params_from") instanceof String weights) {
            files.put(weights, all.get(weights));
            Files.copy(source.resolve(weights), folder.resolve(weights), StandardCopyOption.REPLACE_EXISTING);
        }
        entry.accept(chosen);
        manifest.put("files", files);
        Files.writeString(folder.resolve("manifest.json"), Json.pretty(manifest));
        try (Checkpoint checkpoint = Checkpoint.open(source.resolve(file)); TensorArena arena = new TensorArena()) {
            Map<String, Tensor> copies = new LinkedHashMap<>();
            checkpoint.tensors().forEach((name, tensor) ->
                    copies.put(name, arena.allocate(tensor.dtype(), tensor.shape()).copyFrom(tensor)));
            tensors.accept(copies);
            Checkpoint.save(folder.resolve(file), copies, Map.of());
        }
        return run(Verify.KINDS);
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

    static void nothing(Map<String, ?> unchanged) {
    }
}
