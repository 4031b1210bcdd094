/** The only place that touches threads: work ranges, a worker team, per-worker scratch, cancellation and progress. */
package dev.longspan.parallel;
