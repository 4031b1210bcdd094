package dev.longspan.megalodon;

import dev.longspan.checkpoint.ModelFormatException;
import dev.longspan.checkpoint.TensorSource;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * The tensors of a configuration under our names and under the original's, both ways. The original's {@code state_dict} has
 * more than parameters: {@code rope.freqs}, the priors of timestep norms, and a tied table twice.
 */
public final class OriginalTensors {

    private static final int NAMES_LISTED = 10;
    private static final String FREQUENCIES = "rope.freqs";
    private static final String EMBEDDING = "embed.weight";
    private static final String OUTPUT = "output.output.weight";

    private final MegalodonConfig config;
    private final Map<String, long[]> parameters;

    public OriginalTensors(MegalodonConfig config) {
        if (!config.parts().equals(MegalodonConfig.Parts.MEGALODON)) {
            throw new IllegalArgumentException("the original has all of MEGALODON's parts only: parts=" + config.parts());
        }
        this.config = config;
        this.parameters = parameters(config);
    }

    /** Shapes of all parameters by our names. */
    private static Map<String, long[]> parameters(MegalodonConfig config) {
        Map<String, long[]> shapes = new LinkedHashMap<>();
        try (TensorArena arena = new TensorArena()) {
            Tensor one = arena.allocate(DType.F32);
            Megalodon.of(config, (name, shape) -> {
                shapes.put(name, shape.clone());
                // Any shape over a single element: nothing is computed with it.
                return Tensor.of(one.storage(), 0, DType.F32, shape, new long[shape.length]);
            });
        }
        return shapes;
    }

    /**
     * Our tensors from those of a {@code state_dict}. Every one must be used, none missing, shapes equal; otherwise one
     * ModelFormatException lists all that is wrong. What is no parameter is compared with the configuration and left out.
     */
    public Map<String, TensorSource> toOwn(Path path, Map<String, TensorSource> original) {
        Map<String, TensorSource> left = new LinkedHashMap<>(original);
        Map<String, TensorSource> own = new LinkedHashMap<>();
        List<String> missing = new ArrayList<>();
        List<String> different = new ArrayList<>();
        parameters.forEach((name, shape) -> {
            String foreign = MegalodonNames.MAP.toForeign(name);
            @Nullable TensorSource source = left.remove(foreign);
            if (source == null) {
                missing.add(foreign);
            } else if (isOther(source, shape)) {
                different.add(told(foreign, source, shape));
            } else {
                own.put(name, source);
            }
        });
        Map<String, TensorSource> found = new LinkedHashMap<>(left);
        found.keySet().removeIf(name -> !isBuffer(name));
        left.keySet().removeAll(found.keySet());
        report(path, missing, left.keySet(), different);
        found.forEach((name, source) -> check(path, name, source, original));
        return own;
    }

    /** The whole {@code state_dict} of our tensors, which must be those of the configuration, and what the original adds. */
    public Map<String, TensorSource> toOriginal(Path path, Map<String, TensorSource> own) {
        Map<String, TensorSource> original = new LinkedHashMap<>();
        List<String> missing = new ArrayList<>();
        List<String> different = new ArrayList<>();
        Map<String, TensorSource> left = new LinkedHashMap<>(own);
        parameters.forEach((name, shape) -> {
            @Nullable TensorSource source = left.remove(name);
            if (source == null) {
                missing.add(name);
            } else if (isOther(source, shape)) {
                different.add(told(name, source, shape));
            } else {
                original.put(MegalodonNames.MAP.toForeign(name), source);
            }
        });
        report(path, missing, left.keySet(), different);
        TensorSource embedding = original.get(EMBEDDING);
        if (config.tiedOutput() && embedding != null) {
            original.put(OUTPUT, embedding);
        }
        original.put(FREQUENCIES, TensorSource.of(DType.F32, new long[] {config.keyDim() / 2},
                arena -> arena.allocate(DType.F32, config.keyDim() / 2).set(frequencies())));
        norms().forEach(norm -> {
            original.put(norm + ".prior_count", zeros(DType.I64));
            original.put(norm + ".prior_mean", zeros(DType.F32, config.groups()));
            original.put(norm + ".prior_logv", zeros(DType.F32, config.groups()));
        });
        return original;
    }

    private List<String> norms() {
        List<String> norms = new ArrayList<>(IntStream.range(0, config.layers())
                .mapToObj(layer -> "layers." + layer + ".mega.timenorm").toList());
        norms.add("output.final_norm");
        return norms;
    }

