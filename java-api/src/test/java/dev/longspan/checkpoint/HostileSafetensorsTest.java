package dev.longspan.checkpoint;

import static dev.longspan.checkpoint.RawFile.tensor;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.fail;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HostileSafetensorsTest {

    @TempDir
    Path folder;

    @Test
    void everyHostileFileIsRefusedWithOneClearLine() throws IOException {
        Path file = folder.resolve("hostile.safetensors");
        for (var hostile : HostileCorpus.files().entrySet()) {
            Files.write(file, hostile.getValue());
            assertThatThrownBy(() -> Safetensors.open(file), hostile.getKey()).as(hostile.getKey())
                    .isInstanceOfSatisfying(ModelFormatException.class, e -> {
                        assertThat(e.file()).isEqualTo(file);
                        assertThat(e.offset()).isBetween(0L, Math.max(8L, hostile.getValue().length));
                        assertThat(e.getMessage()).startsWith(file + ", byte ").doesNotContain("\n")
                                .hasSizeLessThan(file.toString().length() + 500);
                    });
        }
    }

    @Test
    void aSmallHeapIsEnoughToRefuseThem() throws Exception {
        int number = 0;
        for (byte[] hostile : HostileCorpus.files().values()) {
            Files.write(folder.resolve(number++ + ".safetensors"), hostile);
        }
        Files.write(folder.resolve("string.safetensors"), RawFile.of("{\"__metadata__\":{\"a\":\""
                + "x".repeat(90_000_000)
                + "\"}}", 0));
        Process child = ChildJvm.start(List.of("-Xmx64m"), OpenAll.class, folder.toString());
        String output = new String(child.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(child.waitFor()).as(output).isZero();
        assertThat(output.strip()).isEqualTo(number + 1 + " refused");
    }

    /** Opens every file of a folder and counts the typed refusals. */
    static final class OpenAll {
        public static void main(String[] args) throws IOException {
            int refused = 0;
            try (Stream<Path> files = Files.list(Path.of(args[0]))) {
                for (Path file : files.toList()) {
                    try (Safetensors accepted = Safetensors.open(file)) {
                        System.out.println("accepted " + file + " " + accepted.tensors());
                    } catch (ModelFormatException e) {
                        refused++;
                    }
                }
            }
            System.out.println(refused + " refused");
        }
    }

    @Test
    void dtypesWithoutUseAreNamedWithTheirTensor() throws IOException {
        Path file = Files.write(folder.resolve("f8.safetensors"),
                RawFile.of("{" + tensor("layers.0.scale", "F8_E5M2", "[4]", "[0,4]") + "}", 4));
        assertThatThrownBy(() -> Safetensors.open(file)).isInstanceOfSatisfying(ModelFormatException.class,
                e -> assertThat(e.tensor()).contains("layers.0.scale")).hasMessageContaining("dtype=F8_E5M2");
    }

    @Test
    void controlCharactersOfANameDoNotReachTheMessage() {
        assertThat(new ModelFormatException(folder, 8, "a\n\u001b[2Jb\u202e", "too\nlong").getMessage())
                .doesNotContain("\n").doesNotContain("\u001b").doesNotContain("\u202e");
    }

    @Test
    void mutatedFilesAreAcceptedOrRefusedButNothingElse() {
        byte[] seedFile = seedFile();
        long seed = 20251101;
        Random random = new Random(seed);
        int accepted = 0;
        for (int i = 0; i < 60_000; i++) {
            byte[] mutant = mutate(seedFile, random);
            try {
                MemorySegment bytes = MemorySegment.ofArray(mutant);
                Checksums.verify(folder, HeaderReader.read(folder, bytes), bytes);
                accepted++;
            } catch (ModelFormatException expected) {
                assertThat(expected.getMessage()).isNotBlank();
            } catch (Throwable other) {
                fail("seed=" + seed + ", mutation=" + i + ", file="
                        + new String(mutant, StandardCharsets.ISO_8859_1), other);
            }
        }
        assertThat(accepted).as("mutants that are still valid, seed=%d", seed).isBetween(1, 30_000);
    }

    private static byte[] seedFile() {
        return RawFile.of("{\"__metadata__\":{\"format\":\"pt\",\"step\":\"\\u0031\"},"
                + tensor("a.b", "F32", "[2,2]", "[0,16]")
                + "," + tensor("c", "BF16", "[3]", "[16,22]") + "," + tensor("d", "I64", "[]", "[22,30]")
                + "," + tensor("e", "BOOL", "[0,7]", "[30,30]") + "}  ", 30);
    }

    private static byte[] mutate(byte[] file, Random random) {
        List<Byte> bytes = new ArrayList<>(file.length);
        for (byte b : file) {
            bytes.add(b);
        }
        String alphabet = "{}[]:,\"\\0123456789-+.eE tfnu_aFBIU\0";
        for (int n = 1 + random.nextInt(3); n > 0; n--) {
            // Mostly within the header, where the decisions are.
            int at = random.nextInt(random.nextInt(8) == 0 ? bytes.size() : Math.min(bytes.size(), 330));
            switch (random.nextInt(5)) {
                case 0 -> bytes.set(at, (byte) (bytes.get(at) ^ 1 << random.nextInt(8)));
                case 1 -> bytes.set(at, (byte) alphabet.charAt(random.nextInt(alphabet.length())));
                case 2 -> bytes.remove(at);
                case 3 -> bytes.add(at, (byte) alphabet.charAt(random.nextInt(alphabet.length())));
                default -> {
                    int length = Math.min(random.nextInt(40), bytes.size() - at);
                    List<Byte> piece = List.copyOf(bytes.subList(at, at + length));
                    bytes.addAll(random.nextInt(bytes.size()), piece);
                }
            }
        }
        byte[] mutant = new byte[bytes.size()];
        for (int i = 0; i < mutant.length; i++) {
            mutant[i] = bytes.get(i);
        }
        if (random.nextBoolean()) { // a length that fits again
            ByteBuffer.wrap(mutant).order(ByteOrder.LITTLE_ENDIAN)
                    .putLong(0, Math.max(0, mutant.length - 8 - 30));
        }
        return mutant;
    }
}
