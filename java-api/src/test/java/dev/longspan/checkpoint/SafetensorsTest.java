package dev.longspan.checkpoint;

import static dev.longspan.checkpoint.RawFile.tensor;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.abort;

import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SafetensorsTest {

    @TempDir
    Path folder;

    @Test
    void everyDTypeComesBackBitForBit() {
        Random random = new Random(7);
        try (TensorArena arena = new TensorArena()) {
            Map<String, Tensor> saved = new LinkedHashMap<>();
            for (DType dtype : DType.values()) {
                for (long[] shape : new long[][] {{}, {0}, {1}, {3, 5}, {2, 0, 4}, {7, 1, 3}}) {
                    Tensor tensor = arena.allocate(dtype, shape);
                    byte[] bits = new byte[Math.toIntExact(tensor.storage().bytes())];
                    random.nextBytes(bits);
                    tensor.segment().copyFrom(MemorySegment.ofArray(bits));
                    saved.put(dtype + Arrays.toString(shape) + " \"\\/é\u0001", tensor);
                }
            }
            Path file = folder.resolve("all.safetensors");
            Map<String, String> metadata = Map.of("format", "pt", "", "empty key", "line\n", "\u0000 and \"quotes\"");
            Safetensors.save(file, saved, metadata);
            try (Safetensors loaded = Safetensors.open(file)) {
                assertThat(loaded.metadata()).isEqualTo(metadata);
                assertThat(loaded.tensors().keySet()).containsExactlyInAnyOrderElementsOf(saved.keySet());
                loaded.tensors().forEach((name, tensor) -> {
                    Tensor before = saved.get(name);
                    assertThat(tensor.shape()).as(name).isEqualTo(before.shape());
                    assertThat(tensor.dtype()).as(name).isEqualTo(before.dtype());
                    assertThat(bytes(tensor)).as(name).isEqualTo(bytes(before));
                });
            }
        }
    }

    @Test
    void viewsAreSavedInTheirOwnOrder() {
        try (TensorArena arena = new TensorArena()) {
            Tensor matrix = arena.allocate(DType.F32, 2, 3).set(1, 2, 3, 4, 5, 6);
            Path file = folder.resolve("view.safetensors");
            Safetensors.save(file, Map.of("t", matrix.transpose(0, 1), "s", matrix.slice(1, 1, 2)), Map.of());
            try (Safetensors loaded = Safetensors.open(file)) {
                assertThat(loaded.tensors().get("t").toFloats()).containsExactly(1, 4, 2, 5, 3, 6);
                assertThat(loaded.tensors().get("s").toFloats()).containsExactly(2, 5);
            }
        }
    }

    @Test
    void loadedTensorsCannotBeWrittenAndEndWithTheFile() {
        Path file = folder.resolve("a.safetensors");
        try (TensorArena arena = new TensorArena()) {
            Safetensors.save(file, Map.of("a", arena.allocate(DType.F32, 4)), Map.of());
        }
        Tensor tensor;
        try (Safetensors loaded = Safetensors.open(file)) {
            tensor = loaded.tensors().get("a");
            assertThatThrownBy(() -> tensor.fill(1)).hasMessageContaining("read-only");
        }
        assertThatThrownBy(tensor::toFloats).isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("a.safetensors");
    }

    @Test
    void tensorsOfOtherWritersMayLieAnywhere() throws IOException {
        Path file = Files.write(folder.resolve("odd.safetensors"), RawFile.of("{"
                + tensor("b", "U8", "[1]", "[0,1]") + ","
                + tensor("f", "F32", "[2]", "[1,9]") + "}", 9));
        try (Safetensors loaded = Safetensors.open(file)) {
            Tensor odd = loaded.tensors().get("f");
            assertThat(odd.toFloats()).containsExactly(Float.intBitsToFloat(0x04030201),
                    Float.intBitsToFloat(0x08070605));
            assertThat(odd.segment().address() % 4).isZero();
            assertThatThrownBy(() -> odd.fill(1)).hasMessageContaining("read-only");
        }
    }

    @Test
    void ourOwnTensorsAreAllMapped() {
        Path file = folder.resolve("mixed.safetensors");
        try (TensorArena arena = new TensorArena()) {
            Map<String, Tensor> tensors = new LinkedHashMap<>();
            for (DType dtype : DType.values()) {
                tensors.put(dtype.name(), arena.allocate(dtype, 3));
            }
            Safetensors.save(file, tensors, Map.of());
        }
        try (Safetensors loaded = Safetensors.open(file)) {
            assertThat(loaded.tensors().values()).allSatisfy(t -> assertThat(t.segment().isMapped()).isTrue());
        }
    }

    @Test
    void noFlippedBitReachesATensor() throws IOException {
        Path file = folder.resolve("flip.safetensors");
        Map<String, byte[]> expected = new LinkedHashMap<>();
        try (TensorArena arena = new TensorArena()) {
            Map<String, Tensor> saved = Map.of("w", arena.allocate(DType.F32, 2, 2).set(1, 2, 3, 4),
                    "i", arena.allocate(DType.I32, 4).set(5, 6, 7, 8));
            Safetensors.save(file, saved, Map.of("step", "12"));
            saved.forEach((name, t) -> expected.put(name + t, bytes(t)));
        }
        byte[] good = Files.readAllBytes(file);
        int refused = 0;
        for (int bit = 0; bit < good.length * 8; bit++) {
            byte[] damaged = good.clone();
            damaged[bit / 8] ^= (byte) (1 << bit % 8);
            Path copy = Files.write(folder.resolve("damaged.safetensors"), damaged);
            try (Safetensors loaded = Safetensors.open(copy)) {
                assertThat(loaded.tensors()).as("bit %d", bit).hasSameSizeAs(expected);
                loaded.tensors().forEach((name, t) -> assertThat(bytes(t)).isEqualTo(expected.get(name + t)));
            } catch (ModelFormatException e) {
                refused++;
            }
        }
        assertThat(refused).isGreaterThan(good.length * 8 - 200); // only the checksums' own key may be spelt wrong
    }

    @Test
    void tensorsBeyondTwoGibibytesAreReached() throws IOException {
        long first = (1L << 31) + 4096;
        byte[] start = RawFile.of("{" + tensor("large", "U8", "[" + first + "]", "[0," + first + "]") + ","
                + tensor("last", "F32", "[2]", "[" + first + "," + (first + 8) + "]") + "}   ", 0);
        Path file = folder.resolve("sparse.safetensors");
        try (RandomAccessFile sparse = new RandomAccessFile(file.toFile(), "rw")) {
            sparse.setLength(start.length + first + 8);
            sparse.write(start);
            sparse.seek(start.length + first);
            sparse.write(new byte[] {0, 0, (byte) 0x80, 0x3f, 0, 0, 0, 0x40});
        } catch (IOException e) {
            abort("no room for a sparse file of 2 GiB: " + e.getMessage());
        }
        try (Safetensors loaded = Safetensors.openUnverified(file)) {
            assertThat(loaded.tensors().get("last").toFloats()).containsExactly(1, 2);
            assertThat(loaded.tensors().get("large").get(first - 1)).isZero();
        } finally {
            Files.delete(file);
        }
    }

    @Test
    void aMissingFileOrAFolderIsOneClearError() {
        assertThatThrownBy(() -> Safetensors.open(folder.resolve("none.safetensors")))
                .isInstanceOf(CheckpointIOException.class).hasMessageContaining("no such file");
        assertThatThrownBy(() -> Safetensors.open(folder)).isInstanceOf(CheckpointIOException.class);
    }

    @Test
    void namesThatTheFormatReservesAreRefused() {
        try (TensorArena arena = new TensorArena()) {
            Tensor t = arena.allocate(DType.F32, 1);
            Path file = folder.resolve("x.safetensors");
            for (String name : new String[] {"__metadata__", "\ud800"}) {
                assertThatThrownBy(() -> Safetensors.save(file, Map.of(name, t), Map.of()))
                        .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("name");
            }
            assertThat(file).doesNotExist();
        }
    }

    private static byte[] bytes(Tensor tensor) {
        int each = tensor.dtype().bytes();
        return tensor.segment().asSlice(tensor.offset() * each, tensor.elements() * each)
                .toArray(ValueLayout.JAVA_BYTE);
    }
}
