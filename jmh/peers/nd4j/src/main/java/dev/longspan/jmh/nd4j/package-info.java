/** ND4J beside longspan. */
@org.jspecify.annotations.NullMarked
package dev.longspan.jmh.nd4j;
