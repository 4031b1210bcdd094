package dev.longspan.checkpoint;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.ThreadLocalRandom;

/**
 * A file that holds either its old or its new contents, whatever happens in between: written beside its place, forced
 * to the disk, renamed over, and the folder forced. A writer locks its temporary file, so that what a crash left behind
 * can be told from what another writer is still writing.
 */
final class AtomicFile {

    private static final String SUFFIX = ".longspan-tmp";

    /** Writes the contents of a file. */
    @FunctionalInterface
    interface Contents {
        void writeTo(FileChannel channel) throws IOException;
    }

    private AtomicFile() {
    }

    /**
     * Replaces or creates {@code file}; when a step fails, throws CheckpointIOException and the old contents are whole.
     */
    static void write(Path file, FileSteps steps, Contents contents) {
        Path folder = folder(file);
        removeStale(file);
        try {
            while (!tryWrite(file, folder, steps, contents)) {
                Thread.onSpinWait();
            }
        } catch (IOException e) {
            throw new CheckpointIOException("write", file, e);
        }
    }

    /** False if another process took the temporary file for a stale one before it was locked. */
    private static boolean tryWrite(Path file, Path folder, FileSteps steps, Contents contents) throws IOException {
        Path temporary = folder.resolve(prefix(file)
                + Long.toHexString(ThreadLocalRandom.current().nextLong()) + SUFFIX);
        boolean moved = false;
        try (FileChannel channel = FileChannel.open(temporary, StandardOpenOption.CREATE_NEW,
                StandardOpenOption.WRITE)) {
            if (!lockIfPossible(channel) || !Files.exists(temporary)) {
                return false;
            }
            contents.writeTo(channel);
            steps.force(channel);
            steps.rename(temporary, file);
            moved = true;
            steps.forceFolder(folder);
            return true;
        } catch (FileAlreadyExistsException sameName) {
            moved = true; // not ours to delete
            return false;
        } finally {
            if (!moved) {
                Files.deleteIfExists(temporary);
            }
        }
    }

    /** Deletes temporary files of {@code file} that no living writer holds. */
    static void removeStale(Path file) {
        String prefix = prefix(file);
        try (DirectoryStream<Path> left = Files.newDirectoryStream(folder(file), path -> {
            String name = path.getFileName().toString();
            return name.startsWith(prefix) && name.endsWith(SUFFIX);
        })) {
            for (Path temporary : left) {
                removeUnlessLocked(temporary);
            }
        } catch (IOException unreadable) {
            return; // a folder that cannot be listed: its reader or writer says why
        }
    }

    private static void removeUnlessLocked(Path temporary) {
        try (FileChannel channel = FileChannel.open(temporary, StandardOpenOption.WRITE)) {
            if (lock(channel)) {
                Files.deleteIfExists(temporary);
            }
        } catch (IOException kept) {
            return; // a read-only folder or a file system without locks: harmless, only bytes on a disk
        }
    }

    private static boolean lockIfPossible(FileChannel channel) {
        try {
            return lock(channel);
        } catch (IOException noLocksHere) {
            return true; // then nobody can lock it to delete it either
        }
    }

    private static boolean lock(FileChannel channel) throws IOException {
        try {
            return channel.tryLock() != null;
        } catch (OverlappingFileLockException anotherThread) {
            return false;
        }
    }

    private static String prefix(Path file) {
        return "." + file.getFileName() + "-";
    }

    private static Path folder(Path file) {
        Path parent = file.toAbsolutePath().getParent();
        if (parent == null) {
            throw new IllegalArgumentException("file must lie in a folder: file=" + file);
        }
        return parent;
    }
}