    private boolean isBuffer(String name) {
        int dot = name.lastIndexOf('.');
        return name.equals(FREQUENCIES) || config.tiedOutput() && name.equals(OUTPUT)
                || dot > 0 && norms().contains(name.substring(0, dot))
                        && List.of("prior_count", "prior_mean", "prior_logv").contains(name.substring(dot + 1));
    }

    private void check(Path path, String name, TensorSource source, Map<String, TensorSource> original) {
        try (TensorArena arena = new TensorArena()) {
            String problem = switch (name) {
                case FREQUENCIES -> frequencyProblem(source.in(arena));
                case OUTPUT -> same(source, original.get(EMBEDDING), arena) ? "" : "share_emb is set but it differs from " + EMBEDDING;
                default -> priorProblem(name, source.in(arena));
            };
            if (!problem.isEmpty()) {
                throw new ModelFormatException(path, ModelFormatException.NO_OFFSET, name, problem);
            }
        }
    }

    /** {@code base^(-2j/D)}, j = 0 .. D/2-1, rounded where the original rounds. */
    private double[] frequencies() {
        return IntStream.range(0, config.keyDim() / 2)
                .mapToDouble(j -> 1 / (float) Math.pow(config.ropeBase(), 2.0 * j / config.keyDim())).toArray();
    }

    private String frequencyProblem(Tensor tensor) {
        double[] expected = frequencies();
        if (!Arrays.equals(tensor.shape(), new long[] {expected.length}) || !tensor.dtype().isFloating()) {
            return "expected F32[" + expected.length + "], found " + tensor;
        }
        // A model in half precision has its buffers in half precision too.
        double tolerance = tensor.dtype() == DType.F32 || tensor.dtype() == DType.F64 ? 1e-5 : 1.0 / 128;
        double[] found = tensor.toDoubles();
        for (int j = 0; j < expected.length; j++) {
            if (!(Math.abs(found[j] - expected[j]) <= tolerance * expected[j])) {
                return "is not that of the configuration: element " + j + " is " + found[j] + ", rope_base=" + config.ropeBase()
                        + " gives " + expected[j];
            }
        }
        return "";
    }

    /** A prior that counts for no timestep has no weight, whatever its moments. */
    private String priorProblem(String name, Tensor tensor) {
        if (name.endsWith("prior_count")) {
            return tensor.elements() == 1 && tensor.item() == 0 ? "" : "a prior that counts for timesteps is not supported: "
                    + tensor + (tensor.elements() == 1 ? ", prior_count=" + tensor.item() : "");
        }
        return Arrays.equals(tensor.shape(), new long[] {config.groups()}) ? "" : "expected [" + config.groups() + "], found "
                + tensor;
    }

    private static boolean same(TensorSource a, @Nullable TensorSource b, TensorArena arena) {
        if (b == null || a.dtype() != b.dtype() || !Arrays.equals(a.shape(), b.shape())) {
            return false;
        }
        Tensor one = plain(a.in(arena), arena);
        Tensor other = plain(b.in(arena), arena);
        int bytes = a.dtype().bytes();
        return one.segment().asSlice(one.offset() * bytes, one.elements() * bytes)
                .mismatch(other.segment().asSlice(other.offset() * bytes, other.elements() * bytes)) < 0;
    }

    private static Tensor plain(Tensor tensor, TensorArena arena) {
        return tensor.isContiguous() ? tensor : arena.allocate(tensor.dtype(), tensor.shape()).copyFrom(tensor);
    }

    private static TensorSource zeros(DType dtype, long... shape) {
        return TensorSource.of(dtype, shape, arena -> arena.allocate(dtype, shape));
    }

    private static boolean isOther(TensorSource source, long[] shape) {
        return !Arrays.equals(source.shape(), shape) || !source.dtype().isFloating();
    }

    private static String told(String name, TensorSource source, long[] shape) {
        return name + " is " + source.dtype() + Arrays.toString(source.shape()) + ", expected " + Arrays.toString(shape);
    }

    private static void report(Path path, List<String> missing, Collection<String> unexpected, List<String> different) {
        List<String> problems = new ArrayList<>();
        list(problems, "missing", missing);
        list(problems, "unexpected", unexpected);
        list(problems, "different", different);
        if (!problems.isEmpty()) {
            throw new ModelFormatException(path, ModelFormatException.NO_OFFSET, null,
                    "tensors do not fit the configuration: " + String.join("; ", problems));
        }
    }

    private static void list(List<String> problems, String kind, Collection<String> names) {
        if (!names.isEmpty()) {
            problems.add(kind + " " + names.size() + ": " + names.stream().limit(NAMES_LISTED)
                    .map(ModelFormatException::printable).collect(Collectors.joining(", "))
                    + (names.size() > NAMES_LISTED ? ", …" : ""));
        }
    }
}
