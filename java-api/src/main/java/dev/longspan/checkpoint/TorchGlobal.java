package dev.longspan.checkpoint;

import dev.longspan.tensor.DType;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** The only names that a pickle may mention, and what they stand for here. None is ever looked up anywhere else. */
enum TorchGlobal implements Pickled {
    ORDERED_DICT("collections.OrderedDict"),
    REBUILD_TENSOR("torch._utils._rebuild_tensor_v2"),
    REBUILD_PARAMETER("torch._utils._rebuild_parameter"),
    FLOAT("torch.FloatStorage", DType.F32),
    DOUBLE("torch.DoubleStorage", DType.F64),
    HALF("torch.HalfStorage", DType.F16),
    BFLOAT16("torch.BFloat16Storage", DType.BF16),
    LONG("torch.LongStorage", DType.I64),
    INT("torch.IntStorage", DType.I32),
    BYTE("torch.ByteStorage", DType.U8),
    BOOL("torch.BoolStorage", DType.BOOL),
    CHAR("torch.CharStorage"),
    SHORT("torch.ShortStorage"),
    COMPLEX_FLOAT("torch.ComplexFloatStorage"),
    COMPLEX_DOUBLE("torch.ComplexDoubleStorage");

    private static final Map<String, TorchGlobal> BY_NAME = Arrays.stream(values())
            .collect(Collectors.toMap(TorchGlobal::qualifiedName, Function.identity()));

    private final String qualifiedName;
    private final @Nullable DType dtype;

    TorchGlobal(String qualifiedName) {
        this(qualifiedName, null);
    }

    TorchGlobal(String qualifiedName, @Nullable DType dtype) {
        this.qualifiedName = qualifiedName;
        this.dtype = dtype;
    }

    static Optional<TorchGlobal> named(String module, String name) {
        return Optional.ofNullable(BY_NAME.get(module + "." + name));
    }

    String qualifiedName() {
        return qualifiedName;
    }

    boolean isStorage() {
        return compareTo(REBUILD_PARAMETER) > 0;
    }

    /** The dtype of a storage's elements, where Longspan has it. */
    Optional<DType> dtype() {
        return Optional.ofNullable(dtype);
    }
}
