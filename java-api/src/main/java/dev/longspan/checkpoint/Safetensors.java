package dev.longspan.checkpoint;

import dev.longspan.tensor.Storage;
import dev.longspan.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A safetensors file as read-only tensors over a mapping: opening costs no heap for the data, and pages are read when
 * they are touched. Usable from any thread; the tensors are gone once it is closed. Replacing the file by {@link #save}
 * while it is open is safe; shortening it from outside is not. Format: github.com/huggingface/safetensors.
 */
public final class Safetensors implements AutoCloseable {

    private final MappedFile mapping;
    private final Map<String, Tensor> tensors;
    private final Map<String, String> metadata;

    private Safetensors(MappedFile mapping, Map<String, Tensor> tensors, Map<String, String> metadata) {
        this.mapping = mapping;
        this.tensors = Collections.unmodifiableMap(tensors);
        this.metadata = Collections.unmodifiableMap(metadata);
    }

    /** Maps a file and compares every tensor with its checksum where the file has them, which reads it once. */
    public static Safetensors open(Path file) {
        return open(file, Checksums::verify);
    }

    /** Maps a file without reading its data: for files too large to read twice. */
    public static Safetensors openUnverified(Path file) {
        return open(file, (path, header, bytes) -> { });
    }

    /**
     * Replaces {@code file} by these tensors; after a failure or a crash at any moment it holds its old contents or the
     * new ones, whole. Checksums are added to the metadata.
     */
    public static void save(Path file, Map<String, Tensor> tensors, Map<String, String> metadata) {
        SafetensorsWriter.save(file, tensors, metadata, FileSteps.DISK);
    }

    /** {@link #save} for tensors that are made one at a time as they are written. */
    public static void saveEach(Path file, Map<String, TensorSource> tensors, Map<String, String> metadata) {
        SafetensorsWriter.saveEach(file, tensors, metadata, FileSteps.DISK);
    }

    /** Tensors by name, in the order of the file. */
    public Map<String, Tensor> tensors() {
        return tensors;
    }

    /** The file's own strings, checksums left out. */
    public Map<String, String> metadata() {
        return metadata;
    }

    @Override
    public void close() {
        mapping.close();
    }

    private interface Check {
        void check(Path file, SafetensorsHeader header, MemorySegment bytes);
    }

    private static Safetensors open(Path file, Check check) {
        AtomicFile.removeStale(file);
        MappedFile mapping = MappedFile.of(file);
        try {
            SafetensorsHeader header = HeaderReader.read(file, mapping.bytes());
            check.check(file, header, mapping.bytes());
            Map<String, Tensor> tensors = new LinkedHashMap<>();
            for (TensorEntry entry : header.entries()) {
                Storage storage = mapping.storage(header.dataStart() + entry.begin(), entry.bytes(), entry.dtype());
                tensors.put(entry.name(), Tensor.of(storage, entry.dtype(), entry.shape()));
            }
            header.metadata().remove(Checksums.KEY);
            return new Safetensors(mapping, tensors, header.metadata());
        } catch (RuntimeException | Error e) {
            mapping.close();
            throw e;
        }
    }
}
