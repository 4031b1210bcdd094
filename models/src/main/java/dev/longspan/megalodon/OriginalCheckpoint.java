package dev.longspan.megalodon;

import dev.longspan.checkpoint.Checkpoint;
import dev.longspan.checkpoint.ModelFormatException;
import dev.longspan.checkpoint.TensorSource;
import dev.longspan.model.Architecture;
import dev.longspan.model.ModelConfig;
import dev.longspan.model.ModelFolder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A checkpoint of the original: {@code consolidated.pth}, or {@code consolidated.NN.pth} of tensor-parallel shards put
 * together, with the {@code "model"} of its {@code config.json}. Its tensors are gone once it is closed.
 */
public final class OriginalCheckpoint implements AutoCloseable {

    /** What {@code --to original} writes: for torch, one {@code load_file} and one {@code torch.save} away. */
    public static final String FILE = "consolidated.safetensors";

    /** How many shards there are, and of which dtype. */
    public static final String CONSOLIDATE = "consolidate_config.json";

    private static final List<String> WHOLE = List.of("consolidated.pth", FILE);
    private static final Pattern SHARD = Pattern.compile("consolidated\\.[0-9]+\\.pth");
    private static final int MAX_SHARDS = 100;

    private final Path path;
    private final List<Checkpoint> shards;
    private final MegalodonConfig config;
    private final Map<String, TensorSource> tensors;

    private OriginalCheckpoint(Path path, List<Checkpoint> shards, @Nullable Path config) throws IOException {
        this.path = path;
        this.shards = shards;
        this.tensors = ModelParallel.merged(path, shards);
        this.config = config(config);
    }

    /**
     * Opens a file or a folder.
     *
     * @param config the file of the configuration; null looks for it beside the checkpoint
     */
    public static OriginalCheckpoint open(Path source, @Nullable Path config) throws IOException {
        List<Checkpoint> shards = new ArrayList<>();
        try {
            for (Path file : files(source)) {
                shards.add(Checkpoint.open(file));
            }
            return new OriginalCheckpoint(source, shards, config);
        } catch (IOException | RuntimeException | Error e) {
            shards.forEach(Checkpoint::close);
            throw e;
        }
    }

    public Path path() {
        return path;
    }

    public MegalodonConfig config() {
        return config;
    }

    /** Every tensor whole, under the original's names. */
    public Map<String, TensorSource> tensors() {
        return tensors;
    }

    @Override
    public void close() {
        shards.forEach(Checkpoint::close);
    }

    private static List<Path> files(Path source) throws IOException {
        if (!Files.isDirectory(source)) {
            if (!Files.exists(source)) {
                throw new NoSuchFileException(source.toString());
            }
            if (SHARD.matcher(source.getFileName().toString()).matches()) {
                throw wrong(source, "is one of several shards: convert the folder that holds them");
            }
            return List.of(source);
        }
        List<Path> whole = WHOLE.stream().map(source::resolve).filter(Files::exists).toList();
        List<Path> parts = new ArrayList<>();
        for (int rank = 0; rank < MAX_SHARDS && Files.exists(source.resolve(shard(rank))); rank++) {
            parts.add(source.resolve(shard(rank)));
        }
        List<Path> found = whole.isEmpty() ? parts : whole;
        if (found.isEmpty() || !whole.isEmpty() && (whole.size() > 1 || !parts.isEmpty())) {
            throw wrong(source, "must hold consolidated.pth, or consolidated.00.pth and so on, or " + FILE + ", one of them: found "
                    + (found.isEmpty() ? "none" : "several"));
        }
        return found;
    }

    private static String shard(int rank) {
        return String.format("consolidated.%02d.pth", rank);
    }

    private MegalodonConfig config(@Nullable Path given) throws IOException {
        Path folder = Files.isDirectory(path) ? path : path.toAbsolutePath().getParent();
        if (folder != null) {
            checkShards(folder.resolve(CONSOLIDATE));
        }
        List<Path> places = given != null ? List.of(given)
                : folder == null ? List.of() : List.of(folder.resolve(ModelFolder.CONFIG), folder.resolve(CONSOLIDATE));
        for (Path file : places) {
            if (given != null || Files.exists(file)) {
                Map<String, @Nullable Object> settings = modelOf(ModelConfig.readJson(file));
                if (given != null || settings.containsKey("model_dim")) {
                    return config(file, settings);
                }
            }
        }
        throw wrong(path, "the configuration is missing: " + ModelFolder.CONFIG + " with the original's \"model\" must lie beside, or be named"
                + " by --config");
    }

    private MegalodonConfig config(Path file, Map<String, @Nullable Object> settings) {
        if (settings.containsKey(Architecture.KEY)) {
            throw wrong(file, "is a configuration of Longspan's, not of the original");
        }
        TensorSource embedding = tensors.get("embed.weight");
        if ((settings.get("vocab_size") == null || Long.valueOf(-1).equals(settings.get("vocab_size"))) && embedding != null
                && embedding.shape().length == 2) {
            settings.put("vocab_size", embedding.shape()[0]); // the original takes it from its tokenizer
        }
        try {
            return MegalodonKeys.read(settings);
        } catch (IllegalArgumentException | ArithmeticException e) {
            throw wrong(file, String.valueOf(e.getMessage()));
        }
    }

    /** The original's own file has the model's settings among others; they alone will do. */
    private static Map<String, @Nullable Object> modelOf(Map<String, @Nullable Object> json) {
        Map<String, @Nullable Object> model = new LinkedHashMap<>();
        if (json.get("model") instanceof Map<?, ?> inner) {
            inner.forEach((key, value) -> model.put(String.valueOf(key), value));
            return model;
        }
        return json;
    }

    private void checkShards(Path file) throws IOException {
        if (Files.exists(file) && Files.isDirectory(path)
                && ModelConfig.readJson(file).get("model_parallel_size") instanceof Long size && size != shards.size()) {
            throw wrong(file, "model_parallel_size must be the number of shards: model_parallel_size=" + size + ", shards="
                    + shards.size());
        }
    }

    private static ModelFormatException wrong(Path file, String problem) {
        return new ModelFormatException(file, ModelFormatException.NO_OFFSET, null, problem);
    }
}
