package dev.longspan.autograd;

import dev.longspan.backend.Backend;
import dev.longspan.kernel.Dropout;
import dev.longspan.kernel.GaussianNoise;
import dev.longspan.kernel.GemmCut;
import dev.longspan.kernel.Kernels;
import dev.longspan.kernel.PackedMatrix;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.MemorySpace;
import dev.longspan.tensor.Owner;
import dev.longspan.tensor.Storage;
import dev.longspan.tensor.Tensor;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * One trip through the network. It owns every activation, remembers the way back when training, and frees everything when
 * closed: a tensor of a closed pass throws IllegalStateException. Belongs to the thread that opened it.
 */
public final class Pass implements Owner, AutoCloseable {

    private final Backend backend;
    private final Parallel parallel;
    private final Workspace workspace;
    private final @Nullable PackedWeights packed;
    private final @Nullable Gradients parameters;
    private final Randomness randomness;
    private final boolean recording;
    private final Workspace.Mark mark;
    private final Thread thread = Thread.currentThread();
    private final IdentityHashMap<Tensor, Slot> tracked = new IdentityHashMap<>();
    private final List<Step> tape = new ArrayList<>();
    private long nextStream;
    private boolean goingBack;
    private boolean closed;

    /** A gradient that may not be there yet. */
    private interface Slot {
        Tensor get();

        boolean isMade();
    }

    /** A gradient in this pass's memory, made, zeroed, when first asked for. */
    private final class Own implements Slot {
        private final Tensor like;
        private final DType dtype;
        private @Nullable Tensor made;
        /** Whether someone outside the way back knows it, who may look again. */
        private boolean shown;
        private boolean handedOn;

        Own(Tensor like, DType dtype) {
            this.like = like;
            this.dtype = dtype;
        }

        /** With undefined contents. */
        Tensor make() {
            made = dtype == like.dtype() ? allocateLike(like) : allocate(dtype, like.shape());
            return made;
        }

        @Override
        public Tensor get() {
            if (handedOn) {
                throw new IllegalStateException("gradient was handed on to what the tensor was made of (watch it to keep it): "
                        + like);
            }
            shown |= !goingBack;
            return made == null ? make().zero() : made;
        }

        @Override
        public boolean isMade() {
            return made != null && !handedOn;
        }
    }

    /** The same view of another gradient, made once. */
    private static final class View implements Slot {
        private final Slot whole;
        private final UnaryOperator<Tensor> viewOf;
        private @Nullable Tensor view;

        View(Slot whole, UnaryOperator<Tensor> viewOf) {
            this.whole = whole;
            this.viewOf = viewOf;
        }

        @Override
        public Tensor get() {
            Tensor gradient = whole.get();
            if (view == null) {
                view = viewOf.apply(gradient);
            }
            return view;
        }

        @Override
        public boolean isMade() {
            return whole.isMade();
        }
    }

    /** The way back through one op; without effect while no gradient of its outputs was asked for. */
    private record Step(List<Tensor> outputs, Runnable backward) {
    }

    private Pass(Backend backend, Parallel parallel, Workspace workspace, @Nullable PackedWeights packed,
            @Nullable Gradients parameters, Randomness randomness, boolean recording) {
        if (!workspace.space().equals(backend.space())) {
            throw new IllegalArgumentException("backend " + backend.name() + " needs a workspace in its own memory, new Workspace("
                    + "backend.space()): backend=" + backend.space().name() + ", workspace=" + workspace.space().name());
        }
        if (packed != null && !packed.backend().equals(backend)) {
            throw new IllegalArgumentException("weights must be packed for the pass's backend: backend="
                    + backend.name() + ", packed for=" + packed.backend().name());
        }
        this.backend = backend;
        this.parallel = parallel;
        this.workspace = workspace;
        this.packed = packed;
        this.parameters = parameters;
        this.randomness = randomness;
        this.recording = recording;
        this.mark = workspace.open(this);
    }

    /** A pass that records nothing and drops nothing out. */
    public static Pass inference(Backend backend, Parallel parallel, Workspace workspace) {
        return new Pass(backend, parallel, workspace, null, null, Randomness.NONE, false);
    }

