package dev.longspan.rmt;

import dev.longspan.autograd.Pass;
import dev.longspan.nn.Backbone;
import dev.longspan.nn.StreamState;
import dev.longspan.nn.StreamingBackbone;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.util.LinkedHashMap;
import java.util.Map;

/** A backbone with its own state, for which all segments and their memory are one sequence. */
record CarriedState<S extends StreamState>(StreamingBackbone<S> backbone, S state) {

    private static final String PREFIX = "backbone.";

    /** Hidden states [B, n, d], and the state that follows them. */
    record Read(Tensor hidden, CarriedState<?> next) {
    }

    /** The backbone, which must stream. */
    static StreamingBackbone<?> streaming(Backbone backbone) {
        if (backbone instanceof StreamingBackbone<?> streaming) {
            return streaming;
        }
        throw new IllegalArgumentException("only a backbone that streams can carry its state: backbone="
                + backbone.getClass().getSimpleName());
    }

    static <S extends StreamState> CarriedState<S> start(StreamingBackbone<S> backbone, TensorArena arena, long batch) {
        return new CarriedState<>(backbone, backbone.start(arena, batch));
    }

    /** What {@link #tensors} gave, among others. */
    static <S extends StreamState> CarriedState<S> restore(StreamingBackbone<S> backbone, TensorArena arena,
            Map<String, Tensor> saved) {
        Map<String, Tensor> own = new LinkedHashMap<>();
        saved.forEach((name, tensor) -> {
            if (name.startsWith(PREFIX)) {
                own.put(name.substring(PREFIX.length()), tensor);
            }
        });
        return new CarriedState<>(backbone, backbone.restore(arena, own));
    }

    /** The next rows, [B, n, d]; consumes the state. */
    Read read(Pass pass, Tensor embedded) {
        StreamingBackbone.Hidden<S> hidden = backbone.hidden(pass, state, embedded);
        return new Read(hidden.rows(), new CarriedState<>(backbone, hidden.state()));
    }

    Map<String, Tensor> tensors() {
        Map<String, Tensor> named = new LinkedHashMap<>();
        state.tensors().forEach((name, tensor) -> named.put(PREFIX + name, tensor));
        return named;
    }

    /** An independent copy that continues these sequences. */
    CarriedState<S> select(TensorArena arena, int... rows) {
        try (TensorArena copies = new TensorArena(arena.space())) {
            return new CarriedState<>(backbone, backbone.restore(arena, state.select(copies, rows).tensors()));
        }
    }
}
