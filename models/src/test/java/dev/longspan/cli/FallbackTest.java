package dev.longspan.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whatever is wrong with the native library, a program starts, computes on the Vector API and says why in one sentence. */
final class FallbackTest {

    private static final String ALLOWED = "--enable-native-access=ALL-UNNAMED";
    private static final Path BUILT = Path.of(System.getProperty("java.library.path", ""));

    @TempDir
    private Path folder;

    @Test
    void withoutTheNativeJar() throws Exception {
        fallsBack("there is no liblongspan.so in java.library.path and no longspan-native jar", ALLOWED);
    }

    @Test
    void withALibraryForAnotherArchitecture() throws Exception {
        byte[] elf = built("liblongspan.so");
        elf[18] = (byte) 0xB7; // e_machine: AArch64
        Path library = written(elf);
        fallsBack(library + " cannot be loaded: it is for ELF machine 183, not for x86-64 (62)", ALLOWED, given(library));
    }

    @Test
    void withATruncatedLibrary() throws Exception {
        byte[] elf = built("liblongspan.so");
        Path library = written(Arrays.copyOf(elf, elf.length / 2));
        fallsBack(library + " cannot be loaded: it is truncated: it has " + elf.length / 2 + " of", ALLOWED, given(library));
    }

    @Test
    void withALibraryOfZeros() throws Exception {
        byte[] elf = built("liblongspan.so");
        Arrays.fill(elf, 64, elf.length, (byte) 0);
        Path library = written(elf);
        fallsBack(library.toString(), ALLOWED, given(library));
    }

    @Test
    void withALibraryOfAnotherAbiVersion() throws Exception {
        built("test/libstale.so");
        Path library = BUILT.resolve("test/libstale.so");
        fallsBack(library + " has ABI version -1: these bindings need ", ALLOWED, given(library));
    }

    @Test
    void withNativeAccessDenied() throws Exception {
        built("liblongspan.so");
        fallsBack("native access is not enabled: start java with " + ALLOWED, "--illegal-native-access=deny",
                given(BUILT.resolve("liblongspan.so")));
    }

    @Test
    void isSilentWhereAnotherBackendWasAskedFor() throws Exception {
        assertThat(doctor(List.of("--backend", "vector"), ALLOWED).err()).doesNotContain("cannot run");
    }

    private void fallsBack(String reason, String... options) throws IOException, InterruptedException {
        ChildJvm jvm = doctor(List.of(), options);
        assertThat(jvm.out()).containsPattern("Backend +vector +chosen +.*self-test ok");
        assertThat(jvm.out().lines().filter(l -> l.matches("Backend +host +unavailable .*") && l.contains(reason))).hasSize(1);
        assertThat(jvm.err().lines().filter(l -> l.contains("backend host cannot run: ") && l.contains(reason)
                && l.endsWith("; using vector"))).hasSize(1);
        assertThat(jvm.err()).doesNotContain("Exception");
    }

    private ChildJvm doctor(List<String> arguments, String... options) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of("--add-modules", "jdk.incubator.vector", "-Djava.library.path=" + folder));
        command.addAll(List.of(options));
        String withoutNativeJar = Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator, -1))
                .filter(entry -> !entry.contains("longspan-native")).collect(Collectors.joining(File.pathSeparator));
        command.addAll(List.of("-cp", withoutNativeJar, Main.class.getName()));
        command.addAll(arguments);
        command.add("doctor");
        ChildJvm jvm = ChildJvm.java(command);
        assertThat(jvm.status()).as(jvm.out() + jvm.err()).isZero();
        return jvm;
    }

    private static byte[] built(String file) throws IOException {
        Path library = BUILT.resolve(file);
        Assumptions.assumeTrue(Files.isRegularFile(library), () -> "the native library was not built: " + library);
        return Files.readAllBytes(library);
    }

    private Path written(byte[] library) throws IOException {
        return Files.write(folder.resolve("liblongspan.so"), library);
    }

    private static String given(Path library) {
        return "-Dlongspan.native=" + library;
    }
}
