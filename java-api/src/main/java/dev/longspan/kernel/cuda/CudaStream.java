package dev.longspan.kernel.cuda;

import dev.longspan.bindings.cuda.LongspanCuda;
import dev.longspan.bindings.driver.Driver;
import dev.longspan.parallel.Parallel;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Work of a device in order. A thread that enqueues a kernel has the stream until it has waited for it or ended; others get a
 * StreamInUseException.
 */
public final class CudaStream {

    /** Waits after every kernel where it is true, so that an error names the one that made it. */
    public static final String SYNCHRONOUS = "longspan.cuda.synchronous";

    /** How many kernels an error that comes later may name. */
    private static final int REMEMBERED = 16;

    private final CudaDevice device;
    private final MemorySegment handle;
    private final boolean synchronous = Boolean.getBoolean(SYNCHRONOUS);
    private final Deque<String> pending = new ArrayDeque<>();
    private @Nullable Thread user;
    private @Nullable Recording recording;

    CudaStream(CudaDevice device) {
        this.device = device;
        device.enter();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment made = arena.allocate(ValueLayout.ADDRESS);
            device.check(Driver.cuStreamCreate(made, Driver.CU_STREAM_NON_BLOCKING()), "no stream");
            handle = made.get(ValueLayout.ADDRESS, 0);
        }
    }

    /** Enqueues something of the library; returns a status. */
    @FunctionalInterface
    interface Kernel {
        int enqueue(MemorySegment stream);
    }

    CudaDevice device() {
        return device;
    }

    /** Enqueues a kernel unless the caller is cancelled. */
    void launch(Parallel parallel, String name, Kernel kernel) {
        parallel.forEach(0, (item, scratch) -> { }); // throws once cancelled
        launch(name, kernel);
    }

    /** Enqueues a kernel; {@code name} is what errors call it. */
    synchronized void launch(String name, Kernel kernel) {
        enter();
        user = Thread.currentThread();
        if (pending.size() == REMEMBERED) {
            pending.removeFirst();
        }
        if (!name.equals(pending.peekLast())) {
            pending.addLast(name);
        }
        int status = kernel.enqueue(handle);
        if (status == LongspanCuda.LS_CUDA_FAULT()) {
            throw device.failure(name + " failed: " + LongspanCuda.ls_cuda_last_error().getString(0) + after(name));
        } else if (status != LongspanCuda.LS_OK()) {
            throw new IllegalArgumentException(LongspanCuda.ls_cuda_last_error().getString(0));
        }
        if (synchronous && recording == null) {
            device.check(Driver.cuStreamSynchronize(handle), name + " failed");
        }
    }

    /** Enqueues a call of the driver. */
    synchronized void enqueue(String what, Kernel call) {
        enter();
        device.check(call.enqueue(handle), what + after(""));
    }

    /** Waits until all is done that was enqueued, and gives the stream up. */
    public synchronized void synchronize() {
        enter();
        if (recording != null) {
            throw new IllegalStateException("nothing can be read while a graph is recorded: read it after the graph's launch");
        }
        int status = Driver.cuStreamSynchronize(handle);
        if (status != Driver.CUDA_SUCCESS()) {
            device.check(status, "an error after " + (pending.isEmpty() ? "no kernel" : kernels()));
        }
        pending.clear();
        user = null;
    }

    /** What is being recorded instead of done; none as a rule. */
    @Nullable Recording recording() {
        return recording;
    }

    synchronized void record(@Nullable Recording into) {
        enter();
        recording = into;
    }

    private void enter() {
        Thread mine = Thread.currentThread();
        if (user != null && !user.equals(mine) && user.isAlive()) {
            throw new StreamInUseException("a stream serves one thread at a time: " + user.getName()
                    + " has work on it that it has not waited for, " + mine.getName() + " must not add to it");
        }
        device.enter();
    }

    private String after(String name) {
        return pending.isEmpty() || pending.size() == 1 && name.equals(pending.peekLast()) ? "" : " (after " + kernels() + ")";
    }

    private String kernels() {
        return pending.stream().collect(Collectors.joining(", ")) + (synchronous ? "" : ", of which -D" + SYNCHRONOUS
                + "=true finds the one");
    }
}
