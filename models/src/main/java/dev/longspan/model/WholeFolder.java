package dev.longspan.model;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * A folder of known files that appears whole or not at all: written under a hidden name beside its place, forced to the disk
 * and renamed. What it replaces stays until then.
 */
public final class WholeFolder {

    private static final String NEW = ".longspan-tmp";
    private static final String OLD = ".longspan-old";

    /** Writes files into the hidden folder. */
    @FunctionalInterface
    public interface Contents {
        void writeTo(Path folder) throws IOException;
    }

    private final Path target;
    private final Set<String> files;

    /**
     * A folder to be written.
     *
     * @param files the names that may lie in it: nothing else is ever deleted
     */
    public WholeFolder(Path target, Set<String> files) {
        this.target = target.toAbsolutePath().normalize();
        this.files = Set.copyOf(files);
    }

    /** Throws IllegalArgumentException if it cannot be written: it is there and must not be replaced, or holds other files. */
    public void check(boolean overwrite) throws IOException {
        if (target.getParent() == null || Files.exists(target) && !Files.isDirectory(target)) {
            throw new IllegalArgumentException("target must be a folder: target=" + target);
        }
        List<String> found = Files.exists(target) ? list(target) : List.of();
        if (!found.isEmpty() && !overwrite) {
            throw new IllegalArgumentException("target is there already: target=" + target + "; --overwrite replaces it");
        }
        for (String name : found) {
            if (!files.contains(name)) {
                throw new IllegalArgumentException("target holds other files, which are never deleted: target=" + target
                        + ", file=" + name);
            }
        }
    }

    /** Creates or replaces the folder; when that fails, it is as it was. */
    public void write(Contents contents) throws IOException {
        Files.createDirectories(parent());
        Path hidden = beside(NEW);
        Path old = beside(OLD);
        boolean done = false;
        try {
            delete(hidden);
            Files.createDirectory(hidden);
            contents.writeTo(hidden);
            force(hidden);
            if (Files.exists(target)) {
                delete(old);
                Files.move(target, old, StandardCopyOption.ATOMIC_MOVE);
            }
            Files.move(hidden, target, StandardCopyOption.ATOMIC_MOVE);
            done = true;
            force(parent());
            delete(old);
        } finally {
            if (!done) {
                delete(hidden);
                if (!Files.exists(target) && Files.exists(old)) {
                    Files.move(old, target, StandardCopyOption.ATOMIC_MOVE);
                }
            }
        }
    }

    /** A text file of the hidden folder, forced to the disk. */
    public static void writeText(Path file, String text) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            ByteBuffer bytes = StandardCharsets.UTF_8.encode(text);
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
            channel.force(true);
        }
    }

    private Path parent() {
        Path parent = target.getParent();
        if (parent == null) {
            throw new IllegalArgumentException("target must lie in a folder: target=" + target);
        }
        return parent;
    }

    private Path beside(String suffix) {
        return parent().resolve("." + target.getFileName() + suffix);
    }

    private static void force(Path folder) throws IOException {
        try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }

    private static List<String> list(Path folder) throws IOException {
        List<String> names = new ArrayList<>();
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(folder)) {
            entries.forEach(entry -> names.add(entry.getFileName().toString()));
        }
        return names;
    }

    /** Our own hidden folders hold files only. */
    private static void delete(Path folder) throws IOException {
        if (Files.isDirectory(folder)) {
            for (String name : list(folder)) {
                Files.deleteIfExists(folder.resolve(name));
            }
            Files.deleteIfExists(folder);
        }
    }
}
