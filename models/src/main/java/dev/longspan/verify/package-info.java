/**
 * Compares this library with reference implementations: runs a folder of goldens, inputs and weights with what the
 * reference made of them, by the rules of its {@code manifest.json}. Every tensor of role expected is computed and compared;
 * whatever is not understood (a kind, a configuration key, a tensor's name) fails.
 */
@org.jspecify.annotations.NullMarked
package dev.longspan.verify;
