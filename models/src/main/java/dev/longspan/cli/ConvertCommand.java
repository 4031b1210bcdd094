package dev.longspan.cli;

import dev.longspan.checkpoint.Checkpoint;
import dev.longspan.checkpoint.Safetensors;
import dev.longspan.checkpoint.TensorSource;
import dev.longspan.json.Json;
import dev.longspan.megalodon.MegalodonArchitecture;
import dev.longspan.megalodon.MegalodonKeys;
import dev.longspan.megalodon.OriginalCheckpoint;
import dev.longspan.megalodon.OriginalTensors;
import dev.longspan.model.ModelConfig;
import dev.longspan.model.ModelFolder;
import dev.longspan.model.WholeFolder;
import dev.longspan.parallel.CancelledException;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;

/** Makes model folders of the original's checkpoints, and back. */
@Command(
        name = "convert",
        header = "Make a model folder of a checkpoint of the original MEGALODON, or the other way round.",
        description = {"", "SOURCE is consolidated.pth, a folder with consolidated.pth or consolidated.NN.pth (shards are put "
                + "together), or a safetensors file of the same names; config.json with the original's \"model\" lies beside. "
                + "A .pth is read as data: nothing in it is executed, and what is no tensor is refused. Every tensor must be "
                + "used and none missing.", "",
            "TARGET is a folder that appears whole or not at all: config.json and model.safetensors, or with --to original "
                + "config.json, consolidate_config.json and consolidated.safetensors.", ""},
        footer = {"", "Examples:", "  longspan convert megalodon/consolidated.pth out/model",
            "  longspan convert megalodon/ out/model --dtype bf16", "  longspan convert --to original out/model out/original"})
final class ConvertCommand implements Callable<Integer> {

    /** Whose names and files to write. */
    enum Form {
        longspan, original
    }

    @ParentCommand
    private Main main;

    @Parameters(index = "0", paramLabel = "SOURCE", description = "What to convert.")
    private Path source;

    @Parameters(index = "1", paramLabel = "TARGET", description = "The folder to write.")
    private Path target;

    @Option(names = "--to", defaultValue = "longspan", paramLabel = "longspan|original",
            description = "Whose names and files to write (default: ${DEFAULT-VALUE}).")
    private Form to = Form.longspan;

    @Option(names = "--config", paramLabel = "FILE", description = "The original's configuration, if it does not lie beside.")
    private @Nullable Path config;

    @Option(names = "--dtype", paramLabel = "DTYPE",
            description = "F32, F64, BF16 or F16 for all weights (default: each as it is).")
    private @Nullable DType dtype;

    @Option(names = "--overwrite", description = "Replace a model that is there already.")
    private boolean overwrite;

    @Override
    public Integer call() throws IOException {
        main.limitMemory();
        if (dtype != null && !dtype.isFloating()) {
            throw new IllegalArgumentException("dtype must be F32, F64, BF16 or F16: dtype=" + dtype);
        }
        if (Files.exists(source) && Files.exists(target) && source.toRealPath().startsWith(target.toRealPath())) {
            throw new IllegalArgumentException("target must not hold the source: source=" + source + ", target=" + target);
        }
        WholeFolder folder = new WholeFolder(target, Set.of(ModelFolder.CONFIG, Checkpoint.FILE,
                OriginalCheckpoint.FILE, OriginalCheckpoint.CONSOLIDATE));
        folder.check(overwrite);
        try (StopSignals signals = StopSignals.caught()) {
            try {
                if (to == Form.original) {
                    writeOriginal(folder, signals);
                } else {
                    writeOwn(folder, signals);
                }
                return ExitStatus.OK;
            } catch (CancelledException stopped) {
                return signals.status().orElse(ExitStatus.CHECK_FAILED);
            }
        }
    }

