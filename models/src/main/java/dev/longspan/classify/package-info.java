/**
 * Classifiers of documents beside each other on the same task for the same time: a recurrent memory, dense attention over the
 * whole document, and a sliding window.
 */
@org.jspecify.annotations.NullMarked
package dev.longspan.classify;
