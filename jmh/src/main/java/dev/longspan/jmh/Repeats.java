package dev.longspan.jmh;

import dev.longspan.backend.Backend;
import dev.longspan.bench.Deviation;
import dev.longspan.kernel.AttentionPattern.Branch;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.Tensor;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Supplier;
import java.util.zip.CRC32C;

/**
 * {@code gpu-check}'s repeats: kernels of odd sizes on one backend, each into memory that held NaN, right by float64 and of the
 * same bits every time.
 */
final class Repeats {

    private Repeats() {
    }

    private static Map<String, Supplier<Problem>> problems() {
        Map<String, Supplier<Problem>> problems = new LinkedHashMap<>();
        problems.put("attention", () -> new AttentionProblem(AttentionShape.dense(true, 333, 3, 64, true).withBatch(2)));
        problems.put("attention bf16", () -> new AttentionProblem(AttentionShape.dense(false, 333, 3, 72, true).stored("bf16")));
        problems.put("dilated attention", () -> new AttentionProblem(AttentionShape.dilated(List.of(new Branch(64, 1),
                new Branch(250, 3)), 777, 4, 48, true)));
        problems.put("chunk attention bf16", () -> new AttentionProblem(AttentionShape.chunked(100, 250, 1, 256, 520, true)
                .stored("bf16")));
        problems.put("CEMA", () -> new CemaTask(777, 41, 16, true));
        problems.put("timestep norm", () -> new TimestepNormTask(777, 96, 8));
        problems.put("product", () -> new GemmProblem("nt", 97, 131, 265));
        return problems;
    }

    /** {@code BACKEND TIMES SECONDS}: all kernels together may take so long; exit status 1 where any is wrong or differs. */
    public static void main(String[] args) {
        Backend backend = Backend.named(args[0]);
        int times = Integer.parseInt(args[1]);
        double each = Double.parseDouble(args[2]) / problems().size();
        boolean passed = true;
        for (Map.Entry<String, Supplier<Problem>> entry : problems().entrySet()) {
            try (Problem problem = entry.getValue().get(); Side side = problem.on(backend, Parallel.of(1))) {
                passed &= repeat(entry.getKey(), problem, side, times, each);
            } catch (RuntimeException | LinkageError e) {
                passed = false;
                IO.println(entry.getKey() + ": failed: " + e);
            }
        }
        IO.println(passed ? "all kernels right, and the same bits every time" : "a kernel was wrong, differed or failed");
        System.exit(passed ? 0 : 1);
    }

    private static boolean repeat(String name, Problem problem, Side side, int times, double seconds) {
        long end = System.nanoTime() + (long) (seconds * 1e9);
        Deviation deviation = Turns.deviation(problem, side);
        long first = hash(problem.task());
        int done = 1;
        int others = 0;
        while (done < times && System.nanoTime() < end) {
            side.answer();
            others += hash(problem.task()) == first ? 0 : 1;
            done++;
        }
        IO.println(String.format(Locale.ROOT, "%-22s %s, error %.1e of %.1e; %d runs%s, %s", name,
                deviation.isWithin() ? "right" : "WRONG", deviation.error(), deviation.bound(), done,
                done < times ? " of " + times + " in " + Math.round(seconds) + " s" : "",
                others == 0 ? "the same bits" : others + " OF OTHER BITS"));
        return deviation.isWithin() && others == 0;
    }

    private static long hash(Task task) {
        CRC32C hash = new CRC32C();
        for (Tensor answer : task.answers().values()) {
            hash.update(answer.segment().asSlice(answer.offset() * answer.dtype().bytes(),
                    answer.elements() * answer.dtype().bytes()).asByteBuffer());
        }
        return hash.getValue();
    }
}
