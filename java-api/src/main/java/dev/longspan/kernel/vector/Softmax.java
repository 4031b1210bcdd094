package dev.longspan.kernel.vector;

import static dev.longspan.kernel.vector.Lanes.LANES;
import static dev.longspan.kernel.vector.Lanes.SPECIES;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/** Passes over the keys of a {@link ScoreTile}'s panel: queries {@code c} to {@code c + COLS}, two vectors. */
final class Softmax {

    /** 64 units in the last place: what sums of some hundred terms may be off by. */
    private static final float ROUNDING = 0x1p-18f;

    private Softmax() {
    }

    /**
     * {@code max = max(max, scores)}; {@code rescale = 2^(old max − new max)}. Arrays are per query, from mo on;
     * rescale from 0 on.
     */
    static void maxima(float[] tile, int keys, int c, float[] max, int mo, float[] rescale) {
        FloatVector old0 = FloatVector.fromArray(SPECIES, max, mo + c);
        FloatVector old1 = FloatVector.fromArray(SPECIES, max, mo + c + LANES);
        FloatVector a0 = old0;
        FloatVector a1 = old1;
        FloatVector b0 = old0;
        FloatVector b1 = old1;
        int k = 0;
        for (; k + 1 < keys; k += 2) {
            int s = k * Tiles.BLOCK + c;
            a0 = Lanes.max(a0, FloatVector.fromArray(SPECIES, tile, s));
            a1 = Lanes.max(a1, FloatVector.fromArray(SPECIES, tile, s + LANES));
            b0 = Lanes.max(b0, FloatVector.fromArray(SPECIES, tile, s + Tiles.BLOCK));
            b1 = Lanes.max(b1, FloatVector.fromArray(SPECIES, tile, s + Tiles.BLOCK + LANES));
        }
        if (k < keys) {
            a0 = Lanes.max(a0, FloatVector.fromArray(SPECIES, tile, k * Tiles.BLOCK + c));
            a1 = Lanes.max(a1, FloatVector.fromArray(SPECIES, tile, k * Tiles.BLOCK + c + LANES));
        }
        a0 = Lanes.max(a0, b0);
        a1 = Lanes.max(a1, b1);
        a0.intoArray(max, mo + c);
        a1.intoArray(max, mo + c + LANES);
        Exp2.ofMinus(a0.sub(old0)).intoArray(rescale, c);
        Exp2.ofMinus(a1.sub(old1)).intoArray(rescale, c + LANES);
    }

    /** {@code tile = 2^(tile − max)}; {@code sum = sum · rescale + Σ tile}. */
    static void weights(float[] tile, int keys, int c, float[] max, float[] sum, int mo, float[] rescale) {
        FloatVector m0 = FloatVector.fromArray(SPECIES, max, mo + c);
        FloatVector m1 = FloatVector.fromArray(SPECIES, max, mo + c + LANES);
        FloatVector s0 = FloatVector.zero(SPECIES);
        FloatVector s1 = s0;
        for (int k = 0; k < keys; k++) {
            int s = k * Tiles.BLOCK + c;
            FloatVector p0 = Exp2.ofMinus(m0.sub(FloatVector.fromArray(SPECIES, tile, s)));
            FloatVector p1 = Exp2.ofMinus(m1.sub(FloatVector.fromArray(SPECIES, tile, s + LANES)));
            p0.intoArray(tile, s);
            p1.intoArray(tile, s + LANES);
            s0 = s0.add(p0);
            s1 = s1.add(p1);
        }
        FloatVector.fromArray(SPECIES, sum, mo + c).fma(FloatVector.fromArray(SPECIES, rescale, c), s0).intoArray(sum, mo + c);
        FloatVector.fromArray(SPECIES, sum, mo + c + LANES).fma(FloatVector.fromArray(SPECIES, rescale, c + LANES), s1)
                .intoArray(sum, mo + c + LANES);
    }

    /** {@code tile = 2^(tile − lse)}: the weights that the forward arrived at. */
    static void finalWeights(float[] tile, int keys, int c, float[] lse) {
        FloatVector l0 = FloatVector.fromArray(SPECIES, lse, c);
        FloatVector l1 = FloatVector.fromArray(SPECIES, lse, c + LANES);
        for (int k = 0; k < keys; k++) {
            int s = k * Tiles.BLOCK + c;
            Exp2.ofMinus(l0.sub(FloatVector.fromArray(SPECIES, tile, s))).intoArray(tile, s);
            Exp2.ofMinus(l1.sub(FloatVector.fromArray(SPECIES, tile, s + LANES))).intoArray(tile, s + LANES);
        }
    }

