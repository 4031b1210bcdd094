package dev.longspan.jmh;

import dev.longspan.backend.Backend;
import dev.longspan.kernel.cuda.CudaEvent;
import dev.longspan.kernel.cuda.CudaSpace;

/** Where time is read: by the CPU, or by the device that works. Serves one thread. */
interface Clock extends AutoCloseable {

    /** What the work took, begun and done. */
    double seconds(Runnable work);

    @Override
    default void close() {
    }

    /** The clock of whoever computes for a backend. */
    static Clock of(Backend backend) {
        return backend.space() instanceof CudaSpace space ? new OfDevice(space) : work -> {
            long start = System.nanoTime();
            work.run();
            return (System.nanoTime() - start) * 1e-9;
        };
    }

    /** Events before the first kernel and behind the last. */
    record OfDevice(CudaEvent start, CudaEvent end) implements Clock {

        OfDevice(CudaSpace space) {
            this(new CudaEvent(space.stream()), new CudaEvent(space.stream()));
        }

        @Override
        public double seconds(Runnable work) {
            start.record();
            work.run();
            end.record();
            return end.secondsSince(start);
        }

        @Override
        public void close() {
            start.close();
            end.close();
        }
    }
}