    /** The same, with products that take weights as they are packed: the same bits. */
    public static Pass inference(Backend backend, Parallel parallel, Workspace workspace, PackedWeights packed) {
        return new Pass(backend, parallel, workspace, packed, null, Randomness.NONE, false);
    }

    /** A pass that can go {@link #backward} and adds to the given gradients. */
    public static Pass training(Backend backend, Parallel parallel, Workspace workspace, Gradients gradients,
            Randomness randomness) {
        return new Pass(backend, parallel, workspace, null, gradients, randomness, true);
    }

    public Backend backend() {
        return backend;
    }

    public Kernels kernels() {
        return backend.kernels();
    }

    public Parallel parallel() {
        return parallel;
    }

    /** A weight [out, in], packed as right operand [in, out] of so many rows; absent if it is not, or if rows are few. */
    public @Nullable PackedMatrix packed(Tensor weight, long rows) {
        return packed == null || rows <= GemmCut.FEW_ROWS ? null : packed.transposed(weight);
    }

    /** Whether dropout is on. */
    public boolean isTraining() {
        return parameters != null;
    }

    /** An activation: freed with the pass, its contents undefined. */
    public Tensor allocate(DType dtype, long... shape) {
        return allocate(workspace, dtype, shape);
    }

    private Tensor allocate(Workspace from, DType dtype, long... shape) {
        checkAllocates();
        return Tensor.of(from.allocate(Tensor.byteSize(dtype, shape), this), dtype, shape);
    }

    /** An activation of the dtype and shape of another: freed with the pass, its contents undefined. */
    public Tensor allocateLike(Tensor tensor) {
        checkAllocates();
        return tensor.like(workspace.allocate(tensor.elements() * tensor.dtype().bytes(), this));
    }

    /** An activation of zeros. */
    public Tensor zeros(DType dtype, long... shape) {
        return allocate(dtype, shape).zero();
    }

    /** As {@link #allocate}, in host memory whatever the backend's: for ids, which are checked before a device sees them. */
    public Tensor allocateOnHost(DType dtype, long... shape) {
        return allocate(workspace.in(MemorySpace.HOST), dtype, shape);
    }

    /** A contiguous copy in memory of the same space: ids of the host stay there. */
    public Tensor copyOf(Tensor tensor) {
        return allocate(workspace.in(tensor.storage().space()), tensor.dtype(), tensor.shape()).copyFrom(tensor);
    }

    /** A tensor as the backend's kernels can read it: itself, or a copy in this pass's memory where it lies elsewhere. */
    public Tensor here(Tensor tensor) {
        return tensor.storage().space().equals(workspace.space()) ? tensor
                : allocate(tensor.dtype(), tensor.shape()).copyFrom(tensor);
    }

    /** Asks for the gradient of a tensor: an input, carried state, or what an op made whose gradient it would hand on. */
    public Tensor watch(Tensor tensor) {
        checkAlive();
        track(tensor, new Own(tensor, tensor.dtype()));
        if (tracked.get(tensor) instanceof Own own) {
            own.shown = true;
        }
        return tensor;
    }

    /** Whether any of the tensors leads back to a parameter or a watched input. */
    public boolean tracks(@Nullable Tensor... tensors) {
        if (recording) {
            for (Tensor tensor : tensors) {
                if (tensor != null && slot(tensor) != null) {
                    return true;
                }
            }
        }
        return false;
    }

    /**
     * Notes that an op made {@code output} and how to send its gradient on. {@code backward} runs at most once, after the
     * gradient of the output is complete, and adds to the gradients of the inputs. That of a BF16 output is summed up in F32.
     */
    public void record(Tensor output, Runnable backward) {
        record(List.of(output), backward);
    }

    /** As {@link #record(Tensor, Runnable)} for an op of several outputs. */
    public void record(List<Tensor> outputs, Runnable backward) {
        record(outputs, outputs.stream().map(Tensor::dtype).toList(), backward);
    }

