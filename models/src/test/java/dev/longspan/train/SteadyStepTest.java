package dev.longspan.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.sun.management.ThreadMXBean;
import dev.longspan.backend.Backend;
import dev.longspan.cli.ChildJvm;
import dev.longspan.kernel.AttentionPattern.Branch;
import dev.longspan.longnet.LongNet;
import dev.longspan.longnet.LongNetConfig;
import dev.longspan.nn.LanguageModel;
import dev.longspan.parallel.CancelSignal;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.TensorArena;
import dev.longspan.text.Document;
import dev.longspan.text.Windows;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** What a training step leaves on the Java heap, of all threads, once compilers are done: bookkeeping, whatever the length. */
class SteadyStepTest {

    private static final int LAYERS = 4;
    private static final int CONTEXT = 128;
    /** The README's figure. */
    private static final long MOST_BYTES_PER_LAYER = 80 << 10;
    /** Of twice the length: attention has twice the work items, and a slice for each row of the norms would be some 50 KiB. */
    private static final long MORE_BYTES = 16 << 10;
    /** Pairs of steps of which the fewest bytes count, and how often in a row they must be few. */
    private static final int ROUND = 8;
    private static final int ROUNDS = 3;
    private static final long PATIENCE = TimeUnit.SECONDS.toNanos(50);
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    /**
     * On C++ kernels, which need no compiler's time; BoxingTest looks at those in Java. In a JVM of its own: where other tests
     * have taught C2 other types, slices stay objects.
     */
    @Test
    void aStepOfLongNetAllocatesAFixedAmountWhateverTheLength() throws IOException, InterruptedException {
        assumeTrue(THREADS.isThreadAllocatedMemorySupported(), "this JVM does not count what threads allocate");
        Backend host = host();
        assumeTrue(host.reason() == null, () -> "backend host cannot run: " + host.reason());
        ChildJvm child = ChildJvm.java(List.of("--add-modules", "jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED",
                "-Djava.library.path=" + System.getProperty("java.library.path", ""), "-cp", System.getProperty("java.class.path"),
                SteadyStepTest.class.getName()));
        assertThat(child.status()).as("%s%s", child.out(), child.err()).isZero();
    }

    /** Ends with status 0 once steps allocate little, with 1 if they never do. */
    public static void main(String[] arguments) {
        Bytes bytes = settled(host());
        IO.println(bytes);
        System.exit(bytes.areFew() ? 0 : 1);
    }

    private static Backend host() {
        return Backend.onHost().stream().filter(b -> b.name().equals("host")).findFirst().orElseThrow();
    }

    private static LongNet longNet(TensorArena arena) {
        return LongNet.create(LongNetConfig.of(256, 32, 2, LAYERS, List.of(new Branch(128, 1), new Branch(256, 2))), arena,
                DType.F32, 1);
    }

    private static Bytes settled(Backend backend) {
        Windows text = new Windows(List.of(new Document("text", "a text to be read again. ".repeat(400)
                .getBytes(StandardCharsets.US_ASCII))), 1);
        try (TensorArena arena = new TensorArena();
                Trainer once = trainer(backend, longNet(arena), text, CONTEXT);
                Trainer twice = trainer(backend, longNet(arena), text, 2 * CONTEXT)) {
            int few = 0;
            Bytes bytes = new Bytes(Long.MAX_VALUE, Long.MAX_VALUE);
            for (long start = System.nanoTime(); few < ROUNDS && System.nanoTime() - start < PATIENCE;) {
                bytes = fewest(once, twice);
                few = bytes.areFew() ? few + 1 : 0;
            }
            return bytes;
        }
    }

    /** Of a step of a context and of twice the context. */
    private record Bytes(long once, long twice) {
        boolean areFew() {
            return Math.max(once, twice) <= LAYERS * MOST_BYTES_PER_LAYER && twice - once <= MORE_BYTES;
        }
    }

    private static Bytes fewest(Trainer once, Trainer twice) {
        long fewOnce = Long.MAX_VALUE;
        long fewTwice = Long.MAX_VALUE;
        for (int i = 0; i < ROUND; i++) {
            fewOnce = Math.min(fewOnce, bytes(once));
            fewTwice = Math.min(fewTwice, bytes(twice));
        }
        return new Bytes(fewOnce, fewTwice);
    }

    private static long bytes(Trainer trainer) {
        CancelSignal never = new CancelSignal();
        long before = THREADS.getTotalThreadAllocatedBytes();
        trainer.next(never);
        return THREADS.getTotalThreadAllocatedBytes() - before;
    }

    private static Trainer trainer(Backend backend, LanguageModel<?> model, Windows text, int context) {
        return new Trainer(backend, Parallel.of(1), model, text, TrainSettings.standard(context, 1_000_000, 1));
    }
}
