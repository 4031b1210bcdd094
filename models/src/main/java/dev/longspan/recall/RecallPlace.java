package dev.longspan.recall;

import dev.longspan.bench.ResidentMemory;

/**
 * Where the reading of the longest documents stands.
 *
 * @param tokens of each document that are read
 * @param tokensPerSecond of all of them together, since the place before
 */
public record RecallPlace(long tokens, double tokensPerSecond, ResidentMemory memory) {
}