    /** As {@link #record(List, Runnable)} with gradients as outputs of these dtypes would have them. */
    void record(List<Tensor> outputs, List<DType> dtypes, Runnable backward) {
        if (recording) {
            for (int i = 0; i < outputs.size(); i++) {
                track(outputs.get(i), new Own(outputs.get(i), dtypes.get(i) == DType.BF16 ? DType.F32 : dtypes.get(i)));
            }
            tape.add(new Step(outputs, backward));
        }
    }

    /** Notes that {@code view} shows part of {@code whole}: their gradients share memory in the same way. */
    public Tensor alias(Tensor view, Tensor whole, UnaryOperator<Tensor> viewOf) {
        Slot slot = recording ? slot(whole) : null;
        if (slot != null) {
            track(view, new View(slot, viewOf));
        }
        return view;
    }

    /**
     * The same values in another floating dtype, contiguous, rounded to nearest even where it is narrower; the tensor itself where
     * it is its own. Both have one gradient, of the tensor's dtype: that of rounding counts as the identity.
     */
    public Tensor cast(Tensor tensor, DType dtype) {
        if (tensor.dtype() == dtype) {
            return tensor;
        }
        Tensor cast = allocate(dtype, tensor.shape()).copyFrom(tensor);
        Slot slot = recording ? slot(tensor) : null;
        if (slot != null) {
            track(cast, slot);
        }
        return cast;
    }

    /** The same values, cut off from the way back. */
    public Tensor detach(Tensor tensor) {
        return tensor.view();
    }

    /** The gradient of a tensor as far as it is summed up; zeros at first. */
    public Tensor gradient(Tensor tensor) {
        checkAlive();
        Slot slot = slot(tensor);
        if (slot == null) {
            throw new IllegalArgumentException("tensor has no gradient in this pass (watch inputs before use): " + tensor);
        }
        return slot.get();
    }

    /** The gradient, its contents undefined if it is not made yet: for a backward kernel that then writes all of it. */
    public Tensor gradientToWrite(Tensor tensor) {
        if (slot(tensor) instanceof Own own && own.made == null) {
            return own.make();
        }
        return gradient(tensor);
    }

    /**
     * Lets the gradient of {@code to} begin as the complete one of {@code from}, in the same memory; {@code from} has none any
     * more. False, and nothing done, where {@code to} has one already or that of {@code from} was asked for.
     */
    public boolean handOn(Tensor from, Tensor to) {
        if (slot(from) instanceof Own own && !own.shown && slot(to) instanceof Own next && next.made == null
                && next.dtype == own.dtype) {
            next.made = own.get();
            own.handedOn = true;
            return true;
        }
        return false;
    }

    /** Adds {@code alpha · summand} to the gradient of a tensor; the first summand is written, not added. */
    public void addToGradient(Tensor tensor, double alpha, Tensor summand) {
        double kept = gradientIfMade(tensor) == null ? 0 : 1;
        kernels().elementwise().axpby(parallel, alpha, summand, kept, gradientToWrite(tensor));
    }

    /** The gradient, or null where the tensor needs none: for optional outputs of backward kernels. */
    public @Nullable Tensor gradientIfTracked(@Nullable Tensor tensor) {
        return tensor != null && tracks(tensor) ? gradient(tensor) : null;
    }

    /** The gradient, or null where nothing asked for it. */
    public @Nullable Tensor gradientIfMade(Tensor tensor) {
        Slot slot = slot(tensor);
        return slot != null && slot.isMade() ? slot.get() : null;
    }

    /** Runs the way back from a scalar loss: its gradient is 1. */
    public void backward(Tensor loss) {
        if (loss.elements() != 1) {
            throw new IllegalArgumentException("loss must be one element: loss=" + loss);
        }
        gradient(loss).fill(1);
        backward();
    }

    /** Runs the way back from a gradient of an output. */
    public void backward(Tensor output, Tensor dOutput) {
        gradient(output).copyFrom(dOutput);
        backward();
    }

    /** Runs the way back from gradients that the caller has put into {@link #gradient}. */
    public void backward() {
        checkAlive();
        goingBack = true;
        try {
            for (int i = tape.size() - 1; i >= 0; i--) {
                Step step = tape.get(i);
                if (isAsked(step)) {
                    step.backward.run();
                }
            }
        } finally {
            goingBack = false;
            tape.clear();
        }
    }