    private void writeOwn(WholeFolder folder, StopSignals signals) throws IOException {
        try (OriginalCheckpoint original = OriginalCheckpoint.open(source, config)) {
            Map<String, TensorSource> tensors = converted(
                    new OriginalTensors(original.config()).toOwn(source, original.tensors()));
            ModelConfig written = ModelConfig.of(MegalodonArchitecture.MEGALODON, MegalodonKeys.write(original.config()));
            ConvertProgress progress = progress(tensors, signals);
            folder.write(hidden -> {
                WholeFolder.writeText(hidden.resolve(ModelFolder.CONFIG), Json.pretty(written.json()) + "\n");
                Safetensors.saveEach(hidden.resolve(Checkpoint.FILE), progress.over(tensors), Map.of("format", "longspan"));
            });
            report(tensors);
        }
    }

    private void writeOriginal(WholeFolder folder, StopSignals signals) throws IOException {
        ModelFolder own = ModelFolder.open(source, main.architectures());
        if (!(own.config().blueprint() instanceof MegalodonArchitecture.Stack stack) || config != null) {
            throw new IllegalArgumentException("--to original takes a MEGALODON folder, which has its own configuration: source="
                    + source);
        }
        try (Checkpoint weights = own.weights()) {
            Map<String, TensorSource> given = new LinkedHashMap<>();
            weights.tensors().forEach((name, tensor) -> given.put(name, TensorSource.of(tensor)));
            Map<String, TensorSource> tensors = new OriginalTensors(stack.config()).toOriginal(own.path(), converted(given));
            DType first = tensors.values().iterator().next().dtype();
            Map<String, ?> model = Map.of("model", MegalodonKeys.write(stack.config()));
            Map<String, ?> form = Map.of("model_parallel_size", 1, "dtype", switch (first) {
                case BF16 -> "bf16";
                case F16 -> "fp16";
                default -> "fp32";
            });
            ConvertProgress progress = progress(tensors, signals);
            folder.write(hidden -> {
                WholeFolder.writeText(hidden.resolve(ModelFolder.CONFIG), Json.pretty(model) + "\n");
                WholeFolder.writeText(hidden.resolve(OriginalCheckpoint.CONSOLIDATE), Json.pretty(form) + "\n");
                Safetensors.saveEach(hidden.resolve(OriginalCheckpoint.FILE), progress.over(tensors), Map.of("format", "pt"));
            });
            report(tensors);
        }
    }

    /** The same tensors in the dtype that was asked for, those that are not weights as they are. */
    private Map<String, TensorSource> converted(Map<String, TensorSource> tensors) {
        if (dtype == null) {
            return tensors;
        }
        DType wanted = dtype;
        Map<String, TensorSource> result = new LinkedHashMap<>();
        tensors.forEach((name, source) -> result.put(name, source.dtype() == wanted ? source
                : TensorSource.of(wanted, source.shape(),
                        arena -> arena.allocate(wanted, source.shape()).copyFrom(source.in(arena)))));
        return result;
    }

    private ConvertProgress progress(Map<String, TensorSource> tensors, StopSignals signals) {
        return new ConvertProgress(main.showsProgress() ? main.err() : null, signals.cancel(), bytes(tensors));
    }

    private void report(Map<String, TensorSource> tensors) {
        long elements = tensors.values().stream().mapToLong(t -> bytes(t) / t.dtype().bytes()).sum();
        main.output().line("%s: %d tensors, %,d elements, %s", target, tensors.size(), elements, ByteSize.text(bytes(tensors)));
        Map<String, Object> result = new LinkedHashMap<>();
        result.put("source", source);
        result.put("target", target);
        result.put("tensors", tensors.size());
        result.put("elements", elements);
        result.put("bytes", bytes(tensors));
        main.output().result(result);
    }

    private static long bytes(Map<String, TensorSource> tensors) {
        return tensors.values().stream().mapToLong(ConvertCommand::bytes).sum();
    }

    private static long bytes(TensorSource tensor) {
        return Tensor.byteSize(tensor.dtype(), tensor.shape());
    }
}
