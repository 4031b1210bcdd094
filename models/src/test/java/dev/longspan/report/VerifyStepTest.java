package dev.longspan.report;

import static org.assertj.core.api.Assertions.assertThat;

import dev.longspan.backend.Backend;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.Tensor;
import dev.longspan.verify.GoldenFolder;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class VerifyStepTest {

    private static final String OFFSET = "tsnorm_offset_f32.safetensors";

    @TempDir
    private Path folder;

    private final StringWriter printed = new StringWriter();

    private Section run(Path... goldens) throws IOException {
        return new VerifyStep(List.of(goldens)).run(new Job(Backend.named("scalar"), Parallel.of(1), 1, folder,
                new PrintWriter(printed)));
    }

    private Path goldens(String name, Consumer<Map<String, Tensor>> tensors) throws IOException {
        Path made = Files.createDirectory(folder.resolve(name));
        new GoldenFolder("megalodon", made).changed(OFFSET, GoldenFolder::nothing, tensors);
        return made;
    }

    @Test
    void tensorsThatMissTheirOwnFormulaAreNotCounted() throws Exception {
        Section section = run(goldens("given", GoldenFolder::nothing));
        assertThat(section.passed()).as(printed.toString()).isTrue();
        assertThat(section.figures()).containsEntry("passed", 4L).containsEntry("failed", 0L).containsEntry("spoilt", 4);
        assertThat(printed.toString()).contains("1 cases, 4 passed, 0 failed, 4 not counted").doesNotContain("FAILED");
    }

    @Test
    void anyOtherTensorOfTheSameFileFailsTheStep() throws Exception {
        Section section = run(goldens("changed", tensors -> Objects.requireNonNull(tensors.get("var")).fill(1)));
        assertThat(section.passed()).isFalse();
        assertThat(section.headlines()).noneMatch(Section.Headline::passed);
        assertThat(printed.toString()).contains("tsnorm_offset_f32 var  FAILED");
    }

    @Test
    void everyFolderMustHoldSomething() throws Exception {
        Path empty = Files.createDirectory(folder.resolve("empty"));
        assertThat(run(goldens("full", GoldenFolder::nothing), empty).passed()).isFalse();
    }
}
