package dev.longspan.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SignalTest {

    /** Other backends would give other bits. */
    private static final List<String> AS_HERE = List.of("--add-modules", "jdk.incubator.vector",
            "--enable-native-access=ALL-UNNAMED", "-Djava.library.path=" + System.getProperty("java.library.path"));
    private static final int STEPS = 300;

    @TempDir
    private Path temporary;

    private Path data;

    @BeforeEach
    void text() throws IOException {
        data = Files.createDirectory(temporary.resolve("data"));
        for (int i = 0; i < 30; i++) {
            Files.writeString(data.resolve("f" + i + ".txt"), ("line " + i + " of a file\n").repeat(10));
        }
    }

    @ParameterizedTest
    @CsvSource({"INT, 130", "TERM, 143"})
    void trainWritesACheckpointAndResumesToTheSameBits(String signal, int status) throws IOException, InterruptedException {
        Path stopped = temporary.resolve("stopped");
        ChildJvm child = ChildJvm.start(defaultSignals(), AS_HERE, Main.class, line(stopped));
        waitFor(child, () -> Files.exists(stopped.resolve("log.jsonl")) && Files.readAllLines(stopped.resolve("log.jsonl")).size() > 3);
        long start = System.nanoTime();
        child.signal(signal);
        assertThat(child.status()).as(child.out() + child.err()).isEqualTo(status);
        assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(10));
        assertThat(child.out()).contains("stopped after step", "--resume");
        assertThat(checkpoints(stopped)).hasSize(1).doesNotContain(last());
        CommandLineRun resumed = CommandLineRun.of("train", "--out", stopped.toString(), "--resume", "--quiet");
        assertThat(resumed.status()).as(resumed.err()).isZero();

        Path straight = temporary.resolve("straight");
        CommandLineRun whole = CommandLineRun.of(line(straight));
        assertThat(whole.status()).as(whole.err()).isZero();
        for (String file : List.of("model.safetensors", "optimizer.safetensors", "trainer.json", "config.json")) {
            assertThat(stopped.resolve(last()).resolve(file)).hasSameBinaryContentAs(straight.resolve(last()).resolve(file));
        }
    }

    @Test
    void aSecondSignalEndsAtOnce() throws IOException, InterruptedException {
        ChildJvm child = ChildJvm.start(List.of(), List.of(), Deaf.class);
        waitFor(child, () -> child.out().contains("ready"));
        child.signal("TERM");
        waitFor(child, () -> child.out().contains("raised"));
        assertThat(child.isAlive()).isTrue();
        child.signal("TERM");
        assertThat(child.status()).isEqualTo(143);
    }

    @Test
    void aDiskThatFillsUpWithinACheckpointLosesNothing() throws IOException, InterruptedException {
        Path out = temporary.resolve("run");
        List<String> first = new ArrayList<>(List.of(line(out)));
        first.addAll(List.of("--minutes", "0"));
        assertThat(CommandLineRun.of(first.toArray(String[]::new)).status()).isZero();
        byte[] before = Files.readAllBytes(out.resolve("step-00000000/model.safetensors"));
        assertThat(before).hasSizeGreaterThan(64 << 10);
        // Files of this shell's children cannot grow beyond 64 KiB: the weights are cut off half-way.
        ChildJvm child = ChildJvm.start(List.of("bash", "-c", "ulimit -f 64 && exec \"$@\"", "bash"),
                List.of("-XX:-UsePerfData", "--add-modules", "jdk.incubator.vector"), Main.class,
                "train", "--out", out.toString(), "--resume", "--steps", "2", "--quiet");
        assertThat(child.status()).as(child.out() + child.err()).isEqualTo(ExitStatus.NO_RESOURCES);
        assertThat(child.err().lines().filter(l -> l.startsWith("error: ") && l.contains("cannot write checkpoint"))).hasSize(1);
        assertThat(child.err()).doesNotContain("Exception");
        assertThat(checkpoints(out)).containsExactly("step-00000000");
        assertThat(out.resolve("step-00000000/model.safetensors")).hasBinaryContent(before);
        assertThat(out.resolve(".step-00000002.longspan-tmp")).doesNotExist();
        assertThat(CommandLineRun.of("train", "--out", out.toString(), "--resume", "--steps", "2", "--quiet").status()).isZero();
    }

    @Test
    void withoutTheIncubatorModuleItComputesOnScalarLoopsAndSaysSoOnce() throws IOException, InterruptedException {
        ChildJvm child = ChildJvm.start(List.of(), List.of(), Main.class, "doctor");
        assertThat(child.status()).as(child.out() + child.err()).isZero();
        assertThat(child.out()).contains("scalar   chosen", "vector   unavailable", "--add-modules jdk.incubator.vector");
        assertThat(child.err().lines().filter(l -> l.contains("backend vector cannot run") && l.contains("using scalar")))
                .hasSize(1);
    }

    /** A program that hears the first signal and takes no notice. */
    static final class Deaf {
        @SuppressWarnings("BusyWait") // it must outlive the first signal
        public static void main(String[] args) throws InterruptedException {
            StopSignals signals = StopSignals.caught();
            System.out.println("ready");
            boolean told = false;
            while (true) {
                if (signals.cancel().isRaised() && !told) {
                    System.out.println("raised");
                    told = true;
                }
                Thread.sleep(10);
            }
        }
    }

    @FunctionalInterface
    private interface Condition {
        boolean holds() throws IOException;
    }

    private static void waitFor(ChildJvm child, Condition condition) throws IOException, InterruptedException {
        while (!condition.holds()) {
            assertThat(child.isAlive()).as(child.out() + child.err()).isTrue();
            Thread.sleep(5);
        }
    }

    /** A shell that runs tests in the background has its children ignore SIGINT. */
    private static List<String> defaultSignals() throws IOException, InterruptedException {
        List<String> env = List.of("env", "--default-signal=INT,TERM");
        List<String> probe = new ArrayList<>(env);
        probe.add("true");
        Assumptions.assumeTrue(new ProcessBuilder(probe).start().waitFor() == 0, "env has no --default-signal");
        return env;
    }

    private String[] line(Path out) {
        return new String[] {"train", "--out", out.toString(), "--data", data.toString(), "--context", "64",
            "--steps", String.valueOf(STEPS), "--eval-every", "100", "--eval-bytes", "1k",
            "--set", "decoder_layers=1", "--set", "decoder_embed_dim=32", "--set", "decoder_attention_heads=2",
            "--set", "decoder_ffn_embed_dim=64", "--set", "segment_length=[32,64]", "--set", "dilated_ratio=[1,2]"};
    }

    private static String last() {
        return String.format("step-%08d", STEPS);
    }

    private static List<String> checkpoints(Path out) throws IOException {
        try (var entries = Files.list(out)) {
            return entries.map(p -> p.getFileName().toString()).filter(n -> n.startsWith("step-")).sorted().toList();
        }
    }
}
