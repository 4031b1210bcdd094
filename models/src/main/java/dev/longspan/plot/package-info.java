/** Pictures, through XChart and Batik, which are there at run time or not. */
@org.jspecify.annotations.NullMarked
package dev.longspan.plot;
