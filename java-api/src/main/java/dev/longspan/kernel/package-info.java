/**
 * What a backend must be able to compute: one small interface a family, forward and backward side by side.
 *
 * <p>Rules that hold for every kernel: shapes are checked by the op that calls it; the last dimension has stride 1 unless
 * said otherwise; forward kernels overwrite their outputs, <em>backward kernels add to gradients</em> that their owner has
 * zeroed, so that views share gradient memory with what they view; results are the same bits for any thread count.
 */
package dev.longspan.kernel;
