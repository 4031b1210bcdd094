package dev.longspan.verify;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Assumptions;

/** JVMs with the CUDA backend on the emulated device; tests that need it are skipped where the native tests were not built. */
public final class EmulatedJvm {

    private EmulatedJvm() {
    }

    /** What a main class prints on standard output; it must end with status 0. */
    public static List<String> run(String main, String... arguments) throws IOException, InterruptedException {
        Path file = Path.of(System.getProperty("java.library.path", ""), "test/cuda/liblongspan_cuda_emulated.so");
        Assumptions.assumeTrue(Files.isRegularFile(file), "the emulated CUDA library was not built: " + file);
        List<String> command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--add-modules", "jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED", "-Dlongspan.cuda=" + file,
                "-Dlongspan.cuda.driver=" + file, "-cp", System.getProperty("java.class.path"), main));
        command.addAll(List.of(arguments));
        Process process = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD).start();
        List<String> lines = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).lines().toList();
        assertThat(process.waitFor()).as("%s", lines).isZero();
        return lines;
    }
}