    private boolean isAsked(Step step) {
        for (int i = 0; i < step.outputs.size(); i++) {
            if (gradientIfMade(step.outputs.get(i)) != null) {
                return true;
            }
        }
        return false;
    }

    /** Dropout for the next place in the network that needs one; none at inference or rate 0. */
    public @Nullable Dropout nextDropout(double rate) {
        checkAlive();
        return isTraining() && rate > 0
                ? new Dropout(rate, randomness.seed(), randomness.stream(nextStream++)) : null;
    }

    /** Gaussian noise for the next place in the network that adds some; none at inference or deviation 0. */
    public @Nullable GaussianNoise nextNoise(double std) {
        checkAlive();
        return isTraining() && std > 0
                ? new GaussianNoise(std, randomness.seed(), randomness.stream(nextStream++)) : null;
    }

    /** A pass on top of this one's memory that continues its random streams from {@code stream}. */
    Pass child(boolean recording, long stream) {
        Pass child = new Pass(backend, parallel, workspace, packed, parameters, randomness, recording);
        child.nextStream = stream;
        return child;
    }

    long stream() {
        return nextStream;
    }

    /** Lets gradients of a tensor of the enclosing pass be summed there. */
    void trackOutside(Tensor tensor, Tensor gradient) {
        track(tensor, new Slot() {
            @Override
            public Tensor get() {
                return gradient;
            }

            @Override
            public boolean isMade() {
                return true;
            }
        });
    }

    private static Tensor bytes(Storage storage) {
        return Tensor.of(storage, DType.U8, storage.bytes());
    }

    /** Closes a child and moves the storages of its tensors down into this pass. */
    List<Tensor> closeKeeping(Pass child, List<Tensor> tensors) {
        nextStream = child.nextStream;
        child.close();
        // Moved in the order in which they lie, each lands at or below its old place and on none that is still to be moved.
        Map<Storage, Storage> moved = new HashMap<>();
        tensors.stream().map(Tensor::storage).filter(from -> from.owner() == child).distinct()
                .sorted(Comparator.comparingLong(from -> workspace.in(from.space()).position(from))).forEach(from -> {
                    Storage to = workspace.in(from.space()).allocate(from.bytes(), this);
                    bytes(to).copyFrom(bytes(from.slice(0, from.bytes(), this)));
                    moved.put(from, to);
                });
        IdentityHashMap<Tensor, Tensor> kept = new IdentityHashMap<>();
        for (Tensor tensor : tensors) {
            Storage to = moved.get(tensor.storage());
            if (to != null && !tensor.isContiguous()) {
                throw new IllegalArgumentException("outputs of a recomputed piece must be contiguous: " + tensor);
            }
            kept.computeIfAbsent(tensor, t -> to == null ? t : Tensor.of(to, t.offset(), t.dtype(), t.shape()));
        }
        return tensors.stream().map(tensor -> Objects.requireNonNull(kept.get(tensor))).toList();
    }

    private void checkAllocates() {
        checkThread();
        checkAlive();
        workspace.checkInnermost(this);
    }

    @Override
    public void checkAlive() {
        if (closed) {
            throw new IllegalStateException("the tensor's pass is closed");
        }
    }

    @Override
    public void close() {
        if (!closed) {
            workspace.checkInnermost(this);
            closed = true;
            tape.clear();
            tracked.clear();
            workspace.release(mark);
        }
    }

    private @Nullable Slot slot(Tensor tensor) {
        Slot slot = tracked.get(tensor);
        if (slot == null && parameters != null) {
            Tensor gradient = parameters.find(tensor);
            if (gradient != null) {
                trackOutside(tensor, gradient);
                return tracked.get(tensor);
            }
        }
        return slot;
    }

    private void track(Tensor tensor, Slot slot) {
        checkThread();
        tracked.putIfAbsent(tensor, slot);
    }

    private void checkThread() {
        if (!Thread.currentThread().equals(thread)) {
            throw new IllegalStateException("a pass belongs to the thread that opened it: opened by " + thread.getName()
                    + ", used by " + Thread.currentThread().getName());
        }
    }
}
