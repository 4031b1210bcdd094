/**
 * Benchmarks beside peers. A class a family lists its problems for {@link dev.longspan.jmh.Bench}, which measures the sides of
 * each in turns in one JVM, and is a JMH benchmark of the same runs in JVMs of their own. Every answer is checked against
 * float64 first. Not null-marked: JMH, not the constructor, sets a benchmark's fields.
 */
package dev.longspan.jmh;
