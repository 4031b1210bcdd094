package dev.longspan.kernel.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

/** cuDNN's attention executed, where there are a GPU, the CUDA kernels' library and cuDNN. */
final class CudnnGpuTest {

    @Test
    void attentionOnTheGpuIsFloat64sWithinTheRoundingOfBfloat16() throws Exception {
        List<String> command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED", "-Djava.library.path=" + System.getProperty("java.library.path")));
        String cudnn = System.getenv("LONGSPAN_CUDNN");
        if (cudnn != null) {
            command.add("-Dlongspan.cudnn=" + cudnn);
        }
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), CudnnGpuChild.class.getName()));
        Process process = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
        String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
        assertThat(process.waitFor()).as(out).isZero();
        Assumptions.assumeFalse(out.startsWith("skipped: "), out);
        assertThat(out.lines()).hasSize(6).allMatch(line -> line.endsWith(": ok"));
    }
}
