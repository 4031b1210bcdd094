package dev.longspan.op;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.longspan.autograd.Pass;
import dev.longspan.autograd.Workspace;
import dev.longspan.backend.Backend;
import dev.longspan.kernel.Moments;
import dev.longspan.kernel.TimestepNormPlan;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

final class TimestepNormTest {

    private final Workspace workspace = new Workspace(1 << 20);
    private final Pass pass = Pass.inference(Backend.named("scalar"), Parallel.of(1), workspace);

    @AfterEach
    void close() {
        pass.close();
        workspace.close();
    }

    @Test
    void mergedMomentsAreThoseOfTheWhole() {
        Random random = new Random(4);
        Tensor x = pass.allocate(DType.F64, 2, 30, 6).set(random.doubles(360).map(v -> 5 + v).toArray());
        Moments nothing = TimestepNorm.prior(pass, 3, 0, null, null);
        Moments whole = moments(x, nothing);
        Tensor head = copy(x.slice(1, 0, 11));
        Tensor tail = copy(x.slice(1, 11, 30));
        Moments merged = TimestepNorm.merge(pass, moments(head, nothing), moments(tail, nothing));
        assertThat(merged.count().toLongs()).containsExactly(30, 30);
        assertThat(merged.mean().toDoubles()).containsExactly(whole.mean().toDoubles(), within(1e-12));
        assertThat(merged.var().toDoubles()).containsExactly(whole.var().toDoubles(), within(1e-12));
    }

    @Test
    void momentsOfAnotherBatchOrGroupCountAreRefused() {
        Tensor x = pass.zeros(DType.F64, 2, 3, 6);
        Moments three = TimestepNorm.prior(pass, 3, 0, null, null);
        Moments four = TimestepNorm.prior(pass, 4, 0, null, null);
        TimestepNormPlan plan = TimestepNormPlan.of(1, 1e-5);
        assertThatThrownBy(() -> TimestepNorm.apply(pass, plan, x, null, null, four, null))
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("groups=4");
        assertThatThrownBy(() -> TimestepNorm.apply(pass, plan, x, null, null, three, three))
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("start mean must have shape [2, 3]");
    }

    private Moments moments(Tensor x, Moments fresh) {
        return TimestepNorm.apply(pass, TimestepNormPlan.of(1, 1e-5), x, null, null, fresh, null).last();
    }

    private Tensor copy(Tensor t) {
        return pass.allocate(t.dtype(), t.shape()).copyFrom(t);
    }
}
