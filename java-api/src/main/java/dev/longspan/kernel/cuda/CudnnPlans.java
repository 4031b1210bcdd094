package dev.longspan.kernel.cuda;

import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Plans by problem: the latest that were used, and those that recorded graphs hold. Compiling takes seconds, so that a problem which
 * cuDNN refused is remembered too.
 */
final class CudnnPlans {

    private final CudaStream stream;
    private final int most;
    private final Function<CudnnProblem, CudnnPlan> compiler;
    private final LinkedHashMap<CudnnProblem, Optional<CudnnPlan>> latest = new LinkedHashMap<>(16, 0.75f, true);
    private final Map<CudnnProblem, CudnnPlan> recorded = new HashMap<>();

    /** {@code compiler} throws UnsupportedOperationException or {@link CudnnException} for what it refuses. */
    CudnnPlans(CudaStream stream, int most, Function<CudnnProblem, CudnnPlan> compiler) {
        this.stream = stream;
        this.most = most;
        this.compiler = compiler;
    }

    /** The plan of a problem; none where cuDNN refuses it, and where it would have to be compiled while a graph is recorded. */
    synchronized @Nullable CudnnPlan get(CudnnProblem problem) {
        CudnnPlan held = recorded.get(problem);
        if (held != null) {
            return held;
        }
        Optional<CudnnPlan> found = latest.get(problem);
        if (stream.recording() != null) {
            found = found == null ? Optional.empty() : found;
            found.ifPresent(plan -> {
                latest.remove(problem);
                recorded.put(problem, plan);
            });
        } else if (found == null) {
            dropOldest();
            found = compiled(problem);
            latest.put(problem, found);
        }
        return found.orElse(null);
    }

    private Optional<CudnnPlan> compiled(CudnnProblem problem) {
        try {
            return Optional.of(compiler.apply(problem));
        } catch (UnsupportedOperationException | CudnnException e) {
            System.getLogger("dev.longspan.kernel.cuda").log(System.Logger.Level.DEBUG, "cuDNN refuses " + problem, e);
            return Optional.empty();
        }
    }

    private void dropOldest() {
        if (latest.size() < most) {
            return;
        }
        // Its kernel may still be running.
        stream.synchronize();
        latest.pollFirstEntry().getValue().ifPresent(CudnnPlan::close);
    }
}
