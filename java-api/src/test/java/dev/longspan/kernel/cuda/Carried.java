package dev.longspan.kernel.cuda;

import dev.longspan.kernel.AttentionPlan;
import dev.longspan.kernel.Epilogue;
import dev.longspan.kernel.Kernels;
import dev.longspan.kernel.Moments;
import dev.longspan.kernel.Residual;
import dev.longspan.kernel.TimestepNormKernel.MomentGradients;
import dev.longspan.kernel.TimestepNormPlan;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Storage;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Kernels of a device on tensors of the host: the storages of each call's tensors are carried over and back, views as they are. */
final class Carried {

    private Carried() {
    }

    static Kernels of(CudaSpace space) {
        Kernels there = CudaKernels.on(space).families();
        Object[] families = Arrays.stream(Kernels.class.getRecordComponents()).map(family -> {
            try {
                return carried(space, family.getType(), family.getAccessor().invoke(there));
            } catch (ReflectiveOperationException e) {
                throw new LinkageError("a family of kernels cannot be made", e);
            }
        }).toArray();
        try {
            return (Kernels) Kernels.class.getDeclaredConstructors()[0].newInstance(families);
        } catch (ReflectiveOperationException e) {
            throw new LinkageError("a family of kernels cannot be made", e);
        }
    }

    private static Object carried(CudaSpace space, Class<?> family, Object there) {
        return Proxy.newProxyInstance(family.getClassLoader(), new Class<?>[] {family}, (proxy, method, arguments) -> {
            try (TensorArena arena = new TensorArena(space)) {
                Load load = new Load(arena);
                Object[] carried = Arrays.stream(arguments == null ? new Object[0] : arguments).map(load::over).toArray();
                Object result = method.invoke(there, carried);
                load.back();
                return result;
            } catch (InvocationTargetException e) {
                throw e.getCause();
            }
        });
    }

    private record Load(TensorArena arena, Map<Storage, Storage> storages) {

        Load(TensorArena arena) {
            this(arena, new IdentityHashMap<>());
        }

        @Nullable Object over(@Nullable Object argument) {
            return switch (argument) {
                case Tensor t -> tensor(t);
                case Epilogue e -> new Epilogue(e.f(), orNull(e.up()), orNull(e.before()));
                case Residual r -> new Residual(tensor(r.x()), r.alpha(), tensor(r.f()));
                case Moments m -> new Moments(tensor(m.count()), tensor(m.mean()), tensor(m.var()));
                case MomentGradients g -> new MomentGradients(orNull(g.mean()), orNull(g.var()));
                case AttentionPlan plan -> plan.withMask(orNull(plan.mask()));
                case TimestepNormPlan plan -> plan.withPadding(orNull(plan.padding()));
                case null, default -> argument;
            };
        }

        private @Nullable Tensor orNull(@Nullable Tensor t) {
            return t == null ? null : tensor(t);
        }

        private Tensor tensor(Tensor t) {
            Storage there = storages.computeIfAbsent(t.storage(), from -> {
                Storage to = arena.allocateStorage(from.bytes());
                bytes(to).copyFrom(bytes(from));
                return to;
            });
            long[] strides = new long[t.rank()];
            Arrays.setAll(strides, t::stride);
            return Tensor.of(there, t.offset(), t.dtype(), t.shape(), strides);
        }

        void back() {
            storages.forEach((from, to) -> bytes(from).copyFrom(bytes(to)));
        }

        private static Tensor bytes(Storage storage) {
            return Tensor.of(storage, DType.U8, storage.bytes());
        }
    }
}
