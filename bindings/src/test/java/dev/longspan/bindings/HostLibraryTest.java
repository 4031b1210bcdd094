package dev.longspan.bindings;

import static org.assertj.core.api.Assertions.assertThat;

import dev.longspan.bindings.host.Longspan;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The loader in JVMs of their own: what it finds, and what it says where it refuses. */
final class HostLibraryTest {

    private static final String ALLOWED = "--enable-native-access=ALL-UNNAMED";

    @TempDir
    private Path folder;

    @BeforeEach
    void theLibraryIsThere() {
        BuiltLibrary.assume();
    }

    @Test
    void loadsTheFileThatThePropertyNames() throws Exception {
        assertThat(report(ALLOWED, given(BuiltLibrary.file()))).startsWith("loaded: ");
    }

    @Test
    void loadsFromTheLibraryPath() throws Exception {
        assertThat(report(ALLOWED, "-Djava.library.path=" + BuiltLibrary.file().getParent())).startsWith("loaded: ");
    }

    @Test
    void saysThatItFoundNothing() throws Exception {
        assertThat(report(ALLOWED, "-Djava.library.path=" + folder)).isEqualTo(
                "refused: there is no liblongspan.so in java.library.path and no longspan-native jar");
    }

    @Test
    void refusesWithoutNativeAccess() throws Exception {
        assertThat(report(given(BuiltLibrary.file()))).isEqualTo(
                "refused: native access is not enabled: start java with --enable-native-access=ALL-UNNAMED");
        assertThat(report("--illegal-native-access=deny", given(BuiltLibrary.file()))).startsWith(
                "refused: native access is not enabled");
    }

    @Test
    void refusesALibraryForAnotherArchitecture() throws Exception {
        byte[] elf = Files.readAllBytes(BuiltLibrary.file());
        elf[18] = (byte) 0xB7; // e_machine: AArch64
        assertThat(report(ALLOWED, given(written(elf)))).isEqualTo("refused: " + folder.resolve("liblongspan.so")
                + " cannot be loaded: it is for ELF machine 183, not for x86-64 (62)");
    }

    @Test
    void refusesACorruptedLibrary() throws Exception {
        byte[] elf = Files.readAllBytes(BuiltLibrary.file());
        String refused = "refused: " + folder.resolve("liblongspan.so") + " cannot be loaded: ";
        assertThat(report(ALLOWED, given(written(Arrays.copyOf(elf, 1000))))).startsWith(refused + "it is truncated: it has 1000 of");
        assertThat(report(ALLOWED, given(written(Arrays.copyOf(elf, elf.length - 1))))).startsWith(refused + "it is truncated");
        assertThat(report(ALLOWED, given(written("no library".getBytes(StandardCharsets.US_ASCII)))))
                .isEqualTo(refused + "it is no ELF library");
        Arrays.fill(elf, 64, elf.length, (byte) 0);
        assertThat(report(ALLOWED, given(written(elf)))).startsWith("refused: ").contains("liblongspan.so");
    }

    @Test
    void refusesALibraryOfAnotherAbiVersion() throws Exception {
        assertThat(report(ALLOWED, given(BuiltLibrary.stale()))).endsWith("libstale.so has ABI version -1: these bindings need "
                + Longspan.LS_ABI_VERSION());
    }

    @Test
    void unpacksTheJarOnceAndChecksItEveryTime() throws Exception {
        byte[] library = Files.readAllBytes(BuiltLibrary.file());
        pack(library, sha256(library));
        assertThat(packed()).startsWith("loaded: ");
        Path cached = folder.resolve("cache/longspan").resolve(sha256(library)).resolve("liblongspan.so");
        FileTime unpacked = FileTime.fromMillis(1_000_000_000_000L);
        Files.setLastModifiedTime(cached, unpacked);
        assertThat(packed()).startsWith("loaded: ");
        assertThat(Files.getLastModifiedTime(cached)).isEqualTo(unpacked);
        Files.write(cached, new byte[10]);
        assertThat(packed()).startsWith("loaded: ");
        assertThat(Files.readAllBytes(cached)).isEqualTo(library);
    }

    @Test
    void refusesAJarWhoseLibraryIsDamaged() throws Exception {
        byte[] library = Files.readAllBytes(BuiltLibrary.file());
        String hash = sha256(library);
        library[library.length / 2] ^= 1;
        pack(library, hash);
        assertThat(packed()).startsWith("refused: liblongspan.so cannot be read: liblongspan.so in the jar is damaged")
                .contains(hash);
    }

    private Path written(byte[] library) throws IOException {
        return Files.write(folder.resolve("liblongspan.so"), library);
    }

    private static String given(Path library) {
        return "-D" + HostLibrary.PROPERTY + "=" + library;
    }

    private void pack(byte[] library, String hash) throws IOException {
        Path place = Files.createDirectories(folder.resolve("jar/META-INF/longspan/linux-x86_64"));
        Files.write(place.resolve("liblongspan.so"), library);
        Files.writeString(place.resolve("liblongspan.so.sha256"), hash + "\n");
    }

    private String packed() throws Exception {
        return report(ALLOWED, "-Djava.library.path=" + folder.resolve("nothing"));
    }

    private String report(String... options) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString()));
        command.addAll(List.of(options));
        command.addAll(List.of("-cp", System.getProperty("java.class.path") + File.pathSeparator + folder.resolve("jar"),
                LibraryReport.class.getName()));
        ProcessBuilder builder = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT);
        builder.environment().put("XDG_CACHE_HOME", folder.resolve("cache").toString());
        Process process = builder.start();
        String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
        assertThat(process.waitFor()).as(out).isZero();
        return out;
    }

    private static String sha256(byte[] bytes) throws Exception {
        return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    }
}
