package dev.longspan.kernel.cuda;

import dev.longspan.bindings.driver.Driver;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Work of a stream recorded once and launched as a whole, as often as wanted: the CPU's part of each kernel is gone. What the host
 * gave while recording (ids, masks, rates) is given again at every launch; what changes from launch to launch is read from tensors of
 * the device, and results are copied to such. The workspace of passes within must stay, and nothing else may run in it.
 */
public final class CudaGraph implements AutoCloseable {

    private final CudaStream stream;
    private final Recording recording;
    private final MemorySegment executable;
    private boolean closed;

    private CudaGraph(CudaStream stream, Recording recording, MemorySegment executable) {
        this.stream = stream;
        this.recording = recording;
        this.executable = executable;
    }

    /**
     * Records what {@code work} enqueues, which is not done yet. It must have run once before, so that all memory is there, and
     * must not read results.
     */
    public static CudaGraph record(CudaSpace space, Runnable work) {
        CudaStream stream = space.stream();
        stream.synchronize();
        Recording recording = new Recording(space.device());
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment made = arena.allocate(ValueLayout.ADDRESS);
            stream.enqueue("a recording", s -> Driver.cuStreamBeginCapture_v2(s, Driver.CU_STREAM_CAPTURE_MODE_RELAXED()));
            stream.record(recording);
            try {
                work.run();
            } finally {
                stream.record(null);
                stream.enqueue("the end of a recording", s -> Driver.cuStreamEndCapture(s, made));
            }
            MemorySegment graph = made.get(ValueLayout.ADDRESS, 0);
            stream.enqueue("a graph", s -> Driver.cuGraphInstantiateWithFlags(made, graph, 0));
            Driver.cuGraphDestroy(graph);
            stream.synchronize();
            return new CudaGraph(stream, recording, made.get(ValueLayout.ADDRESS, 0));
        } catch (RuntimeException e) {
            recording.close();
            throw e;
        }
    }

    /** Enqueues all that was recorded. */
    public void launch() {
        if (closed) {
            throw new IllegalStateException("the graph is closed");
        }
        stream.enqueue("a graph", s -> Driver.cuGraphLaunch(executable, s));
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            if (!stream.device().isLost()) {
                stream.synchronize();
                Driver.cuGraphExecDestroy(executable);
            }
            recording.close();
        }
    }
}
