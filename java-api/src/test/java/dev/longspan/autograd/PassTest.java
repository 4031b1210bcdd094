package dev.longspan.autograd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.longspan.backend.Backend;
import dev.longspan.op.Elementwise;
import dev.longspan.op.Views;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.PretendedDevice;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class PassTest {

    private final TensorArena arena = new TensorArena();
    private final Workspace workspace = new Workspace(1 << 16);
    private final Tensor weight = arena.allocate(DType.F64, 4).set(1, 2, 3, 4);
    private final Gradients gradients = new Gradients(arena, List.of(weight));

    private Pass training() {
        return Pass.training(Backend.named("scalar"), Parallel.of(1), workspace, gradients, new Randomness(1, 2));
    }

    private Pass inference() {
        return Pass.inference(Backend.named("scalar"), Parallel.of(1), workspace);
    }

    private Tensor vector(double... values) {
        return arena.allocate(DType.F64, values.length).set(values);
    }

    @AfterEach
    void close() {
        workspace.close();
        arena.close();
    }

    @Test
    void gradientsOfParametersAddUpOverPassesAndWatchedInputsHaveTheirOwn() {
        Tensor x = vector(5, 6, 7, 8);
        for (int i = 0; i < 2; i++) {
            try (Pass pass = training()) {
                pass.watch(x);
                pass.backward(Elementwise.sum(pass, 2, Elementwise.multiply(pass, weight, x)));
                assertThat(pass.gradient(x).toDoubles()).containsExactly(2, 4, 6, 8);
            }
        }
        assertThat(gradients.of(weight).toDoubles()).containsExactly(20, 24, 28, 32);
        gradients.zero();
        assertThat(gradients.of(weight).toDoubles()).containsOnly(0);
    }

    @Test
    void aTensorUsedTwiceGetsBothGradients() {
        try (Pass pass = training()) {
            Tensor square = Elementwise.multiply(pass, weight, weight);
            pass.backward(Elementwise.sum(pass, 1, Elementwise.add(pass, square, square)));
            assertThat(pass.gradient(weight).toDoubles()).containsExactly(4, 8, 12, 16);
        }
    }

    @Test
    void aSumHandsItsGradientOn() {
        Tensor x = vector(5, 6, 7, 8);
        try (Pass pass = training()) {
            pass.watch(x);
            Tensor square = Elementwise.multiply(pass, weight, weight);
            Tensor twice = Elementwise.scale(pass, 2, square);
            Tensor residual = Elementwise.add(pass, x, 3, square);
            Tensor product = Elementwise.multiply(pass, residual, twice);
            pass.backward(Elementwise.sum(pass, 1, product));
            // L = Σ (3x + s) · 2s with s = w²: dL/dx = 6s, dL/ds = 6x + 4s, dL/dw = 2w dL/ds.
            assertThat(pass.gradient(x).toDoubles()).containsExactly(6, 24, 54, 96);
            assertThat(pass.gradient(square).toDoubles()).containsExactly(34, 52, 78, 112);
            assertThat(pass.gradient(weight).toDoubles()).containsExactly(68, 208, 468, 896);
            assertThatIllegalStateException().isThrownBy(() -> pass.gradient(residual)).withMessageStartingWith(
                    "gradient was handed on to what the tensor was made of (watch it to keep it): ");
            assertThat(pass.gradientIfMade(residual)).isNull();
        }
    }

    @Test
    void aWayBackThatFailedIsOver() {
        try (Pass pass = training()) {
            Tensor part = pass.zeros(DType.F64, 4);
            Tensor whole = pass.zeros(DType.F64, 4);
            Tensor end = pass.zeros(DType.F64, 1);
            pass.record(List.of(part, whole), () -> { });
            pass.record(end, () -> {
                throw new ArithmeticException("broken");
            });
            assertThatThrownBy(() -> pass.backward(end)).isInstanceOf(ArithmeticException.class);
            pass.gradient(whole);
            assertThat(pass.handOn(whole, part)).isFalse();
            pass.backward(); // nothing is left of the way
        }
    }

    @Test
    void aGradientIsHandedOnInTheSameMemory() {
        List<Tensor> seen = new ArrayList<>();
        try (Pass pass = training()) {
            Tensor part = pass.zeros(DType.F64, 4);
            pass.record(part, () -> seen.add(pass.gradient(part)));
            Tensor sum = Elementwise.add(pass, weight, part);
            Tensor end = pass.zeros(DType.F64, 1);
            pass.record(end, () -> seen.add(pass.gradient(sum).fill(2)));
            pass.backward(end);
        }
        assertThat(seen.getLast()).isSameAs(seen.getFirst());
        assertThat(gradients.of(weight).toDoubles()).containsOnly(2);
    }

    @Test
    void aGradientThatSomeoneHasAskedForIsNotHandedOn() {
        Tensor x = vector(5, 6, 7, 8);
        Tensor other = vector(1, 1, 1, 1);
        try (Pass pass = training()) {
            pass.watch(x);
            pass.watch(other);
            Tensor watched = pass.watch(Elementwise.add(pass, x, other));
            Tensor seen = Elementwise.add(pass, x, watched);
            Tensor dSeen = pass.gradient(seen);
            pass.backward(seen, vector(1, 2, 3, 4));
            assertThat(dSeen.toDoubles()).containsExactly(1, 2, 3, 4);
            assertThat(pass.gradient(watched).toDoubles()).containsExactly(1, 2, 3, 4);
            assertThat(pass.gradient(other).toDoubles()).containsExactly(1, 2, 3, 4);
            assertThat(pass.gradient(x).toDoubles()).containsExactly(2, 4, 6, 8);
        }
    }

    @Test
    void viewsShareGradientMemoryWithWhatTheyView() {
        Tensor x = vector(1, 2, 3, 4, 5, 6);
        try (Pass pass = training()) {
            pass.watch(x);
            Tensor matrix = Views.reshape(pass, x, 2, 3);
            Tensor top = Views.select(pass, matrix, 0, 0);
            Tensor tail = Views.slice(pass, x, 0, 3, 6);
            Tensor middle = Views.slice(pass, x, 0, 1, 4);
            Tensor y = Elementwise.add(pass, Elementwise.multiply(pass, top, tail), middle);
            pass.backward(y, vector(1, 10, 100));
            assertThat(pass.gradient(x).toDoubles()).containsExactly(4, 51, 610, 101, 20, 300);
            pass.gradient(tail).fill(0);
            assertThat(pass.gradient(matrix).get(1, 2)).isZero();
        }
    }

    @Test
    void aGradientThatNothingAsksForIsNotMade() {
        List<String> ran = new ArrayList<>();
        try (Pass pass = training()) {
            Tensor used = pass.zeros(DType.F64, 1);
            Tensor unused = pass.zeros(DType.F64, 1);
            pass.record(used, () -> ran.add("used"));
            pass.record(unused, () -> ran.add("unused"));
            pass.backward(used);
            assertThat(ran).containsExactly("used");
            assertThat(pass.gradientIfMade(unused)).isNull();
            pass.backward();
            assertThat(ran).hasSize(1);
        }
    }

    @Test
    void opsRunBackInReverseOrder() {
        List<Integer> order = new ArrayList<>();
        try (Pass pass = training()) {
            Tensor y = pass.zeros(DType.F64, 1);
            for (int i = 0; i < 5; i++) {
                int op = i;
                pass.record(y, () -> order.add(op));
            }
            pass.backward(y);
        }
        assertThat(order).containsExactly(4, 3, 2, 1, 0);
    }

    @Test
    void detachedTensorsLeadNowhere() {
        try (Pass pass = training()) {
            Tensor cut = pass.detach(weight);
            assertThat(cut.toDoubles()).isEqualTo(weight.toDoubles());
            assertThat(pass.tracks(cut)).isFalse();
            assertThat(pass.tracks(weight)).isTrue();
            assertThat(pass.tracks(null, cut)).isFalse();
            pass.backward(Elementwise.sum(pass, 1, Elementwise.multiply(pass, weight, cut)));
            assertThat(pass.gradient(weight).toDoubles()).containsExactly(1, 2, 3, 4);
            assertThat(pass.detach(arena.allocate(DType.F64).fill(7)).item()).isEqualTo(7);
        }
    }

    @Test
    void inferenceRecordsNothingAndDropsNothing() {
        try (Pass pass = inference()) {
            assertThat(pass.isTraining()).isFalse();
            assertThat(pass.nextDropout(0.5)).isNull();
            Tensor y = Elementwise.scale(pass, 2, weight);
            assertThat(pass.tracks(weight, y)).isFalse();
            assertThatIllegalArgumentException().isThrownBy(() -> pass.gradient(y)).withMessageContaining("no gradient");
        }
    }

    @Test
    void dropoutStreamsFollowThePlaceInTheNetworkNotThePass() {
        try (Pass pass = training()) {
            assertThat(pass.nextDropout(0)).isNull();
            var first = pass.nextDropout(0.1);
            var second = pass.nextDropout(0.1);
            assertThat(first).isNotEqualTo(second);
            try (Pass again = training()) {
                assertThat(again.nextDropout(0.1)).isEqualTo(first);
                assertThat(again.nextDropout(0.1)).isEqualTo(second);
            }
        }
    }

    @Test
    void everyStepAndPlaceHasAStreamOfItsOwn() {
        long[] places = {0, 1, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 1 << 21, 1L << 31};
        Set<Long> streams = new HashSet<>();
        for (long step : new long[] {0, 1, 2, 3, (1L << 32) - 1}) {
            for (long place : places) {
                assertThat(streams.add(new Randomness(1, step).stream(place))).as("step=%d, place=%d", step, place).isTrue();
            }
        }
        assertThat(new Randomness(1, 5).stream(7)).isEqualTo(5 << 20 | 7);
        assertThatIllegalArgumentException().isThrownBy(() -> new Randomness(1, 1L << 32)).withMessageContaining("step=4294967296");
    }

    @Test
    void passesInOneWorkspaceStackAndOnlyTheTopmostIsUsed() {
        Pass below = inference();
        Tensor kept = below.zeros(DType.F32, 8);
        Pass above = inference();
        Tensor x = above.zeros(DType.F32, 8);
        assertThatIllegalStateException().isThrownBy(() -> below.zeros(DType.F32, 8)).withMessageContaining("another is open on top");
        assertThatIllegalStateException().isThrownBy(below::close).withMessageContaining("another is open on top");
        x.fill(3);
        assertThat(kept.toFloats()).containsOnly(0);
        above.close();
        below.close();
    }

    @Test
    void tensorsOfAClosedPassSaySoAndTheirMemoryIsUsedAgain() {
        Pass pass = inference();
        Tensor x = pass.zeros(DType.F32, 8);
        Tensor view = x.slice(0, 2, 4);
        long address = x.segment().address();
        pass.close();
        pass.close();
        assertThatIllegalStateException().isThrownBy(x::toFloats).withMessageContaining("pass is closed");
        assertThatIllegalStateException().isThrownBy(view::toFloats);
        assertThatIllegalStateException().isThrownBy(() -> pass.allocate(DType.F32, 1));
        assertThatIllegalStateException().isThrownBy(() -> pass.watch(weight));
        assertThatIllegalStateException().isThrownBy(pass::backward);
        assertThatIllegalStateException().isThrownBy(() -> Elementwise.add(pass, weight, weight));
        try (Pass next = inference()) {
            assertThat(next.allocate(DType.F32, 8).segment().address()).isEqualTo(address);
        }
    }

    @Test
    void anotherThreadIsRefused() throws InterruptedException {
        try (Pass pass = training()) {
            for (Runnable use : List.<Runnable>of(() -> pass.allocate(DType.F32, 1), () -> pass.watch(weight),
                    () -> pass.record(weight, () -> { }))) {
                AtomicReference<Throwable> thrown = new AtomicReference<>();
                Thread other = Thread.ofPlatform().name("other").unstarted(use);
                other.setUncaughtExceptionHandler((thread, e) -> thrown.set(e));
                other.start();
                other.join();
                assertThat(thrown.get()).isInstanceOf(IllegalStateException.class).hasMessageContaining("used by other");
            }
        }
    }

    @Test
    void aPassRestsWhileAPassWithinItIsOpen() {
        try (Pass pass = training()) {
            Tensor outer = pass.zeros(DType.F64, 4);
            try (Pass child = pass.child(true, 0)) {
                assertThatIllegalStateException().isThrownBy(() -> pass.allocate(DType.F64, 1))
                        .withMessageContaining("another is open on top");
                child.zeros(DType.F64, 100).fill(9);
            }
            Tensor after = pass.allocate(DType.F64, 4);
            assertThat(outer.toDoubles()).containsOnly(0);
            assertThat(after.segment().address()).isEqualTo(outer.segment().address() + 64);
        }
    }

    @Test
    void lossesAreScalarsAndUnknownTensorsHaveNoGradient() {
        try (Pass pass = training()) {
            assertThatIllegalArgumentException().isThrownBy(() -> pass.backward(weight)).withMessageContaining("one element");
            assertThatIllegalArgumentException().isThrownBy(() -> gradients.of(vector(1))).withMessageContaining("not a parameter");
        }
    }

    @Test
    void workspacesGrowBySlabsAndKeepThemForTheNextPass() {
        try (Pass pass = inference()) {
            for (int i = 0; i < 10; i++) {
                pass.allocate(DType.U8, 40_000).fill(i);
            }
            assertThat(pass.allocate(DType.U8, 1 << 20).elements()).isEqualTo(1 << 20);
        }
        long bytes = workspace.bytes();
        assertThat(bytes).isGreaterThanOrEqualTo(400_000 + (1 << 20));
        assertThat(workspace.peakBytes()).isBetween(400_000L + (1 << 20), bytes);
        try (Pass pass = inference()) {
            List<Tensor> tensors = new ArrayList<>();
            for (int i = 0; i < 10; i++) {
                tensors.add(pass.allocate(DType.U8, 40_000).fill(i));
            }
            for (int i = 0; i < 10; i++) {
                assertThat(tensors.get(i).toFloats()).containsOnly(i);
            }
        }
        assertThat(workspace.bytes()).isEqualTo(bytes);
        assertThatIllegalArgumentException().isThrownBy(() -> new Workspace(0)).withMessageContaining("slabBytes=0");
    }

    @Test
    void aWorkspaceMustLieWhereTheBackendComputes() {
        Backend there = elsewhere(new PretendedDevice());
        assertThatIllegalArgumentException().isThrownBy(() -> Pass.inference(there, Parallel.of(1), workspace))
                .withMessage("backend there needs a workspace in its own memory, new Workspace(backend.space()): "
                        + "backend=pretended, workspace=host");
    }

    @Test
    void aPassOfADeviceKeepsActivationsThereAndNumbersOnTheHost() {
        PretendedDevice device = new PretendedDevice();
        Backend there = elsewhere(device);
        try (Workspace own = new Workspace(there.space(), 1 << 12); Pass pass = Pass.inference(there, Parallel.of(1), own)) {
            Tensor x = pass.zeros(DType.F32, 3);
            assertThat(x.isOnHost()).isFalse();
            assertThat(pass.here(x)).isSameAs(x);
            assertThat(pass.here(vector(1, 2)).toDoubles()).containsExactly(1, 2);
            Tensor kept;
            try (Pass child = pass.child(false, 0)) {
                child.allocate(DType.F32, 40);
                Tensor count = child.allocateOnHost(DType.I64, 1).set(new long[] {5});
                List<Tensor> both = pass.closeKeeping(child, List.of(child.allocate(DType.F32, 40).fill(7), count));
                kept = both.getFirst();
                assertThat(both.getLast().isOnHost()).isTrue();
                assertThat(both.getLast().item()).isEqualTo(5);
            }
            assertThat(kept.toDoubles()).containsOnly(7);
            assertThat(kept.address() - x.address()).isEqualTo(128);
        }
    }

    private static Backend elsewhere(PretendedDevice device) {
        Backend scalar = Backend.named("scalar");
        return new Backend("there", "", device, scalar.dtypes(), scalar.kernels(), null);
    }
}
