package dev.longspan.task;

import java.util.ArrayList;
import java.util.List;

/** Facts and a question of somebody's own. */
public record Inquiry(List<String> facts, String question) {

    private static final String ASKS = "?";

    public Inquiry {
        facts = List.copyOf(facts);
        if (facts.isEmpty()) {
            throw new IllegalArgumentException("a question must have facts to remember: facts=0");
        }
        for (String fact : facts) {
            if (isQuestion(fact)) {
                throw new IllegalArgumentException("a fact must not end with a question mark: fact=\"" + fact + "\"");
            }
        }
        if (!isQuestion(question)) {
            throw new IllegalArgumentException("a question must end with a question mark: question=\"" + question + "\"");
        }
    }

    /** Whether a sentence asks. */
    public static boolean isQuestion(String sentence) {
        return sentence.strip().endsWith(ASKS);
    }

    /**
     * A document of so many tokens with the facts in a row behind {@code share} of its noise, 0 for the start and 1 for right
     * before the question. IllegalArgumentException names a word that the vocabulary does not have, or says what is too short.
     *
     * @param offset place in the noise where the document begins
     */
    public Haystack hidden(Vocabulary vocabulary, Noise noise, long offset, double share, long tokens) {
        if (!(share >= 0 && share <= 1)) {
            throw new IllegalArgumentException("share must be from 0 to 1: share=" + share);
        }
        List<long[]> encoded = facts.stream().map(vocabulary::encodeKnown).toList();
        long[] asked = vocabulary.encodeKnown(question);
        long at = Math.round(share * Haystack.free(tokens, encoded, asked));
        List<Haystack.Sentence> sentences = new ArrayList<>();
        for (long[] fact : encoded) {
            sentences.add(new Haystack.Sentence(at, fact));
            at += fact.length;
        }
        sentences.add(new Haystack.Sentence(tokens - asked.length, asked));
        return new Haystack(noise, offset, tokens, sentences);
    }
}
