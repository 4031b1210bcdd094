package dev.longspan.rmt;

/**
 * How a recurrent memory is put around a backbone.
 *
 * @param memory vectors m that pass from segment to segment
 * @param segment tokens S of a full segment
 * @param supervision segments of a classified document that have a loss
 * @param recompute whether training keeps only the memory between segments and computes each segment again on the way back:
 *     the same bits in memory that does not grow with the number of segments
 * @param carry what a decoder's backbone takes along from segment to segment, beside the memory
 * @param memoryNoise standard deviation of the Gaussian noise that training adds to memory passed on from segment to segment
 */
public record RmtConfig(int memory, int segment, Alignment alignment, Supervision supervision, Limits limits, Bptt bptt,
        boolean recompute, Carry carry, double memoryNoise) {

    /** Rows of an input of the encoder layout that are neither memory nor tokens: [CLS], [SEP], [SEP]. */
    static final int SPECIALS = 3;

    /** Segments of a classified document that have a loss. */
    public enum Supervision {
        /** The last. */
        LAST,
        /** The mean over all: {@code sum_loss} of the released code, which is no sum. */
        MEAN
    }

    /** What a decoder's backbone takes along from segment to segment, beside the memory. */
    public enum Carry {
        /** Nothing: each segment is a sequence of its own. */
        NOTHING,
        /** Positions: row 0 of a segment is at the number of rows before it, read and write memory included. */
        POSITIONS,
        /**
         * All that the backbone streams with (averages, moments, keys and values): the segments with their memory are one
         * sequence. At inference only.
         */
        STATE
    }

    /**
     * What documents may be.
     *
     * @param minTokens fewer are an error
     * @param maxSegments more are an error; 0 for any number
     * @param truncate cuts what is beyond {@code maxSegments} off instead, the question at a document's end with it
     */
    public record Limits(long minTokens, int maxSegments, boolean truncate) {

        /** Anything but nothing. */
        public static final Limits NONE = new Limits(1, 0, false);

        public Limits {
            if (minTokens < 1 || maxSegments < 0 || truncate && maxSegments == 0) {
                throw new IllegalArgumentException("limits must have minTokens >= 1, maxSegments >= 0, and maxSegments to "
                        + "truncate to: minTokens=" + minTokens + ", maxSegments=" + maxSegments + ", truncate=" + truncate);
            }
        }
    }

    /**
     * Through how many segments gradients go back.
     *
     * @param depth k: a segment's loss reaches itself and at most k − 1 segments before it; 0 for all
     * @param segments n of the reference's rule: what the released code was told that documents have at most
     */
    public record Bptt(int depth, Rule rule, int segments) {

        /** Through all segments. */
        public static final Bptt FULL = of(0);

        /** Where the memory is cut off from the way back. */
        public enum Rule {
            /**
             * Every loss has its own k segments. Costs k times the forward and backward passes where all segments have a loss,
             * nothing more where only the last has.
             */
            EXACT,
            /** As the released decoder does: behind segment s where s > 0 and s + k ≤ n. */
            REFERENCE
        }

        public Bptt {
            if (depth < 0 || rule == Rule.REFERENCE && (depth == 0 || segments <= 0)) {
                throw new IllegalArgumentException("depth must not be negative, and the reference's rule needs depth and "
                        + "segments: depth=" + depth + ", rule=" + rule + ", segments=" + segments);
            }
        }

        /** Through k segments, or all of them if it is 0. */
        public static Bptt of(int k) {
            return new Bptt(k, Rule.EXACT, 0);
        }

        /** By the reference's rule. */
        public static Bptt reference(int k, int segments) {
            return new Bptt(k, Rule.REFERENCE, segments);
        }
    }

    public RmtConfig {
        if (memory <= 0 || segment <= 0) {
            throw new IllegalArgumentException("memory and segment must be positive: memory=" + memory + ", segment=" + segment);
        }
        if (memory > segment) {
            throw new IllegalArgumentException("memory must not be larger than the segment: memory=" + memory + ", segment="
                    + segment);
        }
        if (!(memoryNoise >= 0 && Double.isFinite(memoryNoise))) {
            throw new IllegalArgumentException("memoryNoise must be finite and not negative: memoryNoise=" + memoryNoise);
        }
    }

    /** Segments of so many tokens, full backpropagation, nothing recomputed. */
    public static RmtConfig of(int memory, int segment, Alignment alignment) {
        return new RmtConfig(memory, segment, alignment, Supervision.LAST, Limits.NONE, Bptt.FULL, false, Carry.NOTHING, 0);
    }

    /** The encoder layout within {@code input} rows, 512 in the paper: {@code S = input − m − 3}, the first segment the short one. */
    public static RmtConfig encoder(int memory, int input) {
        if (input <= memory + SPECIALS) {
            throw new IllegalArgumentException("memory and " + SPECIALS + " special tokens must leave room in the input: memory="
                    + memory + ", input=" + input);
        }
        return of(memory, input - memory - SPECIALS, Alignment.RIGHT);
    }

    /** The decoder layout: the last segment is the short one. */
    public static RmtConfig decoder(int memory, int segment) {
        return of(memory, segment, Alignment.LEFT);
    }

    public RmtConfig withAlignment(Alignment where) {
        return new RmtConfig(memory, segment, where, supervision, limits, bptt, recompute, carry, memoryNoise);
    }

    public RmtConfig withSupervision(Supervision which) {
        return new RmtConfig(memory, segment, alignment, which, limits, bptt, recompute, carry, memoryNoise);
    }

    public RmtConfig withLimits(Limits documents) {
        return new RmtConfig(memory, segment, alignment, supervision, documents, bptt, recompute, carry, memoryNoise);
    }

    public RmtConfig withBptt(Bptt reach) {
        return new RmtConfig(memory, segment, alignment, supervision, limits, reach, recompute, carry, memoryNoise);
    }

    public RmtConfig withRecompute(boolean on) {
        return new RmtConfig(memory, segment, alignment, supervision, limits, bptt, on, carry, memoryNoise);
    }

    public RmtConfig withCarry(Carry what) {
        return new RmtConfig(memory, segment, alignment, supervision, limits, bptt, recompute, what, memoryNoise);
    }

    public RmtConfig withMemoryNoise(double std) {
        return new RmtConfig(memory, segment, alignment, supervision, limits, bptt, recompute, carry, std);
    }

    /** Rows of a segment in the encoder layout. */
    public int input() {
        return segment + memory + SPECIALS;
    }

    /** Starts of a document's segments and behind them its end, as {@link Alignment} cuts it within the limits. */
    public long[] bounds(long tokens) {
        if (tokens < limits.minTokens) {
            throw new IllegalArgumentException(tokens == 0 ? "a document must not be empty: tokens=0"
                    : "a document must have at least " + limits.minTokens + " tokens: tokens=" + tokens);
        }
        long most = limits.maxSegments == 0 ? Long.MAX_VALUE : (long) limits.maxSegments * segment;
        if (tokens > most && !limits.truncate) {
            throw new IllegalArgumentException("a document must fit " + limits.maxSegments + " segments of " + segment
                    + " tokens, or its end, the question with it, must be allowed to be cut off: tokens=" + tokens);
        }
        return alignment.bounds(Math.min(tokens, most), segment);
    }
}
