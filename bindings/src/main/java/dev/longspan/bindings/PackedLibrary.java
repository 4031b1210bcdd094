package dev.longspan.bindings;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/** A library inside a jar, unpacked into a private folder under the name of its SHA-256 and used again from there. */
final class PackedLibrary {

    private static final String FOLDER = "META-INF/longspan/linux-x86_64/";

    private PackedLibrary() {
    }

    /** The unpacked file; none where no jar has it. Throws IOException where its bytes are not those that were packed. */
    static @Nullable Path find(String name) throws IOException {
        byte[] library = resource(FOLDER + name);
        byte[] expected = resource(FOLDER + name + ".sha256");
        if (library == null || expected == null) {
            return null;
        }
        String hash = new String(expected, StandardCharsets.US_ASCII).strip();
        String actual = sha256(library);
        if (!actual.equals(hash)) {
            throw new IOException(name + " in the jar is damaged: its SHA-256 is " + actual + ", not " + hash);
        }
        Path file = cache().resolve(hash).resolve(name);
        if (!Files.isRegularFile(file) || !sha256(Files.readAllBytes(file)).equals(hash)) {
            unpack(library, file);
        }
        return file;
    }

    private static Path cache() {
        String configured = System.getenv("XDG_CACHE_HOME");
        return (configured == null || configured.isEmpty() ? Path.of(System.getProperty("user.home"), ".cache") : Path.of(configured))
                .resolve("longspan");
    }

    /** Another JVM that unpacks at the same time writes the same bytes. */
    private static void unpack(byte[] library, Path file) throws IOException {
        Path folder = Files.createDirectories(file.resolveSibling(""),
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        Path part = Files.createTempFile(folder, "unpacking", ".so");
        try {
            Files.write(part, library);
            Files.move(part, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } finally {
            Files.deleteIfExists(part);
        }
    }

    private static byte @Nullable [] resource(String name) throws IOException {
        try (InputStream in = ClassLoader.getSystemResourceAsStream(name)) {
            return in == null ? null : in.readAllBytes();
        }
    }

    private static String sha256(byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError(e); // every JDK has it
        }
    }
}
