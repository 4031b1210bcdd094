package dev.longspan.kernel;

/** Pointwise non-linearities. */
public enum Activation {
    /** {@code max(x, 0)}. */
    RELU,
    /** {@code x · Φ(x)} with the exact error function. */
    GELU,
    /** {@code x/2 · (1 + tanh(√(2/π) (x + 0.044715 x³)))}. */
    GELU_TANH,
    /** {@code x / (1 + e⁻ˣ)}, also called swish. */
    SILU,
    /** {@code tanh x}. */
    TANH
}
