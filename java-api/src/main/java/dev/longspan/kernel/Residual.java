package dev.longspan.kernel;

import dev.longspan.tensor.Tensor;

/** {@code alpha·x + f}, of contiguous tensors of one shape: with alpha ≠ 1 DeepNorm's residual, arXiv 2203.00555. */
public record Residual(Tensor x, double alpha, Tensor f) {
}
