/** Text from a model: sampling, stop strings, UTF-8 that never tears a character, how fast it went, and files to go on from. */
package dev.longspan.generate;
