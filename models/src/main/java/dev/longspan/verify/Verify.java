package dev.longspan.verify;

import dev.longspan.autograd.Workspace;
import dev.longspan.backend.Backend;
import dev.longspan.checkpoint.Checkpoint;
import dev.longspan.checkpoint.CheckpointIOException;
import dev.longspan.checkpoint.ModelFormatException;
import dev.longspan.json.JsonObject;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import dev.longspan.verify.Line.Verdict;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Runs a folder of goldens. */
public final class Verify {

    /** Kinds of cases that this build computes. */
    public static final Map<String, CaseRunner> KINDS = Map.ofEntries(Map.entry("core", new CoreCase()),
            Map.entry("module", new ModuleCase()), Map.entry("decoder", new DecoderCase()),
            Map.entry("encoder", new EncoderCase()), Map.entry("xpos", new XposCase()), Map.entry("cema", new CemaCase()),
            Map.entry("timestep_norm", new TimestepNormCase()), Map.entry("plus_one_norms", new PlusOneNormsCase()),
            Map.entry("normalized_chunk_attention", new ChunkAttentionCase()), Map.entry("block", new MegalodonBlockCase()),
            Map.entry("model", new MegalodonModelCase()), Map.entry("train", new MegalodonTrainingCase()),
            Map.entry("inference", new MegalodonInferenceCase()), Map.entry("packed", new PackedCase()),
            Map.entry("rmt_encoder_bert", new RmtEncoderCase()), Map.entry("rmt_decoder_gpt2", new RmtDecoderCase()));

    private static final String MANIFEST = "manifest.json";
    private static final int COLUMN = 48;

    private final Map<String, CaseRunner> kinds;
    private final Backend backend;
    private final Parallel parallel;
    private final Report report;

    private Verify(Map<String, CaseRunner> kinds, Backend backend, Parallel parallel, Report report) {
        this.kinds = kinds;
        this.backend = backend;
        this.parallel = parallel;
        this.report = report;
    }

    /**
     * Compares every tensor of role expected in the folder and writes a line for each (case, tensor, largest absolute
     * error, bound, verdict) and last {@code N passed, M failed}, with how many the reference spoilt where there are any. A
     * case that cannot be computed is a failure with its reason. Throws IOException only where {@code out} does.
     */
    public static Summary run(Path folder, Backend backend, Parallel parallel, Appendable out) throws IOException {
        return run(folder, KINDS, backend, parallel, out);
    }

    /** As {@link #run(Path, Backend, Parallel, Appendable)} with other kinds. */
    public static Summary run(Path folder, Map<String, CaseRunner> kinds, Backend backend, Parallel parallel, Appendable out)
            throws IOException {
        Report report = new Report(out);
        new Verify(kinds, backend, parallel, report).folder(folder);
        return report.finish();
    }

    /** Counts and prints. */
    private static final class Report {
        private final Appendable out;
        private final List<Line> lines = new ArrayList<>();
        Report(Appendable out) {
            this.out = out;
        }

        void compared(String name, GoldenTensor tensor, Tolerance.Comparison result) throws IOException {
            Verdict verdict = result.isOk() ? Verdict.OK
                    : Spoilt.explains(name, tensor.name(), result.maxAbsError()) ? Verdict.SPOILT : Verdict.FAILED;
            lines.add(new Line(name, tensor.name(), result.maxAbsError(), result.bound(), verdict));
            out.append(String.format("%-" + COLUMN + "s %-40s max abs error %9.3e, bound %9.3e  %s%n", name, tensor.name(),
                    result.maxAbsError(), result.bound(), switch (verdict) {
                        case OK -> "ok";
                        case FAILED -> ("FAILED " + result.problem()).strip();
                        case SPOILT -> "spoilt in the reference";
                    }));
        }

        void failed(String name, String problem) throws IOException {
            lines.add(new Line(name, problem, Double.NaN, 0, Verdict.FAILED));
            out.append(String.format("%-" + COLUMN + "s FAILED %s%n", name, problem));
        }

        Summary finish() throws IOException {
            Summary summary = new Summary(count(Verdict.OK), count(Verdict.FAILED), count(Verdict.SPOILT), lines);
            out.append(summary.toString()).append(System.lineSeparator());
            return summary;
        }

        private int count(Verdict verdict) {
            return (int) lines.stream().filter(line -> line.verdict() == verdict).count();
        }
    }

