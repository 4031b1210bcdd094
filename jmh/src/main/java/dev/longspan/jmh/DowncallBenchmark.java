package dev.longspan.jmh;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.longspan.bindings.HostLibrary;
import dev.longspan.bindings.host.Longspan;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** What a downcall with three pointers costs, by how they are passed, beside a call of an empty function within C. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 1, jvmArgsAppend = {"--add-modules", "jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED"})
@SuppressWarnings("restricted") // a downcall of its own
public class DowncallBenchmark {

    private static final int CALLS = 1000;

    // ls_add as the bindings have it, but for the pointers.
    private static final MethodHandle ADD = handle();
    private static final MethodHandle EMPTY = CLibrary.function("peer_empty_calls", JAVA_LONG);

    private final Arena shared = Arena.ofShared();
    private final MemorySegment x = shared.allocate(64, 64);
    private final long address = x.address();

    private static MethodHandle handle() {
        if (HostLibrary.get().reason() != null) {
            throw new IllegalStateException(HostLibrary.get().reason());
        }
        return Linker.nativeLinker().downcallHandle(Longspan.ls_add$address(),
                FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG));
    }

    @Setup
    public void refuseWrongAnswers() throws Throwable {
        if (rawAddresses() != Longspan.LS_OK() || sharedSegments() != Longspan.LS_OK()) {
            throw new IllegalStateException(Longspan.ls_last_error().getString(0));
        }
    }

    @Benchmark
    @OperationsPerInvocation(CALLS)
    public void withinC() throws Throwable {
        EMPTY.invokeExact((long) CALLS);
    }

    @Benchmark
    public int rawAddresses() throws Throwable {
        return (int) ADD.invokeExact(address, address, address, 0L);
    }

    @Benchmark
    public int sharedSegments() {
        return Longspan.ls_add(x, x, x, 0);
    }

    @TearDown
    public void close() {
        shared.close();
    }
}
