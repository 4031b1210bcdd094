package dev.longspan.jmh;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/** Problems of one kind, as JMH has them. */
record Family(String name, List<String> problems, Function<String, Problem> open) {

    /** The one that sets many threads beside one. */
    static final String THREADS = "threads";

    private static final Map<String, Family> ALL = new LinkedHashMap<>();

    static {
        add("gemm", GemmBenchmark.class, GemmBenchmark::of);
        add("attention", AttentionBenchmark.class, AttentionBenchmark::of);
        add("chunk-attention", ChunkAttentionBenchmark.class, ChunkAttentionBenchmark::of);
        add("dilated-attention", DilatedAttentionBenchmark.class, DilatedAttentionBenchmark::of);
        add("cema", CemaBenchmark.class, CemaBenchmark::of);
        add("timestep-norm", TimestepNormBenchmark.class, TimestepNormBenchmark::of);
        add("pointwise", PointwiseBenchmark.class, PointwiseBenchmark::of);
        add("decode", DecodeBenchmark.class, DecodeBenchmark::of);
        add("small-kernel", SmallKernelBenchmark.class, SmallKernelBenchmark::of);
        add("models", ModelBenchmark.class, BenchmarkModels::of);
        add("long", LongBenchmark.class, LongBenchmark::of);
        add(THREADS, ThreadsBenchmark.class, ThreadsBenchmark::of);
    }

    private static void add(String name, Class<? extends Measured> family, Function<String, Problem> open) {
        ALL.put(name, new Family(name, Measured.problems(family), open));
    }

    /** Every family, in the order in which it is measured. */
    static List<String> names() {
        return List.copyOf(ALL.keySet());
    }

    /** The family of a name; throws IllegalArgumentException where there is none. */
    static Family of(String name) {
        Family family = ALL.get(name);
        if (family == null) {
            throw new IllegalArgumentException("families must be among " + names() + ": family=" + name);
        }
        return family;
    }
}
