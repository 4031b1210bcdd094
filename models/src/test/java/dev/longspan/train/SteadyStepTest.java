package dev.longspan.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.sun.management.ThreadMXBean;
import dev.longspan.backend.Backend;
import dev.longspan.cli.ChildJvm;
import dev.longspan.kernel.AttentionPattern.Branch;
import dev.longspan.longnet.LongNet;
import dev.longspan.longnet.LongNetConfig;
import dev.longspan.megalodon.Megalodon;
import dev.longspan.megalodon.MegalodonConfig;
import dev.longspan.nn.LanguageModel;
import dev.longspan.parallel.CancelSignal;
import dev.longspan.parallel.Parallel;
import dev.longspan.rmt.Alignment;
import dev.longspan.rmt.RmtConfig;
import dev.longspan.rmt.RmtDecoder;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.TensorArena;
import dev.longspan.text.Document;
import dev.longspan.text.Windows;
import dev.longspan.transformer.DenseTransformer;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What a training step leaves on the Java heap, of all threads, once compilers are done: bookkeeping, whatever the length. */
class SteadyStepTest {

    private static final int LAYERS = 4;
    private static final int CONTEXT = 128;
    /**
     * Of twice the length, which has twice the work items: where C2 leaves their slices on the heap those of the norms' way
     * back alone are 42 KiB. A slice for each row of the norms would be 120 KiB.
     */
    private static final long MORE_BYTES = 64 << 10;
    /** Pairs of steps of which the fewest bytes count, and how often in a row they must be few. */
    private static final int ROUND = 8;
    private static final int ROUNDS = 3;
    private static final long PATIENCE = TimeUnit.SECONDS.toNanos(50);
    private static final CancelSignal NEVER = new CancelSignal();
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    /** The README's figures. */
    enum Kind {
        LONGNET(80), DENSE(80), MEGALODON(96), RMT(80);

        private final long mostBytes;

        Kind(int kibibytesOfALayer) {
            this.mostBytes = (long) LAYERS * kibibytesOfALayer << 10;
        }

        LanguageModel<?> create(TensorArena arena, int context) {
            LongNetConfig config = LongNetConfig.of(256, 32, 2, LAYERS, List.of(new Branch(128, 1), new Branch(256, 2)));
            return switch (this) {
                case LONGNET -> LongNet.create(config, arena, DType.F32, 1);
                case DENSE -> LongNet.create(DenseTransformer.of(config), arena, DType.F32, 1);
                case MEGALODON -> Megalodon.create(MegalodonConfig.of(256, 32, LAYERS, 1, 16, 64, 64, 128, 4), arena, DType.F32, 1);
                case RMT -> RmtDecoder.create(RmtConfig.of(8, context, Alignment.LEFT),
                        LongNet.create(config, arena, DType.F32, 1), 0.02, arena, 1);
            };
        }
    }

    /**
     * On C++ kernels, which need no compiler's time; BoxingTest looks at those in Java. In a JVM of its own: where other tests
     * have taught C2 other types, slices stay objects.
     */
    @ParameterizedTest
    @EnumSource
    void aStepAllocatesAFixedAmountWhateverTheLength(Kind kind) throws IOException, InterruptedException {
        assumeTrue(THREADS.isThreadAllocatedMemorySupported(), "this JVM does not count what threads allocate");
        Backend host = host();
        assumeTrue(host.reason() == null, () -> "backend host cannot run: " + host.reason());
        ChildJvm child = ChildJvm.java(List.of("--add-modules", "jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED",
                "-Djava.library.path=" + System.getProperty("java.library.path", ""), "-cp", System.getProperty("java.class.path"),
                SteadyStepTest.class.getName(), kind.name()));
        assertThat(child.status()).as("%s%s", child.out(), child.err()).isZero();
    }

    /** Ends with status 0 once steps of the kind of model that the argument names allocate little, with 1 if they never do. */
    public static void main(String[] arguments) {
        Kind kind = Kind.valueOf(arguments[0]);
        Bytes bytes = settled(host(), kind);
        IO.println(bytes);
        System.exit(bytes.areFew(kind) ? 0 : 1);
    }

    private static Backend host() {
        return Backend.onHost().stream().filter(b -> b.name().equals("host")).findFirst().orElseThrow();
    }

    private static Bytes settled(Backend backend, Kind kind) {
        Windows text = new Windows(List.of(new Document("text", "a text to be read again. ".repeat(400)
                .getBytes(StandardCharsets.US_ASCII))), 1);
        try (TensorArena arena = new TensorArena();
                Trainer once = trainer(backend, kind.create(arena, CONTEXT), text, CONTEXT);
                Trainer twice = trainer(backend, kind.create(arena, 2 * CONTEXT), text, 2 * CONTEXT)) {
            int few = 0;
            Bytes bytes = new Bytes(Long.MAX_VALUE, Long.MAX_VALUE);
            for (long start = System.nanoTime(); few < ROUNDS && System.nanoTime() - start < PATIENCE;) {
                bytes = fewest(once, twice);
                few = bytes.areFew(kind) ? few + 1 : 0;
            }
            return bytes;
        }
    }

    /** Of a step of a context and of twice the context. */
    private record Bytes(long once, long twice) {
        boolean areFew(Kind kind) {
            return Math.max(once, twice) <= kind.mostBytes && twice - once <= MORE_BYTES;
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
        long before = THREADS.getTotalThreadAllocatedBytes();
        trainer.next(NEVER);
        return THREADS.getTotalThreadAllocatedBytes() - before;
    }

    private static Trainer trainer(Backend backend, LanguageModel<?> model, Windows text, int context) {
        return new Trainer(backend, Parallel.of(1), model, text, TrainSettings.standard(context, 1_000_000, 1));
    }
}
