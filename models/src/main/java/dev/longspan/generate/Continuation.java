package dev.longspan.generate;

import dev.longspan.nn.LanguageModel;
import dev.longspan.nn.StreamState;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.TensorArena;
import dev.longspan.text.Bytes;
import java.util.HexFormat;

/**
 * Where a text stands and how it goes on: all that {@link Generator#goOn} needs, and {@link StateFile} keeps. The draws need
 * no more, as they are a function of (seed, position).
 *
 * @param state of the model behind every token but the last, in the caller's arena
 * @param unread the last token, which the model has yet to read
 * @param unfinished bytes of a character that has begun at the end of the text, in hexadecimal digits
 */
public record Continuation<S extends StreamState>(S state, int unread, String unfinished) {

    private static final int LONGEST_UNFINISHED = 3;

    public Continuation {
        if (unread < 0 || unread >= Bytes.VOCABULARY) {
            throw new IllegalArgumentException("unread must be a byte: unread=" + unread);
        }
        if (HexFormat.of().parseHex(unfinished).length > LONGEST_UNFINISHED) {
            throw new IllegalArgumentException("unfinished must be at most " + LONGEST_UNFINISHED + " bytes: unfinished="
                    + unfinished);
        }
    }

    /** The beginning of a document. */
    public static <S extends StreamState> Continuation<S> start(LanguageModel<S> model, TensorArena arena) {
        return new Continuation<>(model.start(arena, 1), Bytes.SEPARATOR, "");
    }

    /** The same, of a state that keeps keys and values as {@code caches}. */
    public static <S extends StreamState> Continuation<S> start(LanguageModel<S> model, TensorArena arena, DType caches) {
        return new Continuation<>(model.start(arena, 1, caches), Bytes.SEPARATOR, "");
    }

    /** What the unfinished character looks like if nothing follows: U+FFFD, or nothing where none has begun. */
    public String unfinishedText() {
        return new Utf8(HexFormat.of().parseHex(unfinished)).end();
    }
}
