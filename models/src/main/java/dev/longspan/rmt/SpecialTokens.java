package dev.longspan.rmt;

import java.util.Arrays;

/** Ids that frame a segment of the encoder layout. */
public record SpecialTokens(long pad, long cls, long sep) {

    /** Of bert-base-cased and bert-base-uncased alike. */
    public static final SpecialTokens BERT = new SpecialTokens(0, 101, 102);

    public SpecialTokens {
        if (pad < 0 || cls < 0 || sep < 0) {
            throw new IllegalArgumentException("special tokens must not be negative: pad=" + pad + ", cls=" + cls + ", sep=" + sep);
        }
    }

    /** The ids that are none of these, as the released code cleans its input. */
    public long[] stripped(long... ids) {
        return Arrays.stream(ids).filter(id -> id != pad && id != cls && id != sep).toArray();
    }
}
