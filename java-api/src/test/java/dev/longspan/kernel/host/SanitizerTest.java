package dev.longspan.kernel.host;

import static org.assertj.core.api.Assertions.assertThat;

import dev.longspan.bindings.HostLibrary;
import dev.longspan.bindings.Sanitizer;
import dev.longspan.bindings.host.Longspan;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** That {@code make test-asan} sees what it is for: calls that lie to a kernel about a tensor's memory, each in its own JVM. */
@EnabledIfSystemProperty(named = Sanitizer.PROPERTY, matches = "true", disabledReason = "AddressSanitizer is not loaded")
final class SanitizerTest {

    private static final int FLOATS = 1000;

    @ParameterizedTest
    @CsvSource({"over-read,use-after-poison", "overflow,use-after-poison", "use after free,heap-use-after-free"})
    void catches(String plant, String report) throws Exception {
        assertThat(run(plant)).contains("ERROR: AddressSanitizer: " + report, "exit status 99");
    }

    @Test
    void isSilentWhereACallIsRight() throws Exception {
        assertThat(run("nothing")).contains("sum 500.0", "exit status 0");
    }

    private static String run(String plant) throws Exception {
        ProcessBuilder builder = new ProcessBuilder(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED", "-D" + Sanitizer.PROPERTY + "=true",
                "-D" + HostLibrary.PROPERTY + "=" + System.getProperty(HostLibrary.PROPERTY),
                "-cp", System.getProperty("java.class.path"), Plant.class.getName(), plant)).redirectErrorStream(true);
        Process process = builder.start();
        String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return out + "\nexit status " + process.waitFor();
    }

    /** Sums or fills a tensor of 64-byte lines. */
    static final class Plant {

        private Plant() {
        }

        public static void main(String[] arguments) {
            HostLibrary.get();
            TensorArena arena = new TensorArena();
            Tensor x = arena.allocate(DType.F32, FLOATS).fill(0.5);
            Tensor sum = arena.allocate(DType.F64, 1);
            MemorySegment memory = x.segment();
            switch (arguments[0]) {
                case "over-read" -> Longspan.ls_sum(memory, FLOATS + 1, sum.segment());
                case "overflow" -> Longspan.ls_fill(1, memory, FLOATS + 1);
                case "use after free" -> {
                    MemorySegment kept = MemorySegment.ofAddress(memory.address());
                    arena.close();
                    Longspan.ls_fill(1, kept, FLOATS);
                }
                default -> {
                    Longspan.ls_sum(memory, FLOATS, sum.segment());
                    IO.println("sum " + sum.item());
                }
            }
        }
    }
}
