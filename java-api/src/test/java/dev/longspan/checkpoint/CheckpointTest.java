package dev.longspan.checkpoint;

import static dev.longspan.checkpoint.RawFile.tensor;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CheckpointTest {

    @TempDir
    Path folder;

    private final TensorArena arena = new TensorArena();

    @AfterEach
    void close() {
        arena.close();
    }

    @Test
    void parametersAreFilledByForeignNameAndConverted() {
        Path file = folder.resolve(Checkpoint.FILE);
        Checkpoint.save(file, Map.of("decoder.layers.0.fc1.weight", arena.allocate(DType.BF16, 2).set(1.5, -2),
                "embed.weight", arena.allocate(DType.F16, 1).set(0.5)), Map.of("step", "3"));
        NameMap names = NameMap.rules(List.of(new NameRule("layers.*.up.**", "decoder.layers.*.fc1.**"),
                new NameRule("embedding", "embed.weight")));
        Tensor up = arena.allocate(DType.F32, 2);
        Tensor embedding = arena.allocate(DType.F64, 1);
        try (Checkpoint loaded = Checkpoint.open(folder)) {
            loaded.loadInto(Map.of("layers.0.up.weight", up, "embedding", embedding), names);
            assertThat(loaded.metadata()).containsExactly(Map.entry("step", "3"));
        }
        assertThat(up.toFloats()).containsExactly(1.5f, -2f);
        assertThat(embedding.item()).isEqualTo(0.5);
    }

    @Test
    void oneMessageListsAllThatDoesNotFitAndNothingIsLoaded() {
        Path file = folder.resolve("m.safetensors");
        Checkpoint.save(file, Map.of("a", arena.allocate(DType.F32, 2).fill(9), "b", arena.allocate(DType.F32, 3),
                "c", arena.allocate(DType.I64, 1), "extra", arena.allocate(DType.F32, 1)), Map.of());
        Tensor a = arena.allocate(DType.F32, 2);
        try (Checkpoint loaded = Checkpoint.open(file)) {
            assertThatThrownBy(() -> loaded.loadInto(Map.of("a", a, "b", arena.allocate(DType.F32, 4),
                    "c", arena.allocate(DType.F32, 1), "d", arena.allocate(DType.F32, 1))))
                    .isInstanceOf(ModelFormatException.class)
                    .hasMessage(file + ": tensors do not fit the model: missing 1: d; unexpected 1: extra; "
                            + "different 2: b is F32[3], expected F32[4], c is I64[1], expected F32[1]");
            assertThatThrownBy(() -> loaded.tensor("none")).isInstanceOf(ModelFormatException.class)
                    .hasMessageContaining("tensor \"none\"");
        }
        assertThat(a.toFloats()).containsExactly(0, 0);
    }

    @Test
    void halfPrecisionIsWidenedExactly() {
        Path file = folder.resolve("half.safetensors");
        Checkpoint.save(file, Map.of("bf16", arena.allocate(DType.BF16, 1).set(3.140625),
                "f16", arena.allocate(DType.F16, 1).set(0x1p-24),
                "i64", arena.allocate(DType.I64, 1).set(1L << 60)), Map.of());
        try (Checkpoint loaded = Checkpoint.open(file)) {
            Map<String, Tensor> wide = loaded.toF32(arena);
            assertThat(wide.get("bf16").dtype()).isEqualTo(DType.F32);
            assertThat(wide.get("bf16").item()).isEqualTo(3.140625);
            assertThat(wide.get("f16").item()).isEqualTo(0x1p-24);
            assertThat(wide.get("i64").toLongs()).containsExactly(1L << 60);
        }
    }

    @Test
    void shardsOfAFolderAreOneCheckpoint() throws IOException {
        shard("model-00001-of-00002.safetensors", "a");
        shard("model-00002-of-00002.safetensors", "b");
        index("{\"metadata\":{\"total_size\":8},\"weight_map\":{\"a\":\"model-00001-of-00002.safetensors\","
                + "\"b\":\"model-00002-of-00002.safetensors\"}}");
        try (Checkpoint loaded = Checkpoint.open(folder)) {
            assertThat(loaded.tensors()).containsOnlyKeys("a", "b");
        }
    }

    @Test
    void anIndexCannotLeadOutOfItsFolder() throws IOException {
        Path inside = Files.createDirectory(folder.resolve("inside"));
        shard("secret.safetensors", "a");
        for (String name : List.of("../secret.safetensors", "..\\\\secret.safetensors", "/etc/x.safetensors",
                folder.resolve("secret.safetensors").toString(), "C:secret.safetensors", "..", "", "a/../x.safetensors",
                "secret.safetensors\\u0000", "\\u0000.safetensors", "secret.txt", "\\ud800.safetensors")) {
            Files.writeString(inside.resolve(ShardIndex.NAME), "{\"weight_map\":{\"a\":\"" + name + "\"}}");
            assertThatThrownBy(() -> Checkpoint.open(inside), name).isInstanceOf(ModelFormatException.class)
                    .hasMessageContaining("plain file name");
        }
    }

    @Test
    void aBadIndexIsOneClearError() throws IOException {
        shard("s.safetensors", "a");
        for (String bad : List.of("", "[]", "{}", "{\"weight_map\":3}", "{\"weight_map\":{\"a\":3}}",
                "{\"weight_map\":{",
                "{\"weight_map\":{\"a\":{}}}", "{\"weight_map\":{}}{}", "{\"weight_map\":{},\"weight_map\":{}}",
                "{\"weight_map\":{\"a\":\"s.safetensors\",\"a\":\"s.safetensors\"}}",
                "{\"weight_map\":{\"b\":\"s.safetensors\"}}",
                "{\"weight_map\":{\"a\":\"s.safetensors\",\"b\":\"s.safetensors\"}}",
                "{\"x\":" + "[".repeat(10000) + "}")) {
            index(bad);
            assertThatThrownBy(() -> Checkpoint.open(folder), bad).isInstanceOf(ModelFormatException.class);
        }
        index("{\"weight_map\":{\"a\":\"none.safetensors\"}}");
        assertThatThrownBy(() -> Checkpoint.open(folder)).isInstanceOf(CheckpointIOException.class)
                .hasMessageContaining("none.safetensors");
    }

    private void shard(String name, String tensor) throws IOException {
        Files.write(folder.resolve(name), RawFile.of("{" + tensor(tensor, "F32", "[1]", "[0,4]") + "}", 4));
    }

    private void index(String text) throws IOException {
        Files.writeString(folder.resolve(ShardIndex.NAME), text);
    }
}