    /**
     * {@code tile = 2^(tile − lse)}; {@code dTile = tile · (dTile − delta)}: from gradients of the weights to those
     * of the scores.
     */
    static void gradients(float[] tile, float[] dTile, int keys, int c, float[] lse, float[] delta) {
        FloatVector l0 = FloatVector.fromArray(SPECIES, lse, c);
        FloatVector l1 = FloatVector.fromArray(SPECIES, lse, c + LANES);
        FloatVector d0 = FloatVector.fromArray(SPECIES, delta, c);
        FloatVector d1 = FloatVector.fromArray(SPECIES, delta, c + LANES);
        for (int k = 0; k < keys; k++) {
            int s = k * Tiles.BLOCK + c;
            FloatVector p0 = Exp2.ofMinus(l0.sub(FloatVector.fromArray(SPECIES, tile, s)));
            FloatVector p1 = Exp2.ofMinus(l1.sub(FloatVector.fromArray(SPECIES, tile, s + LANES)));
            p0.intoArray(tile, s);
            p1.intoArray(tile, s + LANES);
            p0.mul(FloatVector.fromArray(SPECIES, dTile, s).sub(d0)).intoArray(dTile, s);
            p1.mul(FloatVector.fromArray(SPECIES, dTile, s + LANES).sub(d1)).intoArray(dTile, s + LANES);
        }
    }

    /**
     * As {@link #gradients} where these may be all the keys that the queries see: what then is left of {@code Σ dS}, which is
     * zero, is the rounding of δ, and is taken off each weight's share. The gradient of a key's bias consists of nothing else.
     * Where more than rounding is left there are other keys elsewhere, and dS stays as it is.
     */
    static void centredGradients(float[] tile, float[] dTile, int keys, int c, float[] lse, float[] delta) {
        for (int i = c; i < c + Tiles.COLS; i += LANES) {
            FloatVector l = FloatVector.fromArray(SPECIES, lse, i);
            FloatVector d = FloatVector.fromArray(SPECIES, delta, i);
            FloatVector sum = FloatVector.zero(SPECIES);
            FloatVector left = sum;
            FloatVector size = sum;
            for (int k = 0; k < keys; k++) {
                int s = k * Tiles.BLOCK + i;
                FloatVector p = Exp2.ofMinus(l.sub(FloatVector.fromArray(SPECIES, tile, s)));
                FloatVector dp = FloatVector.fromArray(SPECIES, dTile, s);
                p.intoArray(tile, s);
                sum = sum.add(p);
                left = p.fma(dp.sub(d), left);
                size = p.fma(dp.abs().add(d.abs()), size);
            }
            FloatVector share = left.div(sum.max(Float.MIN_NORMAL)); // without keys all weights are 0
            share = share.blend(0f, left.abs().compare(VectorOperators.GT, size.mul(ROUNDING)));
            for (int k = 0; k < keys; k++) {
                int s = k * Tiles.BLOCK + i;
                FloatVector.fromArray(SPECIES, tile, s).mul(FloatVector.fromArray(SPECIES, dTile, s).sub(d).sub(share))
                        .intoArray(dTile, s);
            }
        }
    }

    /** {@code sum += Σ weights}; {@code dot += Σ weights · dTile}. */
    static void branchSums(float[] weights, float[] dTile, int keys, int c, float[] sum, float[] dot) {
        for (int i = c; i < c + Tiles.COLS; i += LANES) {
            FloatVector s = FloatVector.fromArray(SPECIES, sum, i);
            FloatVector d = FloatVector.fromArray(SPECIES, dot, i);
            for (int k = 0; k < keys; k++) {
                FloatVector p = FloatVector.fromArray(SPECIES, weights, k * Tiles.BLOCK + i);
                s = s.add(p);
                d = p.fma(FloatVector.fromArray(SPECIES, dTile, k * Tiles.BLOCK + i), d);
            }
            s.intoArray(sum, i);
            d.intoArray(dot, i);
        }
    }
}
