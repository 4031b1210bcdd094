/** {@code gpu-check}: every check and benchmark of the CUDA backend in one command, on a machine with nothing but a driver. */
@NullMarked
package dev.longspan.jmh.gpu;

import org.jspecify.annotations.NullMarked;
