package dev.longspan.checkpoint;

import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Lays tensors out (large elements first, so that each is aligned to its own size) and writes them atomically. */
final class SafetensorsWriter {

    private static final long PIECE_BYTES = 64L << 20;

    private SafetensorsWriter() {
    }

    static void save(Path file, Map<String, Tensor> tensors, Map<String, String> metadata, FileSteps steps) {
        Map<String, TensorSource> sources = new LinkedHashMap<>();
        tensors.forEach((name, tensor) -> sources.put(name, TensorSource.of(tensor)));
        saveEach(file, sources, metadata, steps);
    }

    static void saveEach(Path file, Map<String, TensorSource> tensors, Map<String, String> metadata, FileSteps steps) {
        List<TensorEntry> entries = layOut(tensors);
        Map<String, String> strings = new TreeMap<>(metadata);
        strings.forEach(SafetensorsWriter::checkMetadata);
        strings.put(Checksums.KEY, Checksums.of(strings, entries, entry -> {
            try (TensorArena arena = new TensorArena()) {
                return Checksums.of(entry, bytes(entry, tensors, arena));
            }
        }));
        ByteBuffer header = SafetensorsHeader.encode(entries, strings);
        AtomicFile.write(file, steps, channel -> {
            steps.write(channel, header.rewind());
            for (TensorEntry entry : entries) {
                try (TensorArena arena = new TensorArena()) {
                    write(channel, bytes(entry, tensors, arena), steps);
                }
            }
        });
    }

    private static List<TensorEntry> layOut(Map<String, TensorSource> tensors) {
        if (tensors.size() > HeaderReader.MAX_TENSORS) {
            throw new IllegalArgumentException("a file must not have more than " + HeaderReader.MAX_TENSORS
                    + " tensors: tensors=" + tensors.size());
        }
        List<String> names = new ArrayList<>(tensors.keySet());
        names.forEach(SafetensorsWriter::checkName);
        names.sort(Comparator.<String>comparingInt(name -> -source(tensors, name).dtype().bytes())
                .thenComparing(Comparator.naturalOrder()));
        List<TensorEntry> entries = new ArrayList<>();
        long at = 0;
        for (String name : names) {
            TensorSource source = source(tensors, name);
            long end = at + Tensor.byteSize(source.dtype(), source.shape());
            entries.add(new TensorEntry(name, source.dtype(), source.shape(), at, end));
            at = end;
        }
        entries.sort(TensorEntry.BY_PLACE);
        return entries;
    }

    private static TensorSource source(Map<String, TensorSource> tensors, String name) {
        TensorSource source = tensors.get(name);
        if (source == null) {
            throw new IllegalArgumentException("tensors must not be null: name=" + name);
        }
        return source;
    }

    private static MemorySegment bytes(TensorEntry entry, Map<String, TensorSource> tensors, TensorArena arena) {
        Tensor tensor = source(tensors, entry.name()).in(arena);
        if (tensor.dtype() != entry.dtype() || !Arrays.equals(tensor.shape(), entry.shape())) {
            throw new IllegalArgumentException("tensor must be " + entry.type() + ": name=" + entry.name() + ", tensor="
                    + tensor);
        }
        Tensor whole = tensor.isOnHost() && tensor.isContiguous() ? tensor
                : arena.allocate(tensor.dtype(), tensor.shape()).copyFrom(tensor);
        int bytes = whole.dtype().bytes();
        return whole.segment().asSlice(whole.offset() * bytes, whole.elements() * bytes);
    }

    private static void checkName(String name) {
        if (name.equals(SafetensorsHeader.METADATA) || !Json.isWellFormed(name)) {
            throw new IllegalArgumentException("name must be Unicode text other than " + SafetensorsHeader.METADATA
                    + ": name=" + name);
        }
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
