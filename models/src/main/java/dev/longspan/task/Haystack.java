package dev.longspan.task;

import dev.longspan.rmt.TokenSource;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;

/**
 * A document of any length that is noise but for a few sentences; made while it is read, the same however it is cut.
 *
 * @param offset place in the noise that the document's first token would be
 * @param sentences what hides in the noise, in order and without overlap
 */
public record Haystack(Noise noise, long offset, long length, List<Sentence> sentences) implements TokenSource {

    /**
     * Tokens written over the noise.
     *
     * @param at position of the first
     */
    @SuppressWarnings("ArrayRecordComponent") // compared by nobody
    public record Sentence(long at, long[] tokens) {

        /** Position behind the last. */
        public long end() {
            return at + tokens.length;
        }
    }

    public Haystack {
        sentences = List.copyOf(sentences);
        long behind = 0;
        for (Sentence sentence : sentences) {
            if (sentence.at < behind || sentence.end() > length) {
                throw new IllegalArgumentException("sentences must be in order, without overlap and within the document: from="
                        + sentence.at + ", to=" + sentence.end() + ", earlier end at " + behind + ", tokens=" + length);
            }
            behind = sentence.end();
        }
    }

    /** Tokens of noise that a document has beside its facts and question; IllegalArgumentException where it is too short. */
    static long free(long tokens, List<long[]> facts, long[] question) {
        long needed = question.length + facts.stream().mapToLong(fact -> fact.length).sum();
        if (tokens < needed) {
            throw new IllegalArgumentException("a document must have room for its facts and its question: tokens=" + tokens
                    + ", needed=" + needed);
        }
        return tokens - needed;
    }

    @Override
    public void read(long from, long[] into) {
        Objects.checkFromIndexSize(from, into.length, length);
        noise.read(offset + from, into);
        for (Sentence sentence : sentences) {
            long start = Math.max(from, sentence.at);
            long end = Math.min(from + into.length, sentence.end());
            if (start < end) {
                System.arraycopy(sentence.tokens, (int) (start - sentence.at), into, (int) (start - from), (int) (end - start));
            }
        }
    }

    @Override
    public String toString() {
        return "Haystack[length=" + length + ", sentences at " + Arrays.toString(
                sentences.stream().mapToLong(Sentence::at).toArray()) + "]";
    }
}
