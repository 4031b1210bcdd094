package dev.longspan.checkpoint;

import dev.longspan.tensor.DType;
import dev.longspan.tensor.Owner;
import dev.longspan.tensor.Storage;
import dev.longspan.tensor.TensorArena;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** A whole file in read-only memory that is gone once it is closed. Usable from any thread. */
final class MappedFile implements Owner, AutoCloseable {

    private final Path file;
    private final Arena arena = Arena.ofShared();
    private final TensorArena copies = new TensorArena();
    private final MemorySegment bytes;
    private volatile boolean closed;

    private MappedFile(Path file) throws IOException {
        this.file = file;
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            bytes = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
        } catch (IOException | RuntimeException e) {
            close();
            throw e;
        }
    }

    /** Maps a regular file; throws CheckpointIOException where it cannot be read. */
    static MappedFile of(Path file) {
        try {
            if (Files.exists(file) && !Files.isRegularFile(file)) {
                throw new NoSuchFileException(file.toString());
            }
            return new MappedFile(file);
        } catch (IOException e) {
            throw new CheckpointIOException("read", file, e);
        }
    }

    MemorySegment bytes() {
        return bytes;
    }

    /** A part of the file as elements of a dtype: a view of the mapping where the part lies at a multiple of their size. */
    Storage storage(long at, long size, DType dtype) {
        MemorySegment part = bytes.asSlice(at, size);
        if (at % dtype.bytes() == 0) {
            return Storage.host(part, this);
        }
        // Kernels read whole elements at multiples of their size; files of other writers need not lie so.
        MemorySegment copy = copies.allocateStorage(size).segment();
        copy.copyFrom(part);
        return Storage.host(copy.asReadOnly(), this);
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
