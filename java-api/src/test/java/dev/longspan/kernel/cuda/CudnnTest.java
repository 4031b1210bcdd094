package dev.longspan.kernel.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import dev.longspan.bindings.CudnnLibrary;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Descriptors and plans against the installed cuDNN, with or without a GPU: for a described device, on a driver that launches
 * nothing. Each scenario of {@link CudnnChild} has a JVM of its own, since a mistake here ends the process and not the test.
 */
final class CudnnTest {

    @TempDir
    private Path folder;

    @Test
    void denseAttentionWithLogSumExpsIsCompiledForHopper() throws Exception {
        assertThat(run("full")).matches("planned, workspace \\d+");
        assertThat(kernels()).singleElement().asString().contains("sdpa", "sm90");
    }

    @Test
    void causalAttentionIsCompiled() throws Exception {
        assertThat(run("causal")).matches("planned, workspace \\d+");
        assertThat(kernels()).singleElement().asString().contains("sdpa", "sm90");
    }

    @Test
    void maskPlaceAndLogSumExpsAreCompiledIntoTheKernel() throws Exception {
        Set<String> images = new HashSet<>();
        for (String scenario : List.of("full", "full without lse", "causal", "causal from 1 on")) {
            assertThat(run(scenario)).startsWith("planned");
            images.add(kernels().getLast());
        }
        assertThat(images).hasSize(4);
    }

    @Test
    void fewerQueriesThanKeysAreCompiledWithTheirPlace() throws Exception {
        assertThat(run("causal from the middle on")).startsWith("planned");
        assertThat(kernels()).hasSize(1);
    }

    @Test
    void oneQueryIsCompiled() throws Exception {
        assertThat(run("one query")).startsWith("planned");
    }

    @Test
    void aDilatedBranchIsCompiledWithoutGathers() throws Exception {
        assertThat(run("dilated")).startsWith("planned");
        assertThat(kernels()).hasSize(1);
    }

    @Test
    void valuesWiderThanKeysAreCompiled() throws Exception {
        assertThat(run("wide values")).startsWith("planned");
    }

    @Test
    void callsOfAttentionThatAreCoveredAreCompiled() throws Exception {
        assertThat(run("calls of attention")).matches("(planned, workspace \\d+; ?){4}");
        assertThat(kernels()).hasSize(4).allMatch(kernel -> kernel.contains("sdpa"));
    }

    @Test
    void ampereHasAKernelOfItsOwn() throws Exception {
        assertThat(run("sm_80")).startsWith("planned");
        assertThat(kernels()).singleElement().asString().contains("sdpa", "sm80");
    }

    @Test
    void aDeviceWithoutKernelsIsUnsupportedAndNoCrash() throws Exception {
        assertThat(run("sm_75")).isEqualTo("java.lang.UnsupportedOperationException: cuDNN has no kernel for it");
        assertThat(kernels()).isEmpty();
    }

    @Test
    void aBadDescriptionOfADeviceIsSaidInCudnnsWords() throws Exception {
        String failure = CudnnException.class.getName() + ": finish device: CUDNN_STATUS_";
        assertThat(run("a device without its members")).startsWith(failure);
        assertThat(run("a device that is no JSON")).startsWith(CudnnException.class.getName() + ": ").contains("CUDNN_STATUS_");
    }

    @Test
    void aMissingTensorIsSaidInCudnnsWords() throws Exception {
        assertThat(run("attention without keys")).startsWith(
                CudnnException.class.getName() + ": finish attention: CUDNN_STATUS_BAD_PARAM").containsIgnoringCase("k");
    }

    @Test
    void tensorsThatDoNotFitAreSaidInCudnnsWords() throws Exception {
        assertThat(run("keys of another dimension")).startsWith(CudnnException.class.getName()
                + ": finish attention: CUDNN_STATUS_BAD_PARAM (2000): K tensor d_qk dimension must match Q");
    }

    @Test
    void descriptorsAreUsedInTheirOrderOnly() throws Exception {
        assertThat(run("unfinished")).isEqualTo("java.lang.IllegalStateException: keys must be finished first");
        assertThat(run("changed when finished")).isEqualTo(
                "java.lang.IllegalStateException: tensor is finished and cannot be changed");
        assertThat(run("closed")).isEqualTo("java.lang.IllegalStateException: tensor is closed");
    }

    @Test
    void aPlanForADescriptionIsNotExecuted() throws Exception {
        assertThat(run("executed on a description")).isEqualTo(
                "java.lang.IllegalStateException: a plan for a described device cannot be executed");
    }

    @Test
    void aHandleWithoutAGpuIsATypedError() throws Exception {
        assertThat(run("handle")).startsWith(CudnnException.class.getName() + ": cudnnCreate: CUDNN_STATUS_NOT_INITIALIZED");
    }

    @Test
    void aPlanMayBeClosedTwice() throws Exception {
        assertThat(run("closed twice")).isEqualTo("closed twice");
    }

    @Test
    void closedDescriptorsAreFreed() throws Exception {
        String grown = run("freed");
        assertThat(grown).matches("grown by -?\\d+ KB");
        // 200,000 of them, of hundreds of bytes each.
        assertThat(Long.parseLong(grown.replaceAll("[^-\\d]", ""))).isLessThan(20_000);
    }

    /** Hash and name of each kernel that was compiled and loaded. */
    private List<String> kernels() throws IOException {
        Path file = folder.resolve("kernels");
        return Files.exists(file) ? Files.readAllLines(file) : List.of();
    }

    private String run(String scenario) throws IOException, InterruptedException {
        String cudnn = System.getenv("LONGSPAN_CUDNN");
        Assumptions.assumeTrue(cudnn != null, "LONGSPAN_CUDNN names no folder with cuDNN");
        Path driver = Path.of(System.getProperty("java.library.path", ""), "test", "cuda", "planning");
        Assumptions.assumeTrue(Files.isDirectory(driver), "the driver that only plans was not built: " + driver);
        ProcessBuilder builder = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED", "-D" + CudnnLibrary.PROPERTY + "=" + cudnn,
                "-XX:ErrorFile=" + folder.resolve("crash.log"), "-XX:TieredStopAtLevel=1",
                // A heap that does not grow, so that resident memory tells of descriptors.
                "-Xms64m", "-Xmx64m", "-XX:+AlwaysPreTouch",
                "-cp", System.getProperty("java.class.path"), CudnnChild.class.getName(), scenario)
                .redirectError(ProcessBuilder.Redirect.INHERIT);
        builder.environment().put("LD_LIBRARY_PATH", driver.toString());
        builder.environment().put("LONGSPAN_PLANNED_KERNELS", folder.resolve("kernels").toString());
        Process process = builder.start();
        String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
        assertThat(process.waitFor()).as("exit status of %s, which printed: %s", scenario, out).isZero();
        return out;
    }
}
