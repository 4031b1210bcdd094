package dev.longspan.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.fail;

import dev.longspan.checkpoint.HostileTorchCorpus.Hostile;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HostileTorchTest {

    @TempDir
    Path folder;

    @Test
    void everyHostileFileIsRefusedWithOneClearLine() throws IOException {
        Path file = folder.resolve("hostile.pth");
        for (Map.Entry<String, Hostile> hostile : HostileTorchCorpus.files().entrySet()) {
            Files.write(file, hostile.getValue().bytes());
            assertThatThrownBy(() -> TorchCheckpoint.open(file).close(), hostile.getKey()).as(hostile.getKey())
                    .isInstanceOfSatisfying(ModelFormatException.class, e -> {
                        assertThat(e.file()).isEqualTo(file);
                        assertThat(e.offset()).isBetween(0L, (long) hostile.getValue().bytes().length);
                        assertThat(e.getMessage()).startsWith(file + ", byte ").contains(hostile.getValue().says())
                                .doesNotContain("\n").doesNotContain("\u001b").hasSizeLessThan(file.toString().length() + 500);
                    });
        }
    }

    @Test
    void aSmallHeapIsEnoughToRefuseThem() throws Exception {
        int number = 0;
        for (Hostile hostile : HostileTorchCorpus.files().values()) {
            Files.write(folder.resolve(number++ + ".pth"), hostile.bytes());
        }
        Process child = ChildJvm.start(List.of("-Xmx64m"), OpenAll.class, folder.toString());
        String output = new String(child.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(child.waitFor()).as(output).isZero();
        assertThat(output.strip()).isEqualTo(number + " refused");
    }

    /** Opens every file of a folder and counts the typed refusals. */
    static final class OpenAll {
        public static void main(String[] args) throws IOException {
            int refused = 0;
            try (Stream<Path> files = Files.list(Path.of(args[0]))) {
                for (Path file : files.toList()) {
                    try (TorchCheckpoint accepted = TorchCheckpoint.open(file)) {
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
    void mutatedFilesAreAcceptedOrRefusedButNothingElse() {
        List<byte[]> seedFiles = List.of(TorchCheckpointTest.everything(2), TorchCheckpointTest.everything(4));
        long seed = 20261122;
        Random random = new Random(seed);
        int accepted = 0;
        for (int i = 0; i < 20_000; i++) {
            byte[] mutant = mutate(seedFiles.get(i % 2), random);
            try {
                MemorySegment bytes = MemorySegment.ofArray(mutant);
                StoredZip zip = StoredZip.read(folder, bytes);
                TorchReader.read(folder, bytes, zip);
                zip.verify();
                accepted++;
            } catch (ModelFormatException expected) {
                assertThat(expected.getMessage()).isNotBlank();
            } catch (Throwable other) {
                fail("seed=" + seed + ", mutation=" + i + ", file="
                        + new String(mutant, StandardCharsets.ISO_8859_1), other);
            }
        }
        assertThat(accepted).as("mutants that are still valid, seed=%d", seed).isBetween(1, 10_000);
    }

    /** Bits, bytes and pieces, mostly in the pickle and its headers; half of the mutants keep their length. */
    private static byte[] mutate(byte[] file, Random random) {
        byte[] mutant = file.clone();
        int pickle = Math.min(1700, file.length);
        int[] opcodes = {'(', ')', '}', ']', 'N', 'R', 'b', 't', 'u', 's', 'Q', 'q', 'h', 'K', 'J', 'X', '.', 0x85, 0x8a, 0x94, 0xFF, 0};
        for (int n = 1 + random.nextInt(3); n > 0; n--) {
            int at = random.nextInt(3) == 0 ? random.nextInt(mutant.length) : random.nextInt(Math.min(pickle, mutant.length));
            switch (random.nextInt(6)) {
                case 0, 1 -> mutant[at] ^= (byte) (1 << random.nextInt(8));
                case 2 -> mutant[at] = (byte) opcodes[random.nextInt(opcodes.length)];
                case 3 -> mutant[at] = (byte) random.nextInt(256);
                case 4 -> {
                    int length = Math.min(random.nextInt(40), mutant.length - at);
                    System.arraycopy(mutant, at, mutant, random.nextInt(mutant.length - length + 1), length);
                }
                default -> mutant = random.nextInt(20) > 0 ? mutant : Arrays.copyOf(mutant, at + 1);
            }
        }
        return mutant;
    }
}
