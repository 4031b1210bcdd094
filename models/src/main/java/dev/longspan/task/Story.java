package dev.longspan.task;

import java.util.List;

/** Facts to remember and what is asked about them. */
public record Story(List<String> facts, String question, Place answer) {

    public Story {
        facts = List.copyOf(facts);
    }
}
