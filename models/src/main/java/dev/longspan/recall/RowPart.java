package dev.longspan.recall;

import dev.longspan.rmt.RmtConfig;
import dev.longspan.task.Haystack;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** What a row of a segment in the encoder layout is. */
public enum RowPart {
    /** A word of what is to be remembered. */
    FACTS,
    /** A memory vector. */
    MEMORY,
    /** A word of what is asked. */
    QUESTION,
    /** Any other word. */
    NOISE,
    /** [CLS] and both [SEP]. */
    FRAME;

    /** What the rows of a segment are that holds so many of a document's tokens; the document's last sentence is the question. */
    public static List<RowPart> of(RmtConfig config, Haystack document, long from, int tokens) {
        List<RowPart> rows = new ArrayList<>();
        rows.add(FRAME);
        rows.addAll(Collections.nCopies(config.memory(), MEMORY));
        rows.add(FRAME);
        for (long at = from; at < from + tokens; at++) {
            rows.add(of(document.sentences(), at));
        }
        rows.add(FRAME);
        return List.copyOf(rows);
    }

    private static RowPart of(List<Haystack.Sentence> sentences, long at) {
        for (Haystack.Sentence sentence : sentences) {
            if (at >= sentence.at() && at < sentence.end()) {
                return sentence.end() == sentences.getLast().end() ? QUESTION : FACTS;
            }
        }
        return NOISE;
    }
}
