/** DJL beside longspan. */
package dev.longspan.jmh.djl;
