package dev.longspan.longnet;

import dev.longspan.kernel.Rotary;
import java.util.Optional;

/** How queries and keys carry their relative positions. */
public sealed interface Rotation {

    /** The rotation of heads of that dimension; empty for none. */
    Optional<Rotary> of(int headDim);

    /** No relative positions. */
    record None() implements Rotation {

        @Override
        public Optional<Rotary> of(int headDim) {
            return Optional.empty();
        }
    }

    /**
     * xPos: rotation and a decay with distance. Sun et al., arXiv 2212.10554.
     *
     * @param scaleBase 512 in the paper; the larger, the slower the decay
     */
    record Xpos(double scaleBase) implements Rotation {

        public Xpos {
            if (!(scaleBase > 0 && Double.isFinite(scaleBase))) {
                throw new IllegalArgumentException("scaleBase must be positive: scaleBase=" + scaleBase);
            }
        }

        @Override
        public Optional<Rotary> of(int headDim) {
            return Optional.of(Rotary.xpos(headDim, scaleBase, 1));
        }
    }

    /**
     * RoPE. Su et al., arXiv 2104.09864.
     *
     * @param theta base of the angles, 10000 in the paper
     */
    record Rope(double theta, Rotary.Pairs pairs) implements Rotation {

        public Rope {
            if (!(theta > 0 && Double.isFinite(theta))) {
                throw new IllegalArgumentException("theta must be positive: theta=" + theta);
            }
        }

        @Override
        public Optional<Rotary> of(int headDim) {
            return Optional.of(Rotary.rope(headDim, theta, 0).withPairs(pairs));
        }
    }
}
