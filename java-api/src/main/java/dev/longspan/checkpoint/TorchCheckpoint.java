package dev.longspan.checkpoint;

import dev.longspan.tensor.DType;
import dev.longspan.tensor.Storage;
import dev.longspan.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A file of torch.save (the zip format since torch 1.6, {@code .pth} or {@code .pt}) as read-only tensors over a mapping.
 * It is read as data: nothing in it is executed, and whatever is not a dict of tensors is refused. Usable from any thread;
 * the tensors are gone once it is closed.
 */
public final class TorchCheckpoint implements AutoCloseable {

    private static final ValueLayout.OfLong FIRST = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final long ZIP = 0x04034b50;
    private static final long OLDER = 0x469c_fc6c_0a8a_0280L;

    private final MappedFile mapping;
    private final Map<String, Tensor> tensors;

    private TorchCheckpoint(MappedFile mapping, Map<String, Tensor> tensors) {
        this.mapping = mapping;
        this.tensors = Collections.unmodifiableMap(tensors);
    }

    /**
     * Maps a file and compares every part with its checksum, which reads it once. Throws ModelFormatException for what is
     * damaged or hostile, and for torch's older format, TorchScript and big-endian files.
     */
    public static TorchCheckpoint open(Path file) {
        MappedFile mapping = MappedFile.of(file);
        try {
            MemorySegment bytes = mapping.bytes();
            TorchReader.checkIsZip(file, bytes);
            StoredZip zip = StoredZip.read(file, bytes);
            Map<String, TorchView> views = TorchReader.read(file, bytes, zip);
            zip.verify();
            return new TorchCheckpoint(mapping, tensors(mapping, views));
        } catch (RuntimeException | Error e) {
            mapping.close();
            throw e;
        }
    }

    /** Tensors by name, in the order of the file; the keys of nested dicts are joined by dots. */
    public Map<String, Tensor> tensors() {
        return tensors;
    }

    @Override
    public void close() {
        mapping.close();
    }

    /** By its name, or by the first bytes of a zip archive or of torch's older format: no safetensors file starts so. */
    static boolean looksLikeOne(Path file) {
        String name = String.valueOf(file.getFileName());
        if (name.endsWith(".pth") || name.endsWith(".pt") || !Files.isRegularFile(file)) {
            return name.endsWith(".pth") || name.endsWith(".pt");
        }
        try (MappedFile mapping = MappedFile.of(file)) {
            long first = mapping.bytes().byteSize() < 8 ? 0 : mapping.bytes().get(FIRST, 0);
            return (first & 0xFFFF_FFFFL) == ZIP && first >>> 32 != 0 || first == OLDER;
        }
    }

    private static Map<String, Tensor> tensors(MappedFile mapping, Map<String, TorchView> views) {
        record Part(StoredZip.Entry entry, DType dtype) { }
        Map<Part, Storage> storages = new HashMap<>();
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        views.forEach((name, view) -> {
            StoredZip.Entry entry = view.entry();
            Storage storage = storages.computeIfAbsent(new Part(entry, view.dtype()),
                    part -> mapping.storage(entry.at(), entry.size(), view.dtype()));
            tensors.put(name, Tensor.of(storage, view.offset(), view.dtype(), view.shape(), view.strides()));
        });
        return tensors;
    }
}
