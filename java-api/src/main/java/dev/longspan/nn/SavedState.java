package dev.longspan.nn;

import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import java.util.Arrays;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * What {@link StreamState#tensors} gave, read back from anywhere: a tensor that is missing or not of the dtype and shape
 * that the model needs is an IllegalArgumentException that names it.
 *
 * @param prefix of the names that are asked for
 */
public record SavedState(String prefix, Map<String, Tensor> tensors) {

    /** All of a state's tensors. */
    public static SavedState of(Map<String, Tensor> tensors) {
        return new SavedState("", tensors);
    }

    /** The tensors below {@code name}. */
    public SavedState within(String name) {
        return new SavedState(prefix + name + ".", tensors);
    }

    /** The tensor of that name. */
    public Tensor tensor(String name) {
        Tensor tensor = tensors.get(prefix + name);
        if (tensor == null) {
            throw new IllegalArgumentException("the saved state must have " + prefix + name);
        }
        return tensor;
    }

    /** Whole numbers, {@code count} of them. */
    public long[] numbers(String name, int count) {
        Tensor numbers = tensor(name);
        if (numbers.dtype() != DType.I64 || numbers.rank() != 1 || numbers.size(0) != count) {
            throw wrong(name, "I64[" + count + "]", numbers);
        }
        return numbers.toLongs();
    }

    /** Position and number of sequences. */
    public Place place() {
        long[] at = numbers(StreamState.POSITION, 2);
        if (at[0] < 0 || at[1] <= 0 || at[1] > Integer.MAX_VALUE) {
            throw new IllegalArgumentException("the saved state must have a position >= 0 and a batch > 0: position=" + at[0]
                    + ", batch=" + at[1]);
        }
        return new Place(at[0], (int) at[1]);
    }

    /** Where a state stands. */
    public record Place(long position, int batch) {

        /** Every sequence in its place. */
        public int[] rows() {
            return IntStream.range(0, batch).toArray();
        }
    }

    /** The dtype of keys and values, {@code own} where they had the model's. */
    public DType caches(DType own) {
        Tensor caches = tensors.get(prefix + StreamState.CACHES);
        return caches == null ? own : caches.dtype();
    }

    /** Throws IllegalArgumentException if the state belongs to a model of another {@link Fingerprint}. */
    public void checkModel(long fingerprint) {
        long saved = numbers(StreamState.MODEL, 1)[0];
        if (saved != fingerprint) {
            throw new IllegalArgumentException("the state belongs to another model: fingerprint=%016x, model=%016x"
                    .formatted(saved, fingerprint));
        }
    }

    /** Copies sequence {@code rows[i]} of a tensor to sequence i of {@code into}. */
    public void copy(String name, Tensor into, int... rows) {
        Tensor from = tensor(name);
        long[] expected = into.shape();
        if (from.rank() > 0) {
            expected[0] = from.size(0);
        }
        if (from.dtype() != into.dtype() || !Arrays.equals(from.shape(), expected)
                || Arrays.stream(rows).anyMatch(row -> row >= expected[0])) {
            throw wrong(name, "as many sequences of " + into.dtype() + Arrays.toString(into.select(0, 0).shape()), from);
        }
        IntStream.range(0, rows.length).forEach(i -> into.select(0, i).copyFrom(from.select(0, rows[i])));
    }

    private IllegalArgumentException wrong(String name, String expected, Tensor found) {
        return new IllegalArgumentException("the saved state must have " + prefix + name + " of " + expected + ": " + prefix
                + name + "=" + found);
    }
}
