package dev.longspan.task;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;
import java.util.function.IntPredicate;

/** Text as words: runs of letters in lower case, runs of digits, single punctuation marks. Everything else only divides them. */
final class Words {

    private Words() {
    }

    static List<String> of(String text) {
        List<String> words = new ArrayList<>();
        each(text, words::add);
        return words;
    }

    static void each(String text, Consumer<String> words) {
        String lower = text.toLowerCase(Locale.ROOT); // first: lower case of one letter may be a letter and a mark
        int at = 0;
        while (at < lower.length()) {
            int first = lower.codePointAt(at);
            int end = at + Character.charCount(first);
            if (Character.isLetter(first)) {
                end = run(lower, end, Character::isLetter);
            } else if (Character.isDigit(first)) {
                end = run(lower, end, Character::isDigit);
            } else if (!isPunctuation(first)) {
                at = end;
                continue;
            }
            words.accept(lower.substring(at, end));
            at = end;
        }
    }

    private static int run(String text, int from, IntPredicate belongs) {
        int at = from;
        while (at < text.length() && belongs.test(text.codePointAt(at))) {
            at += Character.charCount(text.codePointAt(at));
        }
        return at;
    }

    private static boolean isPunctuation(int character) {
        return switch (Character.getType(character)) {
            case Character.CONNECTOR_PUNCTUATION, Character.DASH_PUNCTUATION, Character.START_PUNCTUATION,
                    Character.END_PUNCTUATION, Character.INITIAL_QUOTE_PUNCTUATION, Character.FINAL_QUOTE_PUNCTUATION,
                    Character.OTHER_PUNCTUATION -> true;
            default -> character > ' ' && character < 127; // ASCII's < = > + and the like
        };
    }
}
