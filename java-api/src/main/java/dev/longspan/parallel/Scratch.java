package dev.longspan.parallel;

import dev.longspan.bindings.Sanitizer;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Buffers of one worker, kept between calls so that kernels allocate nothing in a steady state. */
public final class Scratch {

    private static final int SLOTS = 24;

    private final float[][] floats = new float[SLOTS][0];
    private final double[][] doubles = new double[SLOTS][0];
    private final int[][] ints = new int[SLOTS][0];
    private final MemorySegment[] segments = new MemorySegment[SLOTS];

    /** Without buffers: they come and grow as they are asked for. */
    public Scratch() {
    }

    /** Buffer number {@code slot} with at least {@code length} elements; its contents are whatever was left there. */
    public float[] floats(int slot, int length) {
        if (floats[slot].length < length) {
            floats[slot] = new float[length];
        }
        return floats[slot];
    }

    /** As {@link #floats}. */
    public double[] doubles(int slot, int length) {
        if (doubles[slot].length < length) {
            doubles[slot] = new double[length];
        }
        return doubles[slot];
    }

    /** As {@link #floats}. */
    public int[] ints(int slot, int length) {
        if (ints[slot].length < length) {
            ints[slot] = new int[length];
        }
        return ints[slot];
    }

    /** Native memory number {@code slot} with at least {@code bytes} bytes, on the boundary of a cache line. */
    public MemorySegment segment(int slot, long bytes) {
        if (segments[slot] == null || segments[slot].byteSize() < bytes) {
            segments[slot] = Sanitizer.watched(Arena.ofAuto(), bytes, 64);
        }
        return segments[slot];
    }
}
