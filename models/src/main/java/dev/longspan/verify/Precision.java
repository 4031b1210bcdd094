package dev.longspan.verify;

/** The precision in which a reference computed a tensor. */
public enum Precision {
    F32, F64
}
