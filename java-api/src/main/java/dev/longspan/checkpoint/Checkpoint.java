package dev.longspan.checkpoint;

import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * Tensors by name with string metadata, in one safetensors file, in the shards of a folder or in a file of torch.save.
 * Usable from any thread; its tensors are read-only and gone once it is closed.
 */
public final class Checkpoint implements AutoCloseable {

    /** The file of a folder that is not sharded. */
    public static final String FILE = "model.safetensors";

    private static final int NAMES_LISTED = 20;

    private final Path path;
    private final List<Runnable> closings;
    private final Map<String, Tensor> tensors;
    private final Map<String, String> metadata;

    private Checkpoint(Path path, List<Runnable> closings, Map<String, Tensor> tensors, Map<String, String> metadata) {
        this.path = path;
        this.closings = closings;
        this.tensors = Collections.unmodifiableMap(tensors);
        this.metadata = Collections.unmodifiableMap(metadata);
    }

    /**
     * Opens a file (of torch.save if it looks like one, else safetensors), or the {@value #FILE} or else the shards of a
     * folder; checksums are verified where there are any.
     */
    public static Checkpoint open(Path path) {
        if (!Files.isDirectory(path)) {
            return single(path);
        }
        Path index = path.resolve(ShardIndex.NAME);
        return Files.exists(path.resolve(FILE)) || !Files.exists(index) ? single(path.resolve(FILE))
                : sharded(path, ShardIndex.read(index));
    }

    /** Writes tensors to a file as {@link Safetensors#save} does. */
    public static void save(Path file, Map<String, Tensor> tensors, Map<String, String> metadata) {
        Safetensors.save(file, tensors, metadata);
    }

    /** Tensors by name. */
    public Map<String, Tensor> tensors() {
        return tensors;
    }

    /** The metadata of all files; of a key that several have, the last file's. */
    public Map<String, String> metadata() {
        return metadata;
    }

    /** The tensor of that name; throws ModelFormatException where there is none. */
    public Tensor tensor(String name) {
        Tensor tensor = tensors.get(name);
        if (tensor == null) {
            throw new ModelFormatException(path, ModelFormatException.NO_OFFSET, name, "tensor is missing");
        }
        return tensor;
    }

    /** {@link #loadInto(Map, NameMap)} without other names. */
    public void loadInto(Map<String, Tensor> parameters) {
        loadInto(parameters, NameMap.identity());
    }

    /**
     * Copies every tensor into the parameter whose foreign name it has, converted between floating dtypes. Names and
     * shapes must correspond one to one; otherwise one ModelFormatException lists all that is wrong, and no parameter
     * has changed.
     */
    public void loadInto(Map<String, Tensor> parameters, NameMap names) {
        Map<String, Tensor> targets = names.toForeign(parameters);
        List<String> problems = new ArrayList<>();
        list(problems, "missing", targets.keySet().stream().filter(name -> !tensors.containsKey(name)).toList());
        list(problems, "unexpected", tensors.keySet().stream().filter(name -> !targets.containsKey(name)).toList());
        List<String> different = new ArrayList<>();
        targets.forEach((name, target) -> {
            Tensor source = tensors.get(name);
            if (source != null && !fits(source, target)) {
                different.add(name + " is " + source + ", expected " + target);
            }
        });
        list(problems, "different", different);
        if (!problems.isEmpty()) {
            throw new ModelFormatException(path, ModelFormatException.NO_OFFSET, null,
                    "tensors do not fit the model: " + String.join("; ", problems));
        }
        targets.forEach((name, target) -> target.copyFrom(tensor(name)));
    }

    /** Copies in the arena of all tensors, BF16 and F16 widened to F32 (exactly), the others as they are. */
    public Map<String, Tensor> toF32(TensorArena arena) {
        Map<String, Tensor> copies = new LinkedHashMap<>();
        tensors.forEach((name, tensor) -> {
            boolean half = tensor.dtype() == DType.BF16 || tensor.dtype() == DType.F16;
            copies.put(name, arena.allocate(half ? DType.F32 : tensor.dtype(), tensor.shape()).copyFrom(tensor));
        });
        return copies;
    }

    @Override
    public void close() {
        closings.forEach(Runnable::run);
    }

    private static Checkpoint single(Path file) {
        if (TorchCheckpoint.looksLikeOne(file)) {
            TorchCheckpoint torch = TorchCheckpoint.open(file);
            return new Checkpoint(file, List.of(torch::close), torch.tensors(), Map.of());
        }
        Safetensors only = Safetensors.open(file);
        return new Checkpoint(file, List.of(only::close), only.tensors(), only.metadata());
    }

    private static Checkpoint sharded(Path folder, ShardIndex index) {
        List<Runnable> closings = new ArrayList<>();
        try {
            Map<String, Tensor> tensors = new TreeMap<>();
            Map<String, String> metadata = new TreeMap<>();
            for (String shard : index.files()) {
                Path file = folder.resolve(shard);
                Safetensors part = Safetensors.open(file);
                closings.add(part::close);
                metadata.putAll(part.metadata());
                part.tensors().forEach((name, tensor) -> {
                    if (!shard.equals(index.fileOfTensor().get(name))) {
                        throw new ModelFormatException(file, ModelFormatException.NO_OFFSET, name,
                                "the index does not place it in this file");
                    }
                    tensors.put(name, tensor);
                });
            }
            for (String name : index.fileOfTensor().keySet()) {
                if (!tensors.containsKey(name)) {
                    throw new ModelFormatException(index.file(), ModelFormatException.NO_OFFSET, name,
                            "is not in " + index.fileOfTensor().get(name));
                }
            }
            return new Checkpoint(folder, closings, tensors, metadata);
        } catch (RuntimeException | Error e) {
            closings.forEach(Runnable::run);
            throw e;
        }
    }

    private static boolean fits(Tensor source, Tensor target) {
        return Arrays.equals(source.shape(), target.shape())
                && (source.dtype() == target.dtype() || source.dtype().isFloating() && target.dtype().isFloating());
    }

    private static void list(List<String> problems, String kind, Collection<String> names) {
        if (!names.isEmpty()) {
            problems.add(kind + " " + names.size() + ": "
                    + names.stream().sorted().limit(NAMES_LISTED).map(ModelFormatException::printable)
                            .collect(Collectors.joining(", ")) + (names.size() > NAMES_LISTED ? ", …" : ""));
        }
    }
}
