/** Text from a model: sampling, stop strings, UTF-8 that never tears a character, and how fast it went. */
package dev.longspan.generate;
