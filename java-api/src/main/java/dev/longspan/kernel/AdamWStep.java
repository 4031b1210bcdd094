package dev.longspan.kernel;

/** Numbers of one AdamW step; {@code step} counts from 1. */
public record AdamWStep(double learningRate, double beta1, double beta2, double eps, double weightDecay,
        double gradientScale, long step) {
}
