package dev.longspan.kernel;

import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.util.Random;

/** Tensors of normal random numbers, in every layout that kernels must accept. */
public record RandomTensors(TensorArena arena, Random random, DType dtype) {

    /** Row-major, away from the start of its storage. */
    public Tensor contiguous(long... shape) {
        long elements = Tensor.byteSize(DType.U8, shape);
        Tensor padded = arena.allocate(dtype, elements + 3);
        return fill(padded.slice(0, 3, elements + 3).reshape(shape));
    }

    /** [rows, cols] with stride 1 along the rows' numbers and a gap between columns. */
    public Tensor transposed(long rows, long cols) {
        return fill(arena.allocate(dtype, cols, rows + 2).slice(1, 1, rows + 1).transpose(0, 1));
    }

    /** [rows, cols] with gaps between the rows. */
    public Tensor gapped(long rows, long cols) {
        return fill(arena.allocate(dtype, rows, cols + 3).slice(1, 2, cols + 2));
    }

    /** [B, N, H, D] that lies as [B, H, N, D] with gaps after rows and heads. */
    public Tensor headsFirst(long batch, long rows, long heads, long dim) {
        return fill(arena.allocate(dtype, batch, heads, rows + 1, dim + 2).transpose(1, 2).slice(1, 1, rows + 1)
                .slice(3, 1, dim + 1));
    }

    /** The values of a tensor in a new, contiguous one. */
    public Tensor copy(Tensor of) {
        return arena.allocate(of.dtype(), of.shape()).copyFrom(of);
    }

    private Tensor fill(Tensor tensor) {
        double[] values = new double[Math.toIntExact(tensor.elements())];
        for (int i = 0; i < values.length; i++) {
            values[i] = random.nextGaussian();
        }
        return tensor.set(values);
    }
}
