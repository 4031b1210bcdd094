/** Jlama beside longspan. */
@org.jspecify.annotations.NullMarked
package dev.longspan.jmh.jlama;
