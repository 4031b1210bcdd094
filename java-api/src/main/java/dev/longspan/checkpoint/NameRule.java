package dev.longspan.checkpoint;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Two patterns for one set of names: {@code *} stands for one part between dots and {@code **} for any text, the n-th
 * of one pattern for the same text as the n-th of the other.
 *
 * @param own such as {@code layers.*.attention.query.weight}
 * @param foreign such as {@code decoder.layers.*.self_attn.q_proj.weight}
 */
public record NameRule(String own, String foreign) {

    private static final Pattern WILDCARD = Pattern.compile("\\*\\*?");

    public NameRule {
        if (!wildcards(own).equals(wildcards(foreign))) {
            throw new IllegalArgumentException("patterns must have the same wildcards in the same order: own=" + own
                    + ", foreign=" + foreign);
        }
    }

    Optional<String> toForeign(String name) {
        return rewrite(name, own, foreign);
    }

    Optional<String> toOwn(String name) {
        return rewrite(name, foreign, own);
    }

    private static Optional<String> rewrite(String name, String from, String to) {
        Matcher parts = regex(from).matcher(name);
        if (!parts.matches()) {
            return Optional.empty();
        }
        int[] group = {0};
        return Optional.of(WILDCARD.matcher(to).replaceAll(found -> Matcher.quoteReplacement(parts.group(++group[0]))));
    }

    private static Pattern regex(String pattern) {
        StringBuilder regex = new StringBuilder();
        Matcher wildcard = WILDCARD.matcher(pattern);
        int literal = 0;
        while (wildcard.find()) {
            regex.append(Pattern.quote(pattern.substring(literal, wildcard.start())));
            regex.append(wildcard.group().equals("*") ? "([^.]+)" : "(.*)");
            literal = wildcard.end();
        }
        return Pattern.compile(regex.append(Pattern.quote(pattern.substring(literal))).toString(), Pattern.DOTALL);
    }

    private static List<String> wildcards(String pattern) {
        List<String> found = new ArrayList<>();
        Matcher wildcard = WILDCARD.matcher(pattern);
        while (wildcard.find()) {
            found.add(wildcard.group());
        }
        return found;
    }
}
