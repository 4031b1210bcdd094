package dev.longspan.kernel.scalar;

import dev.longspan.kernel.Activation;
import dev.longspan.kernel.Dropout;
import dev.longspan.kernel.ElementwiseKernel;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** Element by element. */
final class ScalarElementwise implements ElementwiseKernel {

    private static final int BLOCK = 4096;

    /** A value for element number i. */
    private interface Formula {
        double of(long i);
    }

    @Override
    public void fill(Parallel parallel, Tensor y, double value) {
        set(parallel, y, i -> value);
    }

    @Override
    public void axpby(Parallel parallel, double alpha, Tensor x, double beta, Tensor y) {
        Reals xs = new Reals(x);
        Reals ys = new Reals(y);
        if (beta == 0) {
            set(parallel, y, i -> alpha * xs.get(x.offset() + i));
        } else {
            set(parallel, y, i -> alpha * xs.get(x.offset() + i) + beta * ys.get(y.offset() + i));
        }
    }

    @Override
    public void add(Parallel parallel, Tensor a, Tensor b, Tensor y) {
        Reals as = new Reals(a);
        Reals bs = new Reals(b);
        set(parallel, y, i -> as.get(a.offset() + i) + bs.get(b.offset() + i));
    }

    @Override
    public void multiply(Parallel parallel, Tensor a, Tensor b, Tensor y, boolean accumulate) {
        Reals as = new Reals(a);
        Reals bs = new Reals(b);
        put(parallel, y, accumulate, i -> as.get(a.offset() + i) * bs.get(b.offset() + i));
    }

    @Override
    public void sum(Parallel parallel, double alpha, Tensor x, Tensor y) {
        new Reals(y).set(y.offset(), alpha * OrderedSum.of(parallel, x, value -> value));
    }

    @Override
    public void addScalar(Parallel parallel, double alpha, Tensor scalar, Tensor y) {
        double value = alpha * new Reals(scalar).get(scalar.offset());
        addTo(parallel, y, i -> value);
    }

    @Override
    public void activation(Parallel parallel, Activation f, Tensor x, Tensor y) {
        Reals xs = new Reals(x);
        set(parallel, y, i -> ScalarActivation.value(f, xs.get(x.offset() + i)));
    }

    @Override
    public void activationBackward(Parallel parallel, Activation f, Tensor x, Tensor dy, Tensor dx) {
        Reals xs = new Reals(x);
        Reals dys = new Reals(dy);
        addTo(parallel, dx, i -> ScalarActivation.slope(f, xs.get(x.offset() + i)) * dys.get(dy.offset() + i));
    }

    @Override
    public void gated(Parallel parallel, Activation f, Tensor gate, Tensor up, Tensor y) {
        Reals gates = new Reals(gate);
        Reals ups = new Reals(up);
        set(parallel, y, i -> ScalarActivation.value(f, gates.get(gate.offset() + i)) * ups.get(up.offset() + i));
    }

    @Override
    public void gatedBackward(Parallel parallel, Activation f, Tensor gate, Tensor up, Tensor dy, @Nullable Tensor dGate,
            @Nullable Tensor dUp) {
        Reals gates = new Reals(gate);
        Reals ups = new Reals(up);
        Reals dys = new Reals(dy);
        if (dGate != null) {
            addTo(parallel, dGate, i -> dys.get(dy.offset() + i) * ups.get(up.offset() + i)
                    * ScalarActivation.slope(f, gates.get(gate.offset() + i)));
        }
        if (dUp != null) {
            addTo(parallel, dUp, i -> dys.get(dy.offset() + i) * ScalarActivation.value(f, gates.get(gate.offset() + i)));
        }
    }

    @Override
    public void dropout(Parallel parallel, Dropout dropout, Tensor x, Tensor y, boolean accumulate) {
        Reals xs = new Reals(x);
        put(parallel, y, accumulate, i -> {
            double factor = dropout.factor(i);
            return factor == 0 ? 0 : factor * xs.get(x.offset() + i);
        });
    }

    private static void put(Parallel parallel, Tensor y, boolean accumulate, Formula formula) {
        if (accumulate) {
            addTo(parallel, y, formula);
        } else {
            set(parallel, y, formula);
        }
    }

    private static void set(Parallel parallel, Tensor y, Formula formula) {
        Reals ys = new Reals(y);
        parallel.forRanges(y.elements(), BLOCK, (from, end, scratch) -> {
            for (long i = from; i < end; i++) {
                ys.set(y.offset() + i, formula.of(i));
            }
        });
    }

    private static void addTo(Parallel parallel, Tensor y, Formula formula) {
        Reals ys = new Reals(y);
        set(parallel, y, i -> ys.get(y.offset() + i) + formula.of(i));
    }
}
