package dev.longspan.text;

import java.io.IOException;
import java.io.InputStream;
import java.net.URISyntaxException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.security.CodeSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import org.jspecify.annotations.Nullable;

/** Where text comes from: the JDK's own sources, a folder, or this project's sources. Everything is read in place. */
public final class Sources {

    private static final String JDK = "jdk";
    private static final String PROJECT = "longspan";
    private static final String PACKAGES = "java.base/java/";
    private static final int HIGHEST_FOLDER = 6;

    private Sources() {
    }

    /** The JDK's {@code lib/src.zip}, or this project's sources where there is none. */
    public static Corpus standard() throws IOException {
        Optional<Path> zip = jdkZip();
        if (zip.isPresent()) {
            return jdk(zip.get());
        }
        Path project = project().orElseThrow(() -> new IllegalArgumentException("no text found: this JDK has no lib/src.zip"
                + " (" + System.getProperty("java.home") + ") and the project's sources are not near: pass --data DIR"));
        return folder(PROJECT, project, ".java"); // what the build generates lies below folders named target
    }

    /** Whether {@link #standard} gives corpora of that name; folders have the name {@code folder}. */
    public static boolean isStandard(String corpus) {
        return corpus.equals(JDK) || corpus.equals(PROJECT);
    }

    /** The sources of the running JDK, where its distribution has them. */
    public static Optional<Path> jdkZip() {
        Path zip = Path.of(System.getProperty("java.home"), "lib", "src.zip");
        return Files.isReadable(zip) ? Optional.of(zip) : Optional.empty();
    }

    /** The folder above the working folder or the launcher that holds this project's sources. */
    public static Optional<Path> project() {
        for (Path start : List.of(Path.of("").toAbsolutePath(), codeFolder())) {
            Path at = start;
            for (int up = 0; up < HIGHEST_FOLDER && at != null; up++, at = at.getParent()) {
                if (Files.isDirectory(at.resolve("java-api/src/main/java/dev/longspan"))) {
                    return Optional.of(at);
                }
            }
        }
        return Optional.empty();
    }

    /** {@code java.base/java/**} of a JDK's source archive, without licence headers. */
    public static Corpus jdk(Path zip) throws IOException {
        List<Document> documents = new ArrayList<>();
        try (ZipFile file = new ZipFile(zip.toFile())) {
            List<? extends ZipEntry> entries = file.stream()
                    .filter(e -> e.getName().startsWith(PACKAGES) && e.getName().endsWith(".java")).toList();
            for (ZipEntry entry : entries) {
                try (InputStream in = file.getInputStream(entry)) {
                    documents.add(new Document(entry.getName(), LicenceHeader.strip(in.readAllBytes())));
                }
            }
        }
        return Corpus.split(JDK, zip.toString(), documents);
    }

    /** Every text file below a folder, hidden ones and files with a byte 0 left out; links are not followed. */
    public static Corpus folder(Path folder) throws IOException {
        return folder("folder", folder.toAbsolutePath(), "");
    }

    private static Corpus folder(String name, Path folder, String ending) throws IOException {
        if (!Files.isDirectory(folder)) {
            throw new IllegalArgumentException("data must be a folder: data=" + folder);
        }
        List<Document> documents = new ArrayList<>();
        Files.walkFileTree(folder, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult preVisitDirectory(Path at, BasicFileAttributes attributes) {
                boolean built = !ending.isEmpty() && at.endsWith("target");
                return (isHidden(at) || built) && !at.equals(folder) ? FileVisitResult.SKIP_SUBTREE : FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                if (attributes.isRegularFile() && !isHidden(file) && file.toString().endsWith(ending)) {
                    byte[] text = Files.readAllBytes(file);
                    if (isText(text)) {
                        documents.add(new Document(relative(folder, file), LicenceHeader.strip(text)));
                    }
                }
                return FileVisitResult.CONTINUE;
            }
        });
        return Corpus.split(name, folder.toString(), documents);
    }

    private static boolean isHidden(Path file) {
        Path name = file.getFileName();
        return name != null && name.toString().startsWith(".");
    }

    private static String relative(Path folder, Path file) {
        return folder.relativize(file).toString().replace(file.getFileSystem().getSeparator(), "/");
    }

    private static boolean isText(byte[] text) {
        for (byte b : text) {
            if (b == Bytes.SEPARATOR) {
                return false;
            }
        }
        return true;
    }

    private static Path codeFolder() {
        @Nullable CodeSource source = Sources.class.getProtectionDomain().getCodeSource();
        try {
            return source == null ? Path.of("").toAbsolutePath() : Path.of(source.getLocation().toURI());
        } catch (URISyntaxException e) {
            return Path.of("").toAbsolutePath();
        }
    }
}
