package dev.longspan.recall;

import dev.longspan.checkpoint.Checkpoint;
import dev.longspan.checkpoint.CheckpointIOException;
import dev.longspan.checkpoint.ModelFormatException;
import dev.longspan.json.Json;
import dev.longspan.json.JsonObject;
import dev.longspan.model.Architecture;
import dev.longspan.model.ModelConfig;
import dev.longspan.model.ModelFolder;
import dev.longspan.model.WholeFolder;
import dev.longspan.rmt.RmtEncoder;
import dev.longspan.task.Vocabulary;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A classifier with a recurrent memory on disk: {@code config.json}, {@code model.safetensors} and {@code vocab.txt}.
 *
 * @param origin how the model came about
 */
public record RmtFolder(RmtShape shape, Vocabulary vocabulary, Origin origin) {

    private static final String ORIGIN = "origin";

    /** The names that may lie in such a folder. */
    private static final Set<String> FILES = Set.of(ModelFolder.CONFIG, Checkpoint.FILE, Vocabulary.FILE);

    public RmtFolder {
        if (vocabulary.size() != shape.vocabulary() || !vocabulary.special().equals(shape.special())) {
            throw new IllegalArgumentException("the vocabulary must be the model's: words=" + vocabulary.size() + ", vocabulary="
                    + shape.vocabulary() + ", special=" + shape.special());
        }
    }

    /** Reads and checks config.json and vocab.txt; throws ModelFormatException where they are damaged or wrong. */
    public static RmtFolder open(Path folder) throws IOException {
        Path file = folder.resolve(ModelFolder.CONFIG);
        if (Files.isDirectory(folder) && !Files.exists(file)) {
            throw new ModelFormatException(folder, ModelFormatException.NO_OFFSET, null,
                    "not a model: it holds no " + ModelFolder.CONFIG);
        }
        JsonObject json = JsonObject.of("config", ModelConfig.readJson(file));
        try {
            String architecture = json.text(Architecture.KEY);
            if (!architecture.equals(RmtShape.ARCHITECTURE)) {
                throw new IllegalArgumentException("architecture must be " + RmtShape.ARCHITECTURE + ": architecture="
                        + architecture);
            }
            RmtShape shape = RmtShape.read(json);
            Origin origin = Origin.read(json.object(ORIGIN), shape.segment());
            json.rejectUnread();
            Path words = folder.resolve(Vocabulary.FILE);
            if (!Files.exists(words)) {
                throw new IllegalArgumentException("must have " + Vocabulary.FILE + " beside it");
            }
            return new RmtFolder(shape, Vocabulary.read(words), origin);
        } catch (IllegalArgumentException | ArithmeticException e) {
            throw new ModelFormatException(file, ModelFormatException.NO_OFFSET, null, String.valueOf(e.getMessage()));
        }
    }

    /** The model, its weights those of the checkpoint's mapping; other floating dtypes are converted to F32 in the arena. */
    public RmtEncoder load(Path folder, Checkpoint checkpoint, TensorArena arena) {
        Set<String> asked = new LinkedHashSet<>();
        RmtEncoder model = shape.of((name, sizes) -> {
            asked.add(name);
            Tensor stored = checkpoint.tensor(name);
            if (!Arrays.equals(stored.shape(), sizes) || !stored.dtype().isFloating()) {
                throw new ModelFormatException(folder, ModelFormatException.NO_OFFSET, name,
                        "expected F32" + Arrays.toString(sizes) + ", found " + stored);
            }
            return stored.dtype() == DType.F32 && arena.space().isHost() ? stored
                    : arena.allocate(DType.F32, sizes).copyFrom(stored);
        });
        for (String name : checkpoint.tensors().keySet()) {
            if (!asked.contains(name)) {
                throw new ModelFormatException(folder, ModelFormatException.NO_OFFSET, name,
                        "the model of " + ModelFolder.CONFIG + " has no such tensor");
            }
        }
        return model;
    }

    /** Opens the weights of a folder. */
    public static Checkpoint weights(Path folder) {
        return Checkpoint.open(folder.resolve(Checkpoint.FILE));
    }

    /** Creates or replaces a folder with these settings and weights; it appears whole or not at all. */
    public void write(Path folder, Map<String, Tensor> weights) throws IOException {
        WholeFolder whole = new WholeFolder(folder, FILES);
        whole.check(true);
        whole.write(hidden -> {
            for (Map.Entry<String, String> text : texts().entrySet()) {
                WholeFolder.writeText(hidden.resolve(text.getKey()), text.getValue());
            }
            try {
                Checkpoint.save(hidden.resolve(Checkpoint.FILE), weights, Map.of("format", "longspan"));
            } catch (CheckpointIOException e) {
                throw e.getCause();
            }
        });
    }

    /** The same after training on documents of so many segments. */
    RmtFolder trainedOn(int segments) {
        return new RmtFolder(shape, vocabulary, origin.with(segments));
    }

    /** Contents of the text files by name. */
    Map<String, String> texts() {
        Map<String, @Nullable Object> json = new LinkedHashMap<>();
        json.put(Architecture.KEY, RmtShape.ARCHITECTURE);
        json.putAll(shape.toMap());
        json.put(ORIGIN, origin.toMap());
        return Map.of(ModelFolder.CONFIG, Json.pretty(json) + "\n", Vocabulary.FILE,
                String.join("\n", vocabulary.words()) + "\n");
    }
}
