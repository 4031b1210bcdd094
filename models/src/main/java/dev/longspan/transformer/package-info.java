/**
 * The baselines that LongNet is measured against: the same decoder, parameters and checkpoints with another pattern of
 * attention.
 */
@org.jspecify.annotations.NullMarked
package dev.longspan.transformer;
