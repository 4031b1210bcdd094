package dev.longspan.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AtomicSaveTest {

    private static final int ELEMENTS = 1 << 18;

    @TempDir
    Path folder;

    /** A disk on which step number {@code failing} goes wrong, writes after a few bytes. */
    private static final class FailingDisk implements FileSteps {
        private int left;

        FailingDisk(int failing) {
            left = failing;
        }

        private void step() throws IOException {
            if (left-- == 0) {
                throw new IOException("No space left on device");
            }
        }

        @Override
        public void write(FileChannel channel, ByteBuffer bytes) throws IOException {
            if (left == 0) {
                FileSteps.super.write(channel, bytes.slice(0, bytes.remaining() / 2));
            }
            step();
            FileSteps.super.write(channel, bytes);
        }

        @Override
        public void force(FileChannel channel) throws IOException {
            step();
            FileSteps.super.force(channel);
        }

        @Override
        public void rename(Path from, Path to) throws IOException {
            step();
            FileSteps.super.rename(from, to);
        }

        @Override
        public void forceFolder(Path path) throws IOException {
            step();
            FileSteps.super.forceFolder(path);
        }
    }

    @Test
    void aSaveThatFailsAtAnyStepKeepsTheOldFileAndLeavesNothing() throws IOException {
        Path file = folder.resolve("model.safetensors");
        try (TensorArena arena = new TensorArena()) {
            Tensor tensor = arena.allocate(DType.F32, ELEMENTS);
            int steps = 5; // header, data, force, rename, force of the folder
            for (int failing = 0; failing < steps; failing++) {
                Safetensors.save(file, Map.of("w", tensor.fill(1)), Map.of("step", "1"));
                int step = failing;
                assertThatThrownBy(() -> SafetensorsWriter.save(file, Map.of("w", tensor.fill(2)), Map.of("step", "2"),
                        new FailingDisk(step))).isInstanceOf(CheckpointIOException.class)
                        .hasMessage("cannot write " + file + ": No space left on device");
                assertThat(step(file)).as("step %d", failing).isEqualTo(failing < steps - 1 ? 1 : 2);
                assertThat(names()).containsExactly("model.safetensors");
            }
            SafetensorsWriter.save(file, Map.of("w", tensor.fill(3)), Map.of("step", "3"), new FailingDisk(steps));
            assertThat(step(file)).isEqualTo(3);
        }
    }

    @Test
    void whatACrashLeftBehindIsRemovedByTheNextSaveOrOpenButOnlyThat() throws IOException {
        Path file = folder.resolve("model.safetensors");
        Path stale = folder.resolve(".model.safetensors-1234.longspan-tmp");
        Path other = Files.writeString(folder.resolve(".other.safetensors-1.longspan-tmp"), "x");
        Files.writeString(stale, "half a file");
        save(file, 1);
        assertThat(stale).doesNotExist();
        Files.writeString(stale, "half a file");
        assertThat(step(file)).isEqualTo(1);
        assertThat(stale).doesNotExist();
        assertThat(other).exists();
    }

    @Test
    void aTemporaryFileThatAnotherWriterHoldsStays() throws IOException {
        Path file = folder.resolve("model.safetensors");
        Path held = folder.resolve(".model.safetensors-1234.longspan-tmp");
        try (FileChannel channel = FileChannel.open(held, StandardOpenOption.CREATE,
                StandardOpenOption.WRITE)) {
            assertThat(channel.tryLock()).isNotNull();
            save(file, 1);
            assertThat(held).exists();
        }
    }

    @Test
    void aFolderThatCannotBeWrittenIsOneClearError() throws IOException {
        Path missing = folder.resolve("missing/model.safetensors");
        assertThatThrownBy(() -> save(missing, 1)).isInstanceOf(CheckpointIOException.class)
                .hasMessageStartingWith("cannot write " + missing + ": no such file or folder");
        Path inFile = Files.writeString(folder.resolve("file"), "x").resolve("model.safetensors");
        assertThatThrownBy(() -> save(inFile, 1)).isInstanceOf(CheckpointIOException.class)
                .hasMessageStartingWith("cannot write " + inFile);
    }

    @Test
    void aReadOnlyFolderIsOneClearError() throws IOException {
        Path locked = Files.createDirectory(folder.resolve("locked"));
        assertThat(locked.toFile().setWritable(false)).isTrue();
        try {
            assumeFalse(Files.isWritable(locked), "this user may write everywhere");
            assertThatThrownBy(() -> save(locked.resolve("m.safetensors"), 1)).isInstanceOf(CheckpointIOException.class)
                    .hasMessageContaining("permission denied");
        } finally {
            assertThat(locked.toFile().setWritable(true)).isTrue();
        }
    }

    @Test
    void killingTheJvmWhileItSavesLosesNothing() throws Exception {
        Path file = folder.resolve("model.safetensors");
        long seed = 3;
        Random random = new Random(seed);
        long atLeast = 0;
        for (int kill = 0; kill < 6; kill++) {
            Process child = ChildJvm.start(List.of(), SaveForEver.class, file.toString(), Long.toString(atLeast));
            int saves = 1 + random.nextInt(4);
            byte[] reported = child.getInputStream().readNBytes(saves); // one byte after each finished save
            long until = System.nanoTime() + random.nextInt(4_000_000);
            while (System.nanoTime() < until) {
                Thread.onSpinWait();
            }
            child.destroyForcibly().waitFor();
            assertThat(reported).as("seed=%d, kill=%d", seed, kill).hasSize(saves);
            long found = step(file);
            assertThat(found).as("seed=%d, kill=%d", seed, kill).isGreaterThanOrEqualTo(atLeast + saves);
            assertThat(names()).as("seed=%d, kill=%d", seed, kill).containsExactly("model.safetensors");
            atLeast = found;
        }
    }

    /** Saves ever higher steps until it is killed. */
    static final class SaveForEver {
        public static void main(String[] args) {
            for (long step = Long.parseLong(args[1]) + 1;; step++) {
                save(Path.of(args[0]), step);
                System.out.write('.');
                System.out.flush();
            }
        }
    }

    private static void save(Path file, long step) {
        try (TensorArena arena = new TensorArena()) {
            Safetensors.save(file, Map.of("w", arena.allocate(DType.I32, ELEMENTS).fill(step)),
                    Map.of("step", Long.toString(step)));
        }
    }

    /** The step a file holds, after a look at all its elements. */
    private static long step(Path file) {
        try (Safetensors loaded = Safetensors.open(file)) {
            long step = Long.parseLong(loaded.metadata().get("step"));
            Tensor w = loaded.tensors().get("w");
            assertThat(Arrays.stream(w.toDoubles()).distinct().toArray()).containsExactly(step);
            return step;
        }
    }

    private List<String> names() throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(path -> path.getFileName().toString()).toList();
        }
    }
}
