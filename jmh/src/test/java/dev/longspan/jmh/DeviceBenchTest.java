package dev.longspan.jmh;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.longspan.kernel.AttentionPlan;
import dev.longspan.kernel.scalar.ScalarKernels;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What {@code gpu-check} measures: the parts that need no GPU. */
class DeviceBenchTest {

    @TempDir
    Path folder;

    @AfterEach
    void forget() {
        System.clearProperty(TorchPeer.PYTHON);
    }

    @Test
    void withoutTimeEverythingIsSkippedAndSaidSo() throws Exception {
        System.setProperty(TorchPeer.PYTHON, folder.resolve("no-python").toString());
        assertThat(DeviceBench.run(folder.toString(), "scalar", "0", "tiny")).isTrue();
        List<Run> runs = Results.read(folder, "bench", Map.of()).runs();
        assertThat(runs).extracting(Run::family).contains("attention", "dilated-attention", "cema");
        for (Run run : runs) {
            assertThat(run.rows()).isEmpty();
            assertThat(run.absent().get("PyTorch")).contains("no python3 that runs");
            assertThat(run.absent()).containsValue("no time left");
        }
        assertThat(Files.readString(folder.resolve("bench.md"))).contains("## cema\n", "64 fwd is absent: no time left");
    }

    @Test
    void everyScheduledProblemIsOfAFamilyAndScheduledOnce() {
        for (Schedule schedule : Schedule.values()) {
            List<Schedule.Item> items = schedule.items();
            assertThat(items).doesNotHaveDuplicates();
            items.forEach(item -> assertThat(Family.names()).contains(item.family()));
        }
        assertThat(new HashSet<>(Schedule.FULL.items())).containsAll(Schedule.QUICK.items());
        assertThat(Schedule.FULL.items()).contains(new Schedule.Item("attention", "full 4096x64x32x4 fwd+bwd bf16"));
    }

    @Test
    void bfloat16IsHeldToItsRounding() {
        try (Problem problem = Family.of("attention").open().apply("causal 90x16x2x2 fwd bf16"); TensorArena arena = new TensorArena()) {
            Task task = problem.task();
            Tensor answer = task.answer("out");
            Tensor[] floats = List.of("q", "k", "v").stream().map(name -> arena.allocate(DType.F32, answer.shape())
                    .copyFrom(task.operand(name))).toArray(Tensor[]::new);
            Tensor out = arena.allocate(DType.F32, answer.shape());
            ScalarKernels.create().attention().forward(Parallel.of(1), AttentionPlan.causal(0.25), floats[0], floats[1], floats[2],
                    out, arena.allocate(DType.F32, 2, 2, 90).fill(Double.NEGATIVE_INFINITY));
            assertThat(problem.check().isWithin()).as("zeros").isFalse();
            answer.copyFrom(out);
            assertThat(problem.check().isWithin()).as("rounded").isTrue();
            assertThat(problem.name()).isEqualTo("causal B=2 N=90 H=2 D=16 fwd bf16");
            answer.slice(0, 1, 2).slice(1, 45, 46).fill(0.5);
            assertThat(problem.check().isWithin()).as("one row of the second sequence wrong").isFalse();
        }
    }

    @Test
    void eachGroupOfWaysIsASideAndOneThatCannotRunSaysWhy() throws Exception {
        Path python = Files.writeString(folder.resolve("python"), """
                #!/bin/sh
                read line
                echo '{"forms": {"flash": "strided"}, "refused": {"cuDNN": "no kernel for it"}}'
                read line
                echo '{}'
                """);
        assertThat(python.toFile().setExecutable(true)).isTrue();
        System.setProperty(TorchPeer.PYTHON, python.toString());
        try (TorchPeer peer = new TorchPeer("cuda")) {
            peer.start();
            Map<String, Side> sides = peer.sides(new Task("attention", Map.of(), Map.of(), Map.of()), 1);
            assertThat(sides).containsOnlyKeys("PyTorch flash", "PyTorch cuDNN");
            assertThat(sides.get("PyTorch flash").form()).isEqualTo("strided");
            assertThatThrownBy(sides.get("PyTorch cuDNN")::answer).isInstanceOf(UnsupportedOperationException.class)
                    .hasMessage("no kernel for it");
            sides.values().forEach(Side::close);
        }
    }
}
