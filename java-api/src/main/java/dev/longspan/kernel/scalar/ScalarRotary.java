package dev.longspan.kernel.scalar;

import dev.longspan.kernel.Rotary;
import dev.longspan.kernel.RotaryKernel;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.Tensor;

/** Pairs turned one by one, by cosines and sines in double. */
final class ScalarRotary implements RotaryKernel {

    @Override
    public void forward(Parallel parallel, Rotary rotary, long first, Tensor x, Tensor y) {
        rotate(parallel, rotary, first, x, y, false);
    }

    @Override
    public void backward(Parallel parallel, Rotary rotary, long first, Tensor dy, Tensor dx) {
        rotate(parallel, rotary, first, dy, dx, true);
    }

    /** {@code y = R x}, or {@code y += Rᵀ x} where {@code back}. */
    private static void rotate(Parallel parallel, Rotary rotary, long first, Tensor x, Tensor y, boolean back) {
        int pairs = rotary.headDim() / 2;
        int apart = rotary.apart();
        double[] frequency = new double[pairs];
        for (int m = 0; m < pairs; m++) {
            frequency[m] = rotary.frequency(m);
        }
        Reals xs = new Reals(x);
        Reals ys = new Reals(y);
        parallel.forEach(x.size(1), (n, scratch) -> {
            for (int m = 0; m < pairs; m++) {
                double angle = rotary.anglePosition(first + n) * frequency[m];
                double scale = rotary.scale(m, first + n);
                double cos = scale * Math.cos(angle);
                double sin = scale * Math.sin(back ? -angle : angle);
                for (long b = 0; b < x.size(0); b++) {
                    for (long h = 0; h < x.size(2); h++) {
                        long from = x.offset() + b * x.stride(0) + n * x.stride(1) + h * x.stride(2) + rotary.first(m);
                        long to = y.offset() + b * y.stride(0) + n * y.stride(1) + h * y.stride(2) + rotary.first(m);
                        double one = xs.get(from) * cos - xs.get(from + apart) * sin;
                        double other = xs.get(from) * sin + xs.get(from + apart) * cos;
                        ys.set(to, back ? ys.get(to) + one : one);
                        ys.set(to + apart, back ? ys.get(to + apart) + other : other);
                    }
                }
            }
        });
    }
}
