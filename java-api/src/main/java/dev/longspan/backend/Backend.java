package dev.longspan.backend;

import dev.longspan.kernel.Kernels;
import dev.longspan.kernel.scalar.ScalarKernels;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.MemorySpace;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Kernels of one kind, or the reason why they cannot run here.
 *
 * @param name what {@code --backend} and the property {@value #PROPERTY} call it
 * @param detail what a user wants to know of it, such as the vector width
 * @param space memory its tensors lie in; the host's where it cannot run
 * @param dtypes floating types it computes with
 * @param available kernels, absent where {@code reason} is given
 * @param reason why it cannot run
 */
public record Backend(String name, String detail, MemorySpace space, Set<DType> dtypes, @Nullable Kernels available,
        @Nullable String reason) {

    /** Forces a backend by name. */
    public static final String PROPERTY = "longspan.backend";

    private static final class Known {
        static final List<Backend> ALL = known();
        static final Backend DEFAULT = preferred();
    }

    private static final class Chosen {
        static final Backend BEST = choose();
    }

    /** Apart: a driver takes its time and memory to open, and only who asks should pay. */
    private static final class Cuda {
        static final Backend FOUND = CudaProvider.find();
    }

    /** Every backend of this build, those that cannot run included. */
    public static List<Backend> all() {
        return Stream.concat(Known.ALL.stream(), Stream.of(Cuda.FOUND)).toList();
    }

    /** The backends whose tensors lie in host memory, those that cannot run included. */
    public static List<Backend> onHost() {
        return Known.ALL;
    }

    /**
     * The backend that the property {@value #PROPERTY} names, otherwise {@code mixed}: each family from vector or host, whichever
     * is faster. Where one of them cannot run it is the first that can, and the log says why. Chosen once.
     */
    public static Backend best() {
        return Chosen.BEST;
    }

    /** The backend of that name; throws UnsupportedOperationException with the reason where it cannot run. */
    public static Backend named(String name) {
        if (name.equals("cuda")) {
            Cuda.FOUND.kernels();
            return Cuda.FOUND;
        }
        List<Backend> known = Stream.concat(Stream.of(Known.DEFAULT), Known.ALL.stream()).distinct().toList();
        Backend found = known.stream().filter(b -> b.name.equals(name)).findFirst().orElseThrow(() ->
                new IllegalArgumentException("backend must be one of "
                        + known.stream().map(Backend::name).collect(Collectors.joining(", ")) + ", cuda: backend=" + name));
        found.kernels();
        return found;
    }

    /** Its kernels; throws UnsupportedOperationException with the reason where it cannot run. */
    public Kernels kernels() {
        if (available == null) {
            throw new UnsupportedOperationException("backend " + name + " cannot run: " + reason);
        }
        return available;
    }

    /** Throws IllegalArgumentException where it does not compute with a dtype. */
    public void checkComputes(DType dtype) {
        if (!dtypes.contains(dtype)) {
            throw new IllegalArgumentException("backend " + name + " computes with " + dtypes + ": dtype=" + dtype);
        }
    }

    private static List<Backend> known() {
        Backend vector = VectorProvider.find();
        Backend scalar = scalar();
        return List.of(vector, HostProvider.find(vector.available != null ? vector : scalar), scalar);
    }

    private static Backend preferred() {
        List<Backend> running = Known.ALL.stream().filter(b -> b.available != null).toList();
        return running.size() == Known.ALL.size() ? Mixed.of(running.get(0), running.get(1)) : running.getFirst();
    }

    private static Backend scalar() {
        return new Backend("scalar", "plain loops", MemorySpace.HOST, Set.of(DType.F32, DType.F64),
                ScalarKernels.create(), null);
    }

    private static Backend choose() {
        String forced = System.getProperty(PROPERTY);
        if (forced != null) {
            return named(forced);
        }
        Backend chosen = Known.DEFAULT;
        System.Logger log = System.getLogger("dev.longspan.backend");
        for (Backend other : Known.ALL) {
            if (other.reason != null) {
                log.log(System.Logger.Level.INFO, "backend " + other.name + " cannot run: " + other.reason
                        + "; using " + chosen.name);
            }
        }
        return chosen;
    }
}
