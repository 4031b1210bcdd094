/**
 * Benchmarks beside peers. A {@link dev.longspan.jmh.Problem} has operands and knows the answers in float64; its
 * {@link dev.longspan.jmh.Task} is what {@link dev.longspan.jmh.Peer}s understand of it; a {@link dev.longspan.jmh.Side} runs it.
 * A subclass of {@link dev.longspan.jmh.Measured} lists the problems of a family for {@link dev.longspan.jmh.Bench}, which
 * measures the sides of each in turns, and is a JMH benchmark of the same problems. Not null-marked: JMH, not the constructor,
 * sets a benchmark's fields.
 */
package dev.longspan.jmh;
