package dev.longspan.checkpoint;

import dev.longspan.tensor.MemorySpace;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Lays tensors out (large elements first, so that each is aligned to its own size) and writes them atomically. */
final class SafetensorsWriter {

    private static final long PIECE_BYTES = 64L << 20;

    private SafetensorsWriter() {
    }

    static void save(Path file, Map<String, Tensor> tensors, Map<String, String> metadata, FileSteps steps) {
        try (TensorArena copies = new TensorArena()) {
            Map<String, MemorySegment> data = new HashMap<>();
            tensors.forEach((name, tensor) -> data.put(name, bytes(name, tensor, copies)));
            List<TensorEntry> entries = layOut(tensors);
            Map<String, String> strings = new TreeMap<>(metadata);
            strings.forEach(SafetensorsWriter::checkMetadata);
            strings.put(Checksums.KEY, Checksums.of(strings, entries, entry -> data(data, entry)));
            ByteBuffer header = SafetensorsHeader.encode(entries, strings);
            AtomicFile.write(file, steps, channel -> {
                steps.write(channel, header.rewind());
                for (TensorEntry entry : entries) {
                    write(channel, data(data, entry), steps);
                }
            });
        }
    }

    private static MemorySegment data(Map<String, MemorySegment> data, TensorEntry entry) {
        MemorySegment found = data.get(entry.name());
        if (found == null) {
            throw new IllegalStateException("no data for tensor " + entry.name());
        }
        return found;
    }

    private static List<TensorEntry> layOut(Map<String, Tensor> tensors) {
        if (tensors.size() > HeaderReader.MAX_TENSORS) {
            throw new IllegalArgumentException("a file must not have more than " + HeaderReader.MAX_TENSORS
                    + " tensors: tensors=" + tensors.size());
        }
        List<String> names = new ArrayList<>(tensors.keySet());
        names.sort(Comparator.<String>comparingInt(name -> -tensor(tensors, name).dtype().bytes())
                .thenComparing(Comparator.naturalOrder()));
        List<TensorEntry> entries = new ArrayList<>();
        long at = 0;
        for (String name : names) {
            Tensor tensor = tensor(tensors, name);
            long end = at + tensor.elements() * tensor.dtype().bytes();
            entries.add(new TensorEntry(name, tensor.dtype(), tensor.shape(), at, end));
            at = end;
        }
        entries.sort(TensorEntry.BY_PLACE);
        return entries;
    }

    private static Tensor tensor(Map<String, Tensor> tensors, String name) {
        Tensor tensor = tensors.get(name);
        if (tensor == null) {
            throw new IllegalArgumentException("tensors must not be null: name=" + name);
        }
        return tensor;
    }

    private static MemorySegment bytes(String name, Tensor tensor, TensorArena copies) {
        if (name.equals(SafetensorsHeader.METADATA) || !Json.isWellFormed(name)) {
            throw new IllegalArgumentException("name must be Unicode text other than " + SafetensorsHeader.METADATA
                    + ": name=" + name);
        }
        if (tensor.storage().space() != MemorySpace.HOST) {
            throw new IllegalArgumentException("tensor must lie in host memory: name=" + name);
        }
        Tensor whole = tensor.isContiguous() ? tensor
                : copies.allocate(tensor.dtype(), tensor.shape()).copyFrom(tensor);
        int bytes = whole.dtype().bytes();
        return whole.segment().asSlice(whole.offset() * bytes, whole.elements() * bytes);
    }

    private static void checkMetadata(String key, String value) {
        if (!Json.isWellFormed(key) || !Json.isWellFormed(value) || value.length() > Json.MAX_STRING) {
            throw new IllegalArgumentException("metadata must be Unicode text of at most " + Json.MAX_STRING
                    + " characters: key=" + key + ", length=" + value.length());
        }
    }

    private static void write(FileChannel channel, MemorySegment data, FileSteps steps) throws IOException {
        for (long at = 0; at < data.byteSize(); at += PIECE_BYTES) {
            steps.write(channel, data.asSlice(at, Math.min(PIECE_BYTES, data.byteSize() - at)).asByteBuffer());
        }
    }
}
