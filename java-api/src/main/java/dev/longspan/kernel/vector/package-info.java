/**
 * The kernels on the JDK Vector API: packed panels in per-worker scratch, register tiles from a build-time generator.
 */
package dev.longspan.kernel.vector;
