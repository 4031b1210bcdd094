/** Jlama beside longspan. */
package dev.longspan.jmh.jlama;
