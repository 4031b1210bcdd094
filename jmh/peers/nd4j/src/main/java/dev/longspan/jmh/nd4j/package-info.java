/** ND4J beside longspan. */
package dev.longspan.jmh.nd4j;