    private void folder(Path folder) throws IOException {
        Path manifest = folder.resolve(MANIFEST);
        if (!Files.isRegularFile(manifest)) {
            report.failed(folder.toString(), "has no " + MANIFEST);
            return;
        }
        JsonObject files;
        TreeSet<String> unlisted;
        try (Stream<Path> present = Files.list(folder)) {
            files = JsonObject.read(manifest).object("files");
            unlisted = present.map(file -> file.getFileName().toString()).filter(name -> name.endsWith(".safetensors"))
                    .collect(Collectors.toCollection(TreeSet::new));
        } catch (IllegalArgumentException | IOException e) {
            report.failed(MANIFEST, String.valueOf(e.getMessage()));
            return;
        }
        unlisted.removeAll(files.keys());
        for (String name : unlisted) {
            report.failed(name, "is not in the manifest");
        }
        if (files.keys().isEmpty()) {
            report.failed(MANIFEST, "lists no files");
        }
        for (String name : files.keys()) {
            file(folder, files, name);
        }
    }

    private void file(Path folder, JsonObject files, String name) throws IOException {
        String label = name.replaceFirst("\\.safetensors$", "");
        try (TensorArena arena = new TensorArena(backend.space()); Workspace workspace = new Workspace(backend.space())) {
            JsonObject entry = files.object(name);
            Map<String, GoldenTensor> elsewhere = Map.of();
            if (entry.has("params_from")) {
                String source = entry.text("params_from");
                elsewhere = tensors(folder.resolve(source), files.object(source), arena);
            }
            JsonObject config = entry.object("config");
            GoldenCase golden = new GoldenCase(label, config.values(), tensors(folder.resolve(name), entry, arena), elsewhere);
            String kind = config.text("kind");
            CaseRunner runner = kinds.get(kind);
            if (runner == null) {
                throw new IllegalArgumentException("kind is not known: kind=" + kind);
            }
            compare(golden, runner, new Machine(backend, parallel, workspace, arena));
        } catch (IllegalArgumentException | ArithmeticException | ModelFormatException | CheckpointIOException e) {
            report.failed(label, String.valueOf(e.getMessage()).replaceAll("\\R.*", ""));
        }
    }

    private void compare(GoldenCase golden, CaseRunner runner, Machine machine) throws IOException {
        List<GoldenTensor> expected = golden.expected();
        if (expected.isEmpty()) {
            throw new IllegalArgumentException("no tensor is expected");
        }
        Map<Variant, Map<String, Values>> computed = new LinkedHashMap<>();
        for (GoldenTensor tensor : expected) {
            Variant whole = tensor.variant(machine, expected);
            Tolerance.Comparison worst = null;
            for (Parts parts : runner.partitions(golden)) {
                Values values = computed.computeIfAbsent(whole.in(parts), v -> runner.run(golden, v, machine))
                        .get(runner.quantity(tensor.stem()));
                if (values != null) {
                    Tolerance.Comparison result = tensor.tolerance()
                            .compare(values, Values.of(tensor.data()), whole.dtype()).in(parts);
                    worst = worst == null || result.isWorseThan(worst) ? result : worst;
                }
            }
            if (worst == null) {
                report.failed(golden.name(), "tensor " + tensor.name() + " is not known");
            } else {
                report.compared(golden.name(), tensor, worst);
            }
        }
        Map<String, Values> known = computed.values().iterator().next();
        for (GoldenTensor tensor : golden.references()) {
            if (!known.containsKey(runner.quantity(tensor.stem()))) {
                report.failed(golden.name(), "tensor " + tensor.name() + " is not known");
            }
        }
        for (String unread : golden.unread()) {
            report.failed(golden.name(), "tensor " + unread + " is not known");
        }
    }

    private static Map<String, GoldenTensor> tensors(Path file, JsonObject entry, TensorArena arena) {
        JsonObject listed = entry.object("tensors");
        Map<String, GoldenTensor> tensors = new LinkedHashMap<>();
        try (Checkpoint checkpoint = Checkpoint.open(file)) {
            for (String name : checkpoint.tensors().keySet()) {
                if (!listed.has(name)) {
                    throw new IllegalArgumentException("tensor " + name + " is not in the manifest");
                }
            }
            for (String name : listed.keys()) {
                Tensor stored = checkpoint.tensor(name);
                Tensor copy = arena.allocate(stored.dtype(), stored.shape()).copyFrom(stored);
                tensors.put(name, GoldenTensor.of(name, listed.object(name), copy));
            }
        }
        return tensors;
    }
}
