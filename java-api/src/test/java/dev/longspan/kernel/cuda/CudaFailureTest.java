package dev.longspan.kernel.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import dev.longspan.bindings.CudaLibrary;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Devices that fail, each in a JVM of its own: typed errors, and the JVM lives. */
@OnTheEmulatedDevice
final class CudaFailureTest {

    private static final String FILE = EmulatedDevice.file().toString();
    private static final List<String> EMULATED = List.of("-D" + CudaLibrary.DRIVER_PROPERTY + "=" + FILE,
            "-D" + CudaLibrary.PROPERTY + "=" + FILE);

    @Test
    void aDeviceThatWorksComputes() throws Exception {
        List<String> lines = child(Map.of(), EMULATED);
        assertThat(lines).first().asString().startsWith("ready: emulated device, compute capability 8.0, "
                + "4.3 GB, driver for CUDA 13.0; no cuDNN");
        assertThat(lines).containsSubsequence("multiply: ok", "y[7] = 4.0", "read: ok", "add: ok", "y[7] = 4.0",
                "allocate: ok", "alive");
    }

    @Test
    void sayWhyThereIsNoDevice() throws Exception {
        assertThat(child(Map.of(), List.of())).first().asString().startsWith("refused: no NVIDIA driver: there is no libcuda.so.1");
        assertThat(child(Map.of("LONGSPAN_EMULATED_DEVICES", "0"), EMULATED)).containsExactly(
                "refused: cuInit failed: CUDA_ERROR_NO_DEVICE, no CUDA-capable device is detected");
        assertThat(child(Map.of("LONGSPAN_EMULATED_VERSION", "12040"), EMULATED)).containsExactly(
                "refused: the NVIDIA driver is too old: it supports CUDA 12.4, the kernels need 13.0");
        assertThat(child(Map.of(), List.of(EMULATED.getFirst()))).containsExactly("refused: there is no liblongspan_cuda.so in "
                + "java.library.path and no longspan-native jar of classifier linux-x86_64-cuda13");
        assertThat(child(Map.of(), List.of(EMULATED.get(0), EMULATED.get(1), "-D" + CudaDevice.PROPERTY + "=3"))).containsExactly(
                "refused: there is no device 3: devices=1");
    }

    @Test
    void aRefusedLaunchLeavesTheDeviceUsable() throws Exception {
        assertThat(child(Map.of("LONGSPAN_EMULATED_REFUSAL", "multiply"), EMULATED)).contains("add: ok", "y[7] = 4.0", "alive")
                .anyMatch(line -> line.startsWith("multiply: CudaException: multiply failed: multiply")
                        && line.endsWith("too many resources requested for launch"));
    }

    @Test
    void aFaultNamesItsKernelWhenItSurfacesAndTheContextIsLost() throws Exception {
        List<String> lines = child(Map.of("LONGSPAN_EMULATED_FAULT", "multiply"), EMULATED);
        assertThat(lines).contains("multiply: ok", "alive").anyMatch(line -> line.startsWith("read: CudaException: ")
                && line.contains("multiply") && line.contains("CUDA_ERROR_ILLEGAL_ADDRESS") && line.endsWith("context is lost"));
        assertThat(lines).anyMatch(line -> line.startsWith("add: CudaException: the CUDA context is lost since "));
        assertThat(lines).anyMatch(line -> line.startsWith("allocate: CudaException: the CUDA context is lost since "));
    }

    @Test
    void synchronousStreamsReportAFaultAtItsKernel() throws Exception {
        List<String> options = new ArrayList<>(EMULATED);
        options.add("-D" + CudaStream.SYNCHRONOUS + "=true");
        assertThat(child(Map.of("LONGSPAN_EMULATED_FAULT", "multiply"), options)).anyMatch(line ->
                line.startsWith("multiply: CudaException: multiply failed: CUDA_ERROR_ILLEGAL_ADDRESS"));
    }

    @Test
    void aRequestBeyondTheDevicesMemoryLeavesWhatIsThere() throws Exception {
        List<String> lines = child(Map.of("LONGSPAN_EMULATED_MEMORY", "100000000"), EMULATED);
        assertThat(lines).contains("add: ok", "allocate: ok", "alive").anyMatch(line -> line.startsWith(
                "allocate: OutOfNativeMemoryException: device memory budget exceeded: requested=838860800 bytes"));
        List<String> larger = new ArrayList<>(EMULATED);
        larger.add("-D" + CudaDevice.MEMORY_PROPERTY + "=1000000000");
        assertThat(child(Map.of("LONGSPAN_EMULATED_MEMORY", "100000000"), larger)).contains("allocate: ok", "alive").anyMatch(line ->
                line.startsWith("allocate: OutOfNativeMemoryException: the device refused 838860800 bytes"));
    }

    private static List<String> child(Map<String, String> environment, List<String> options)
            throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED", "-XX:TieredStopAtLevel=1"));
        command.addAll(options);
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), CudaChild.class.getName()));
        ProcessBuilder builder = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT);
        builder.environment().putAll(environment);
        Process process = builder.start();
        List<String> lines = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).lines().toList();
        assertThat(process.waitFor()).as("%s", lines).isZero();
        return lines;
    }
}
