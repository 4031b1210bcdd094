package dev.longspan.kernel.cuda;

import dev.longspan.bindings.cudnn.Cudnn;
import dev.longspan.kernel.AttentionPlan;
import dev.longspan.kernel.cuda.CudnnGraph.Place;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.TreeMap;

/** What {@link CudnnTest} has a JVM of its own do: prints the outcome of the scenario that its first argument names. */
final class CudnnChild {

    /** An H200, or one like it of another compute capability. */
    private static final String DEVICE = """
            {"cudaDeviceId": 0, "deviceName": "NVIDIA H200", "deviceVer": %d, "driverVer": 13000, "isTccDriver": 0,
             "l2CacheSize": 62914560, "maxCtasPerSM": 32, "maxRegistersPerSM": 65536, "maxSharedMemoryPerBlock": 49152,
             "maxSharedMemoryPerBlockOptin": 232448, "maxThreadsPerBlock": 1024, "maxThreadsPerSM": 2048,
             "memClockRateKHz": 3201000, "multiProcessorCount": 132, "pciDeviceId": 0, "regsPerBlock": 65536,
             "reservedSharedMemoryPerBlock": 1024, "smClockRateKHz": 1980000, "supportCoopLaunch": 1,
             "totalGlobalMem": 150754820096, "warpSize": 32, "maxGridSize": [2147483647, 65535, 65535],
             "maxBlockSize": [1024, 1024, 64]}""";

    private static final OptionalInt FULL = OptionalInt.empty();

    private CudnnChild() {
    }

    @FunctionalInterface
    private interface Scenario {
        String run() throws IOException;
    }

    private static Map<String, Scenario> scenarios() {
        Map<String, Scenario> all = new TreeMap<>();
        all.put("full", () -> planned(900, problem(1024, 1024, 64, 64, FULL)));
        all.put("full without lse", () -> planned(900, withoutLse(problem(1024, 1024, 64, 64, FULL))));
        all.put("causal from 1 on", () -> planned(900, problem(1024, 1024, 64, 64, OptionalInt.of(1))));
        all.put("causal", () -> planned(900, problem(1024, 1024, 64, 64, OptionalInt.of(0))));
        all.put("causal from the middle on", () -> planned(900, problem(500, 1021, 64, 64, OptionalInt.of(521))));
        all.put("dilated", () -> planned(900, dilated()));
        all.put("wide values", () -> planned(900, problem(1024, 1024, 256, 2048, OptionalInt.of(0))));
        all.put("one query", () -> planned(900, problem(1, 1024, 64, 64, OptionalInt.of(1023))));
        all.put("calls of attention", CudnnChild::calls);
        all.put("sm_80", () -> planned(800, problem(1024, 1024, 128, 128, OptionalInt.of(0))));
        all.put("sm_75", () -> planned(750, problem(1024, 1024, 64, 64, FULL)));
        all.put("a device without its members", () -> device("{\"deviceVer\": 900}"));
        all.put("a device that is no JSON", () -> device("H200"));
        all.put("attention without keys", CudnnChild::withoutKeys);
        all.put("keys of another dimension", CudnnChild::otherKeys);
        all.put("unfinished", CudnnChild::unfinished);
        all.put("changed when finished", CudnnChild::changed);
        all.put("closed", CudnnChild::closed);
        all.put("closed twice", CudnnChild::closedTwice);
        all.put("executed on a description", CudnnChild::executed);
        all.put("handle", CudnnChild::handle);
        all.put("freed", CudnnChild::freed);
        return all;
    }

    public static void main(String[] arguments) throws IOException {
        try {
            System.out.println(scenarios().get(arguments[0]).run());
        } catch (RuntimeException e) {
            System.out.println(e);
        }
    }

    private static CudnnProblem problem(long queries, long keys, long dim, long valueDim, OptionalInt firstQuery) {
        return new CudnnProblem(CudnnLayout.ofTokens(2, queries, 4, dim), CudnnLayout.ofTokens(2, keys, 4, dim),
                CudnnLayout.ofTokens(2, keys, 4, valueDim), CudnnLayout.ofTokens(2, queries, 4, valueDim), 0.125f, firstQuery, true);
    }

    private static CudnnProblem withoutLse(CudnnProblem p) {
        return new CudnnProblem(p.q(), p.k(), p.v(), p.out(), p.scale(), p.firstQuery(), false);
    }

    private static CudnnProblem dilated() {
        CudnnLayout branch = CudnnLayout.ofTokens(2, 4096, 4, 64).dilated(4);
        return new CudnnProblem(branch, branch, branch, branch, 0.125f, OptionalInt.of(0), true);
    }

    private static String planned(int capability, CudnnProblem problem) {
        try (CudnnTarget device = CudnnDevice.describedBy(DEVICE.formatted(capability));
                CudnnAttention attention = CudnnAttention.plan(device, problem)) {
            return "planned, workspace " + attention.workspaceBytes();
        }
    }

