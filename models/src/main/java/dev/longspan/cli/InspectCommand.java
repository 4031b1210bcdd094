package dev.longspan.cli;

import dev.longspan.checkpoint.Checkpoint;
import dev.longspan.checkpoint.ModelFormatException;
import dev.longspan.model.ModelFolder;
import dev.longspan.tensor.Elements;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;

/** Lists what a model file holds and counts what no model should hold. */
@Command(
        name = "inspect",
        header = "List the tensors of a model: dtype, shape, bytes, checksum, values that are not finite; or draw its attention.",
        description = "%nA damaged file is exit status 3. With --reject-nonfinite, a NaN or infinity is exit status 1.%n",
        footer = {"", "Examples:", "  longspan inspect out/run", "  longspan inspect model.safetensors --reject-nonfinite",
            "  longspan inspect consolidated.pth",
            "  longspan inspect out/reasoning --attention out/maps --segments 1,4",
            "  longspan inspect out/detect --attention out/maps --fact 'Mary went to the garden.' --question 'Where is Mary?'"})
final class InspectCommand implements Callable<Integer> {

    private static final long PIECE_BYTES = 1L << 30;

    @ParentCommand
    private Main main;

    @Parameters(paramLabel = "MODEL", description = "A safetensors or .pth file, a model folder, or the folder of a training run.")
    private Path model;

    @Option(names = "--reject-nonfinite", description = "Fail if a weight is NaN or infinite.")
    private boolean rejectNonFinite;

    @ArgGroup(exclusive = false, heading = "%nAttention maps of a recurrent memory:%n")
    private @Nullable AttentionInspection attention;

    @Override
    public Integer call() throws IOException {
        main.limitMemory();
        if (attention != null) {
            if (rejectNonFinite) {
                throw new IllegalArgumentException("--reject-nonfinite lists tensors, --attention does not: give one of them");
            }
            attention.draw(model, main);
            return ExitStatus.OK;
        }
        Output output = main.output();
        Path path = Files.isDirectory(model) ? ModelFolder.lastStep(model).orElse(model) : model;
        List<Map<String, Object>> listed = new ArrayList<>();
        long elements = 0;
        long bytes = 0;
        long nonFinite = 0;
        try (Checkpoint checkpoint = Checkpoint.open(path)) {
            output.line("%s", path);
            output.line("%-5s %-20s %14s  %-8s %10s  %s", "dtype", "shape", "bytes", "crc32c", "non-finite", "tensor");
            for (Map.Entry<String, Tensor> entry : checkpoint.tensors().entrySet()) {
                Tensor tensor = entry.getValue();
                long size = Tensor.byteSize(tensor.dtype(), tensor.shape());
                long bad;
                String crc;
                try (TensorArena copies = new TensorArena()) {
                    Tensor plain = tensor.isContiguous() ? tensor : copies.allocate(tensor.dtype(), tensor.shape()).copyFrom(tensor);
                    bad = countNonFinite(plain);
                    crc = crc(plain, size);
                }
                output.line("%-5s %-20s %,14d  %-8s %10d  %s", tensor.dtype(), Arrays.toString(tensor.shape()), size, crc, bad,
                        ModelFormatException.printable(entry.getKey()));
                Map<String, Object> row = new LinkedHashMap<>();
                row.put("name", entry.getKey());
                row.put("dtype", tensor.dtype());
                row.put("shape", Arrays.stream(tensor.shape()).boxed().toList());
                row.put("bytes", size);
                row.put("crc32c", crc);
                row.put("non_finite", bad);
                listed.add(row);
                elements += tensor.elements();
                bytes += size;
                nonFinite += bad;
            }
            output.line("%d tensors, %,d elements, %s, %,d not finite", listed.size(), elements, ByteSize.text(bytes), nonFinite);
            Map<String, Object> result = new LinkedHashMap<>();
            result.put("path", path);
            result.put("elements", elements);
            result.put("bytes", bytes);
            result.put("non_finite", nonFinite);
            result.put("metadata", checkpoint.metadata());
            result.put("tensors", listed);
            output.result(result);
        }
        if (rejectNonFinite && nonFinite > 0) {
            main.err().println("error: " + path + ": " + nonFinite + " values are NaN or infinite");
            return ExitStatus.CHECK_FAILED;
        }
        return ExitStatus.OK;
    }

    private static long countNonFinite(Tensor tensor) {
        if (!tensor.dtype().isFloating()) {
            return 0;
        }
        MemorySegment segment = tensor.segment();
        long bad = 0;
        for (long i = 0; i < tensor.elements(); i++) {
            bad += Double.isFinite(Elements.get(segment, tensor.dtype(), tensor.offset() + i)) ? 0 : 1;
        }
        return bad;
    }

    private static String crc(Tensor tensor, long size) {
        MemorySegment data = tensor.segment().asSlice(tensor.offset() * tensor.dtype().bytes(), size);
        CRC32C crc = new CRC32C();
        for (long at = 0; at < size; at += PIECE_BYTES) {
            ByteBuffer piece = data.asSlice(at, Math.min(PIECE_BYTES, size - at)).asByteBuffer();
            crc.update(piece);
        }
        return String.format("%08x", crc.getValue());
    }
}
