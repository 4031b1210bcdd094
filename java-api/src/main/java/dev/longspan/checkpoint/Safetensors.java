package dev.longspan.checkpoint;

import dev.longspan.tensor.MemorySpace;
import dev.longspan.tensor.Owner;
import dev.longspan.tensor.Storage;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A safetensors file as read-only tensors over a mapping: opening costs no heap for the data, and pages are read when
 * they are touched. Usable from any thread; the tensors are gone once it is closed. Replacing the file by {@link #save}
 * while it is open is safe; shortening it from outside is not. Format: github.com/huggingface/safetensors.
 */
public final class Safetensors implements AutoCloseable {

    private final Mapping mapping;
    private final Map<String, Tensor> tensors;
    private final Map<String, String> metadata;

    private Safetensors(Mapping mapping, Map<String, Tensor> tensors, Map<String, String> metadata) {
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
        Mapping mapping = Mapping.of(file);
        try {
            SafetensorsHeader header = HeaderReader.read(file, mapping.bytes);
            check.check(file, header, mapping.bytes);
            Map<String, Tensor> tensors = new LinkedHashMap<>();
            for (TensorEntry entry : header.entries()) {
                tensors.put(entry.name(), mapping.tensor(header.dataStart() + entry.begin(), entry));
            }
            header.metadata().remove(Checksums.KEY);
            return new Safetensors(mapping, tensors, header.metadata());
        } catch (RuntimeException | Error e) {
            mapping.close();
            throw e;
        }
    }

    private static final class Mapping implements Owner, AutoCloseable {
        private final Path file;
        private final Arena arena = Arena.ofShared();
        private final TensorArena copies = new TensorArena();
        private final MemorySegment bytes;
        private final Storage storage;
        private volatile boolean closed;

        private Mapping(Path file) throws IOException {
            this.file = file;
            try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
                bytes = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
            } catch (IOException | RuntimeException e) {
                close();
                throw e;
            }
            storage = new Storage(bytes, MemorySpace.HOST, this);
        }

        static Mapping of(Path file) {
            try {
                if (Files.exists(file) && !Files.isRegularFile(file)) {
                    throw new NoSuchFileException(file.toString());
                }
                return new Mapping(file);
            } catch (IOException e) {
                throw new CheckpointIOException("read", file, e);
            }
        }

        Tensor tensor(long at, TensorEntry entry) {
            int bytesEach = entry.dtype().bytes();
            if (at % bytesEach == 0) {
                return Tensor.of(storage, at / bytesEach, entry.dtype(), entry.shape());
            }
            // Kernels read whole elements at multiples of their size; files of other writers need not lie so.
            MemorySegment copy = copies.allocateStorage(entry.bytes()).segment();
            copy.copyFrom(bytes.asSlice(at, entry.bytes()));
            return Tensor.of(new Storage(copy.asReadOnly(), MemorySpace.HOST, this), entry.dtype(), entry.shape());
        }

        @Override
        public void checkAlive() {
            if (closed) {
                throw new IllegalStateException("the model file is closed: " + file);
            }
        }

        @Override
        public synchronized void close() {
            if (!closed) {
                closed = true;
                arena.close();
                copies.close();
            }
        }
    }
}
