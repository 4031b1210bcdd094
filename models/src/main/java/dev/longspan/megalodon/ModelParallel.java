package dev.longspan.megalodon;

import dev.longspan.checkpoint.Checkpoint;
import dev.longspan.checkpoint.ModelFormatException;
import dev.longspan.checkpoint.TensorSource;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Puts together what the original's tensor parallelism has split over {@code consolidated.NN.pth}: features of the moving
 * average and of timestep norms, inner products by rows or by columns, heads, and the tables along d. What follows the
 * average is whole in every shard, since the original gathers there.
 */
final class ModelParallel {

    /** What a shard holds of a tensor: a part along a dimension, or all of it. */
    private enum Split {
        ALONG_0, ALONG_1, WHOLE
    }

    private static final String LAYER = "layers\\.[0-9]+\\.";

    /** From the constructors of model/mega.py and modules/*.py at cff8ba5. A tensor that none fits is refused. */
    private static final Map<Pattern, Split> SPLITS = Map.of(
            Pattern.compile("embed\\.weight|output\\.output\\.weight"), Split.ALONG_1,
            Pattern.compile(LAYER + "mega\\.(gamma|beta|wh2\\.weight)|" + LAYER + "nffn\\.fc2\\.weight"), Split.ALONG_1,
            Pattern.compile(LAYER + "mega\\.(cema\\.[a-z]+|(wv|wz|wr|wh1)\\.(weight|bias))"), Split.ALONG_0,
            Pattern.compile(LAYER + "nffn\\.(fc1|fc3)\\.weight"), Split.ALONG_0,
            Pattern.compile("(" + LAYER + "mega\\.timenorm|output\\.final_norm)\\.(weight|bias|prior_mean|prior_logv)"),
            Split.ALONG_0,
            Pattern.compile("rope\\.freqs|(" + LAYER + "mega\\.timenorm|output\\.final_norm)\\.prior_count"), Split.WHOLE,
            Pattern.compile(LAYER + "(mega\\.rmsnorm\\.weight|nffn\\.norm\\.(weight|bias))"), Split.WHOLE);

    private ModelParallel() {
    }

    /** Every tensor whole, put together when it is asked for; shards in the order of their ranks. */
    static Map<String, TensorSource> merged(Path path, List<Checkpoint> shards) {
        Checkpoint first = shards.getFirst();
        if (shards.size() == 1) {
            Map<String, TensorSource> whole = new LinkedHashMap<>();
            first.tensors().forEach((name, tensor) -> whole.put(name, TensorSource.of(tensor)));
            return whole;
        }
        for (int rank = 1; rank < shards.size(); rank++) {
            if (!shards.get(rank).tensors().keySet().equals(first.tensors().keySet())) {
                throw wrong(path, null, "shards must hold the same names: shard " + rank + " differs from shard 0");
            }
        }
        Map<String, TensorSource> merged = new LinkedHashMap<>();
        for (String name : first.tensors().keySet()) {
            merged.put(name, merged(path, name, shards.stream().map(shard -> shard.tensor(name)).toList()));
        }
        return merged;
    }

    private static TensorSource merged(Path path, String name, List<Tensor> parts) {
        Split split = splitOf(name).orElseThrow(() -> wrong(path, name, name.endsWith(".nffn.alpha")
                ? "the original cannot run rescale_nffn in " + parts.size() + " shards: how it is split is unknown"
                : "how it is split over " + parts.size() + " shards is unknown"));
        Tensor first = parts.getFirst();
        for (Tensor part : parts) {
            if (part.dtype() != first.dtype() || !Arrays.equals(part.shape(), first.shape())) {
                throw wrong(path, name, "its parts must be alike: " + first + ", " + part);
            }
        }
        if (split == Split.WHOLE) {
            double[] values = first.toDoubles();
            for (int rank = 1; rank < parts.size(); rank++) {
                if (!Arrays.equals(values, parts.get(rank).toDoubles())) {
                    throw wrong(path, name, "is whole in every shard and must be the same: shard " + rank
                            + " differs from shard 0");
                }
            }
            return TensorSource.of(first);
        }
        int dim = split == Split.ALONG_0 ? 0 : 1;
        if (first.rank() <= dim) {
            throw wrong(path, name, "is split along dimension " + dim + " but is " + first);
        }
        long[] shape = first.shape();
        shape[dim] = Math.multiplyExact(shape[dim], parts.size());
        return TensorSource.of(first.dtype(), shape, arena -> joined(arena, parts, dim, shape));
    }

    private static Tensor joined(TensorArena arena, List<Tensor> parts, int dim, long[] shape) {
        DType dtype = parts.getFirst().dtype();
        Tensor whole = arena.allocate(dtype, shape);
        long size = parts.getFirst().size(dim);
        IntStream.range(0, parts.size()).forEach(rank ->
                whole.slice(dim, rank * size, (rank + 1) * size).copyFrom(parts.get(rank)));
        return whole;
    }

    private static Optional<Split> splitOf(String name) {
        return SPLITS.entrySet().stream().filter(entry -> entry.getKey().matcher(name).matches())
                .map(Map.Entry::getValue).findFirst();
    }

    private static ModelFormatException wrong(Path path, @Nullable String tensor, String problem) {
        return new ModelFormatException(path, ModelFormatException.NO_OFFSET, tensor, problem);
    }
}
