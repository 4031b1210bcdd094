package dev.longspan.verify;

/** The precision in which a reference computed a tensor. */
public enum Precision {
    F32, F64,
    /** Computed in float32 here and held to a bound of its own. */
    BF16
}
