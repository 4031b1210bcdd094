/**
 * Classifiers with a recurrent memory: trained on stories of one segment, then two, and so on; kept in folders; and asked how
 * far back they remember. Bulatov, Kuratov, Burtsev, arXiv 2304.11062.
 *
 * <p>Deliberate differences from the released code: a segment count is left when the running accuracy reaches a threshold,
 * not when a patience runs out; each stage starts its optimiser afresh, as the released code does by starting a new process;
 * a share of every batch has fewer segments than the stage; memory may be disturbed by noise in training.
 */
@NullMarked
package dev.longspan.recall;

import org.jspecify.annotations.NullMarked;