    /** Heads of either dimension, full and causal, cut out of one projection. */
    private static String calls() {
        StringBuilder outcomes = new StringBuilder();
        try (TensorArena arena = new TensorArena()) {
            for (int dim : new int[] {64, 128}) {
                Tensor projected = arena.allocate(DType.BF16, 1, 512, 12, dim);
                for (AttentionPlan plan : List.of(AttentionPlan.dense(0.125), AttentionPlan.causal(0.125))) {
                    outcomes.append(planned(900, CudnnForward.problem(plan, projected.slice(2, 0, 4), projected.slice(2, 4, 8),
                            projected.slice(2, 8, 12)).orElseThrow())).append("; ");
                }
            }
        }
        return outcomes.toString().strip();
    }

    private static String device(String json) {
        try (CudnnTarget device = CudnnDevice.describedBy(json)) {
            return "accepted " + device;
        }
    }

    private static String withoutKeys() {
        try (CudnnGraph graph = graph()) {
            return "finished " + attention(graph).finish();
        }
    }

    private static String otherKeys() {
        try (CudnnGraph graph = graph()) {
            CudnnDescriptor keys = tensor(graph, 2, 32);
            return "finished " + attention(graph)
                    .set(Cudnn.CUDNN_ATTR_OPERATION_SDPA_FWD_KDESC(), keys)
                    .set(Cudnn.CUDNN_ATTR_OPERATION_SDPA_FWD_VDESC(), tensor(graph, 3, 64))
                    .set(Cudnn.CUDNN_ATTR_OPERATION_SDPA_FWD_ODESC(), tensor(graph, 4, 64)).finish();
        }
    }

    private static String unfinished() {
        try (CudnnGraph graph = graph()) {
            CudnnDescriptor bare = graph.create("keys", Cudnn.CUDNN_BACKEND_TENSOR_DESCRIPTOR());
            return "set " + attention(graph).set(Cudnn.CUDNN_ATTR_OPERATION_SDPA_FWD_KDESC(), bare);
        }
    }

    private static String changed() {
        try (CudnnGraph graph = graph()) {
            return "set " + tensor(graph, 1, 64).set(Cudnn.CUDNN_ATTR_TENSOR_UNIQUE_ID(), 2);
        }
    }

    private static String closed() {
        CudnnDescriptor tensor;
        try (CudnnGraph graph = graph()) {
            tensor = tensor(graph, 1, 64);
        }
        return "read " + tensor.number(Cudnn.CUDNN_ATTR_TENSOR_UNIQUE_ID());
    }

    private static String closedTwice() {
        try (CudnnTarget device = CudnnDevice.describedBy(DEVICE.formatted(900))) {
            CudnnAttention attention = CudnnAttention.plan(device, problem(1024, 1024, 64, 64, FULL));
            attention.close();
            attention.close();
            return "closed twice";
        }
    }

    private static String executed() {
        try (CudnnTarget device = CudnnDevice.describedBy(DEVICE.formatted(900));
                CudnnAttention attention = CudnnAttention.plan(device, problem(1024, 1024, 64, 64, FULL))) {
            attention.execute(0, new CudnnData(16, 32, 48, 64, 80, 96));
            return "executed";
        }
    }

    private static String handle() {
        try (CudnnTarget handle = CudnnHandle.create()) {
            return "created " + handle.getClass().getSimpleName();
        }
    }

    /** Growth of resident memory over 200,000 descriptors that are closed. */
    private static String freed() throws IOException {
        make(20_000);
        long before = residentKilobytes();
        make(200_000);
        return "grown by " + (residentKilobytes() - before) + " KB";
    }

    private static void make(int descriptors) {
        for (int i = 0; i < descriptors; i++) {
            try (CudnnGraph graph = graph()) {
                tensor(graph, 1, 64);
            }
        }
    }

    private static long residentKilobytes() throws IOException {
        return Files.readAllLines(Path.of("/proc/self/status")).stream().filter(line -> line.startsWith("VmRSS:"))
                .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", ""))).sum();
    }

    private static CudnnGraph graph() {
        CudnnTarget.requireCudnn();
        return new CudnnGraph();
    }

    private static CudnnDescriptor attention(CudnnGraph graph) {
        CudnnDescriptor queries = tensor(graph, 1, 64);
        return graph.create("attention", Cudnn.CUDNN_BACKEND_OPERATION_SDPA_FWD_DESCRIPTOR())
                .set(Cudnn.CUDNN_ATTR_OPERATION_SDPA_FWD_QDESC(), queries);
    }

    private static CudnnDescriptor tensor(CudnnGraph graph, long id, long dim) {
        CudnnLayout layout = CudnnLayout.ofTokens(1, 128, 2, dim);
        return graph.tensor("tensor", id, Cudnn.CUDNN_DATA_BFLOAT16(), Place.MEMORY, layout.sizes(), layout.strides());
    }
}
