/** LongNet: Scaling Transformers to 1,000,000,000 Tokens. Ding et al., arXiv 2307.02486. */
@org.jspecify.annotations.NullMarked
package dev.longspan.longnet;
