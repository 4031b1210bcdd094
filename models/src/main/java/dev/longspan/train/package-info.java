/**
 * Training and evaluation of any {@link dev.longspan.nn.LanguageModel}: a step is a function of (weights, moments, seed, step
 * number) alone, so that a run that stops and resumes gives the same bits as one that never stopped.
 */
package dev.longspan.train;
