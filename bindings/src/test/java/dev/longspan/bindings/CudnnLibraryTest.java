package dev.longspan.bindings;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** cuDNN's loader in JVMs of their own; where LONGSPAN_CUDNN names its folder, with the library itself. */
final class CudnnLibraryTest {

    private static final String ALLOWED = "--enable-native-access=ALL-UNNAMED";
    private static final String FILE = "libcudnn_graph.so.9";

    @TempDir
    private Path folder;

    @Test
    void saysWhereItFoundNothing() throws Exception {
        assertThat(report(Map.of(), ALLOWED, given(folder))).isEqualTo("refused: there is no file " + folder.resolve(FILE));
    }

    @Test
    void refusesWithoutNativeAccess() throws Exception {
        assertThat(report(Map.of(), given(folder))).isEqualTo(
                "refused: native access is not enabled: start java with --enable-native-access=ALL-UNNAMED");
    }

    @Test
    void refusesADamagedFile() throws Exception {
        Files.writeString(folder.resolve(FILE), "no library");
        assertThat(report(Map.of(), ALLOWED, given(folder))).isEqualTo(
                "refused: " + folder.resolve(FILE) + " cannot be loaded: it is no ELF library");
    }

    @Test
    void refusesAnotherLibraryOfThatName() throws Exception {
        BuiltLibrary.assume();
        Files.copy(BuiltLibrary.file(), folder.resolve(FILE));
        assertThat(report(Map.of(), ALLOWED, given(folder))).isEqualTo(
                "refused: " + folder.resolve(FILE) + " is no cuDNN: it has no cudnnGetVersion");
    }

    @Test
    void loadsFromTheFolderThatThePropertyNames() throws Exception {
        assertThat(report(Map.of(), ALLOWED, given(installed()))).matches("loaded: 9\\.\\d+\\.\\d+");
    }

    @Test
    void loadsFromTheLibraryPath() throws Exception {
        assertThat(report(Map.of(), ALLOWED, "-Djava.library.path=" + installed())).startsWith("loaded: ");
    }

    @Test
    void loadsWhatTheDynamicLinkerFinds() throws Exception {
        assertThat(report(Map.of("LD_LIBRARY_PATH", installed().toString()), ALLOWED, "-Djava.library.path=" + folder))
                .startsWith("loaded: ");
    }

    @Test
    void refusesWhereCublasLtIsMissingBecauseCudnnWouldEndTheProcess() throws Exception {
        List<String> others = List.of(FILE, "libcudnn_heuristic.so.9", "libcudnn_engines_runtime_compiled.so.9");
        for (String library : others) {
            Files.createSymbolicLink(folder.resolve(library), installed().resolve(library));
        }
        String report = report(Map.of(), ALLOWED, given(folder));
        for (String library : others) {
            Files.delete(folder.resolve(library));
        }
        Assumptions.assumeFalse(report.startsWith("loaded: "), "the dynamic linker finds libcublasLt");
        assertThat(report).matches("refused: cuDNN 9\\.\\d+\\.\\d+ needs libcublasLt\\.so\\.\\d+, which cannot be loaded");
    }

    private static Path installed() {
        String installed = System.getenv("LONGSPAN_CUDNN");
        Assumptions.assumeTrue(installed != null, "LONGSPAN_CUDNN names no folder with " + FILE);
        return Path.of(String.valueOf(installed));
    }

    private static String given(Path cudnn) {
        return "-D" + CudnnLibrary.PROPERTY + "=" + cudnn;
    }

    private static String report(Map<String, String> environment, String... options) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString()));
        command.addAll(List.of(options));
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), CudnnReport.class.getName()));
        ProcessBuilder builder = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT);
        builder.environment().putAll(environment);
        Process process = builder.start();
        String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
        assertThat(process.waitFor()).as(out).isZero();
        return out;
    }
}
