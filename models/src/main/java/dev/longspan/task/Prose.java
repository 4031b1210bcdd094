package dev.longspan.task;

import dev.longspan.text.Corpus;
import dev.longspan.text.Document;
import dev.longspan.text.Sources;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** The texts of a corpus for people: of Java sources the documentation comments without their markup, of a folder everything. */
final class Prose {

    private static final Pattern COMMENT = Pattern.compile("/\\*\\*(?!/)(.*?)\\*/", Pattern.DOTALL);
    private static final Pattern MARKUP = Pattern.compile("(?m)^\\s*\\*+|\\{@\\w+|@\\w+|</?\\w[^<>]*>|&#?\\w+;|[{}]");

    private Prose() {
    }

    static Stream<String> of(Corpus corpus, List<Document> documents) {
        boolean isCode = Sources.isStandard(corpus.name());
        return documents.stream().map(document -> new String(document.text(), StandardCharsets.UTF_8))
                .map(text -> isCode ? comments(text) : text);
    }

    /** The documentation comments of a Java source without asterisks, tags' names and HTML. */
    static String comments(String source) {
        StringBuilder prose = new StringBuilder();
        Matcher comment = COMMENT.matcher(source);
        while (comment.find()) {
            prose.append(MARKUP.matcher(comment.group(1)).replaceAll(" ")).append('\n');
        }
        return prose.toString();
    }
}
