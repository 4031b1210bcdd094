package dev.longspan.transformer;

import dev.longspan.kernel.AttentionPattern;
import dev.longspan.longnet.DecoderArchitecture;
import dev.longspan.longnet.LongNetConfig;

/** The vanilla Transformer: every position sees every earlier one. Its cache keeps all keys. */
public final class DenseTransformer {

    public static final DecoderArchitecture ARCHITECTURE =
            DecoderArchitecture.like("transformer", (preset, context) -> of(preset));

    private DenseTransformer() {
    }

    /** The configuration with dense attention. */
    public static LongNetConfig of(LongNetConfig config) {
        return config.withPattern(new AttentionPattern.Dense());
    }
}
