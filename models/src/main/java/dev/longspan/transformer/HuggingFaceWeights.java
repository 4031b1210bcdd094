package dev.longspan.transformer;

import dev.longspan.checkpoint.Checkpoint;
import dev.longspan.checkpoint.ModelFormatException;
import dev.longspan.nn.Parameters;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * A checkpoint as a source of parameters that remembers all that is wrong with it. Names may have the model's prefix or not;
 * norms may be called gamma and beta, as in checkpoints out of TensorFlow.
 */
final class HuggingFaceWeights implements Parameters {

    private static final int LISTED = 20;

    private final Path folder;
    private final Map<String, Tensor> stored = new LinkedHashMap<>();
    private final Set<String> unread = new LinkedHashSet<>();
    private final ForeignLayout layout;
    private final TensorArena arena;
    private final DType dtype;
    private final List<String> missing = new ArrayList<>();
    private final List<String> different = new ArrayList<>();

    HuggingFaceWeights(Path folder, Checkpoint checkpoint, String prefix, Pattern heads, ForeignLayout layout,
            TensorArena arena, DType dtype) {
        this.folder = folder;
        this.layout = layout;
        this.arena = arena;
        this.dtype = dtype;
        checkpoint.tensors().forEach((name, tensor) -> {
            String bare = bare(name, prefix);
            if (stored.putIfAbsent(bare, tensor) != null) {
                different.add(name + " is there twice, with " + prefix + " and without, or with gamma and weight");
            } else if (!heads.matcher(bare).matches()) {
                unread.add(bare);
            }
        });
    }

    private static String bare(String name, String prefix) {
        String bare = name.startsWith(prefix) ? name.substring(prefix.length()) : name;
        return bare.replaceFirst("\\.gamma$", ".weight").replaceFirst("\\.beta$", ".bias");
    }

    /** A copy; zeros where the checkpoint has no such tensor, which {@link #check} tells. */
    @Override
    public Tensor get(String name, long... shape) {
        ForeignLayout.Place place = layout.place(name);
        Tensor parameter = arena.allocate(dtype, shape);
        Tensor whole = stored.get(place.name());
        unread.remove(place.name());
        if (whole == null) {
            missing.add(place.name());
            return parameter;
        }
        Tensor part = whole.rank() == shape.length && whole.dtype().isFloating() ? place.view().apply(whole) : whole;
        if (!Arrays.equals(part.shape(), shape)) {
            different.add(place.name() + " is " + whole + ", expected " + Arrays.toString(shape)
                    + (Arrays.equals(part.shape(), whole.shape()) ? "" : " in it at " + name));
            return parameter;
        }
        return parameter.copyFrom(part);
    }

    /** The second name of a table may be absent, but not another table. */
    void checkTied(String second, String table) {
        Tensor copy = stored.get(second);
        Tensor original = stored.get(table);
        unread.remove(second);
        if (copy != null && original != null && !sameBits(copy, original)) {
            different.add(second + " is not " + table + ", though config.json ties them");
        }
    }

    private static boolean sameBits(Tensor a, Tensor b) {
        if (a.dtype() != b.dtype() || !Arrays.equals(a.shape(), b.shape())) {
            return false;
        }
        long bytes = a.dtype().bytes();
        long fromA = a.offset() * bytes;
        long fromB = b.offset() * bytes;
        long length = a.elements() * bytes;
        return MemorySegment.mismatch(a.segment(), fromA, fromA + length, b.segment(), fromB, fromB + length) < 0;
    }

    /** Throws ModelFormatException naming what was missing, unknown or different. */
    void check() {
        List<String> problems = new ArrayList<>();
        list(problems, "missing", missing.stream().distinct().toList());
        list(problems, "unknown", List.copyOf(unread));
        list(problems, "different", different);
        if (!problems.isEmpty()) {
            throw new ModelFormatException(folder, ModelFormatException.NO_OFFSET, null,
                    "tensors do not fit the model of config.json: " + String.join("; ", problems));
        }
    }

    private static void list(List<String> problems, String kind, List<String> names) {
        if (!names.isEmpty()) {
            problems.add(kind + " " + names.size() + ": " + String.join(", ", names.subList(0, Math.min(LISTED, names.size())))
                    + (names.size() > LISTED ? ", …" : ""));
        }
    }
}
