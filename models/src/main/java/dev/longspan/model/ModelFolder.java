package dev.longspan.model;

import dev.longspan.checkpoint.Checkpoint;
import dev.longspan.checkpoint.ModelFormatException;
import dev.longspan.nn.LanguageModel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** A model on disk: {@code config.json} beside {@code model.safetensors}, or the last checkpoint of a training run. */
public final class ModelFolder {

    public static final String CONFIG = "config.json";

    /** Start of the names of a run's checkpoints, followed by the step with leading zeros. */
    public static final String STEP_PREFIX = "step-";

    private final Path path;
    private final ModelConfig config;

    private ModelFolder(Path path, ModelConfig config) {
        this.path = path;
        this.config = config;
    }

    /** Reads and checks config.json of a model folder, or of the last checkpoint of a run. */
    public static ModelFolder open(Path folder, Architectures architectures) throws IOException {
        Path path = Files.exists(folder.resolve(CONFIG)) ? folder : lastStep(folder).orElseThrow(() ->
                Files.isDirectory(folder)
                        ? new ModelFormatException(folder, ModelFormatException.NO_OFFSET, null,
                                "not a model: it holds neither " + CONFIG + " nor a checkpoint " + STEP_PREFIX + "…")
                        : new java.io.UncheckedIOException(new NoSuchFileException(folder.toString())));
        return new ModelFolder(path, ModelConfig.read(path.resolve(CONFIG), architectures));
    }

    /** The last checkpoint of a run, by its step. */
    public static Optional<Path> lastStep(Path run) throws IOException {
        if (!Files.isDirectory(run)) {
            return Optional.empty();
        }
        Path last = null;
        try (DirectoryStream<Path> steps = Files.newDirectoryStream(run, STEP_PREFIX + "[0-9]*")) {
            for (Path step : steps) {
                if (Files.exists(step.resolve(CONFIG)) && (last == null || last.compareTo(step) < 0)) {
                    last = step;
                }
            }
        }
        return Optional.ofNullable(last);
    }

    /** Parameters by name, a tensor that has two of them under its first only: what a model file holds. */
    public static Map<String, Tensor> stored(LanguageModel<?> model) {
        Map<String, Tensor> stored = new LinkedHashMap<>();
        Set<Tensor> seen = new HashSet<>(); // tensors are equal only if they are the same object
        model.parameters().forEach((name, tensor) -> {
            if (seen.add(tensor)) {
                stored.put(name, tensor);
            }
        });
        return stored;
    }

    public Path path() {
        return path;
    }

    public ModelConfig config() {
        return config;
    }

    /** A model whose weights lie in the checkpoint's mapping; in the arena where it is a device's, or where they are not F32. */
    public LanguageModel<?> load(Checkpoint checkpoint, TensorArena arena) {
        return load(checkpoint, arena, WeightStorage.MAPPED);
    }

    /** The same with its matrices held in another way, in the arena. */
    public LanguageModel<?> load(Checkpoint checkpoint, TensorArena arena, WeightStorage storage) {
        Set<String> asked = new LinkedHashSet<>();
        LanguageModel<?> model = config.blueprint().build(storage.of((name, shape) -> {
            asked.add(name);
            Tensor stored = checkpoint.tensor(name);
            if (!Arrays.equals(stored.shape(), shape) || !stored.dtype().isFloating()) {
                throw wrong(name, "expected F32" + Arrays.toString(shape) + ", found " + stored);
            }
            return stored.dtype() == DType.F32 && arena.space().isHost() ? stored
                    : arena.allocate(DType.F32, shape).copyFrom(stored);
        }, arena));
        for (String name : checkpoint.tensors().keySet()) {
            if (!asked.contains(name)) {
                throw wrong(name, "the model of " + CONFIG + " has no such tensor");
            }
        }
        return model;
    }

    /** Opens the weights. */
    public Checkpoint weights() {
        return Checkpoint.open(path);
    }

    private ModelFormatException wrong(String tensor, String problem) {
        return new ModelFormatException(path, ModelFormatException.NO_OFFSET, tensor, problem);
    }
}
