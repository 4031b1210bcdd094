package dev.longspan.task;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;

final class InquiryTest {

    private static final Inquiry MARY = new Inquiry(List.of("Mary went to the kitchen.", "John moved to the office."), "Where is Mary?");

    private static String text(double share, int tokens) {
        return Worlds.VOCABULARY.decode(Worlds.read(MARY.hidden(Worlds.VOCABULARY, Worlds.NOISE, 4_990, share, tokens), 0, tokens));
    }

    @Test
    void factsStandInARowWhereTheyShould() {
        assertThat(text(0, 100)).startsWith("mary went to the kitchen. john moved to the office. w").endsWith(" where is mary?");
        assertThat(text(1, 100)).endsWith("mary went to the kitchen. john moved to the office. where is mary?");
        assertThat(text(0.5, 16 + 20).split(" mary went", -1)[0].split(" ", -1)).hasSize(10);
        assertThat(text(0.3, 16)).isEqualTo("mary went to the kitchen. john moved to the office. where is mary?");
    }

    @Test
    void aWordThatTheModelDoesNotKnowIsNamed() {
        assertThatThrownBy(() -> new Inquiry(List.of("Mary went to the castle."), "Where is Mary?")
                .hidden(Worlds.VOCABULARY, Worlds.NOISE, 0, 0, 100))
                .isInstanceOf(IllegalArgumentException.class).hasMessageEndingWith("words: word=\"castle\"");
        assertThatThrownBy(() -> new Inquiry(List.of("Mary went to the kitchen."), "Where is Bob?")
                .hidden(Worlds.VOCABULARY, Worlds.NOISE, 0, 0, 100)).hasMessageEndingWith("word=\"bob\"");
    }

    @Test
    void wrongUseIsAnErrorThatNamesIt() {
        assertThatThrownBy(() -> text(0, 15)).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("room for its facts and its question: tokens=15, needed=16");
        assertThatThrownBy(() -> text(1.5, 100)).hasMessageContaining("share must be from 0 to 1: share=1.5");
        assertThatThrownBy(() -> text(Double.NaN, 100)).hasMessageContaining("share=NaN");
        assertThatThrownBy(() -> new Inquiry(List.of(), "Where is Mary?")).hasMessageContaining("facts to remember");
        assertThatThrownBy(() -> new Inquiry(List.of("Mary went home."), "Where is Mary")).hasMessageContaining("question mark");
        assertThatThrownBy(() -> new Inquiry(List.of("Is Mary home?"), "Where is Mary?")).hasMessageContaining("question mark");
        assertThatThrownBy(() -> new Inquiry(List.of(" "), "Where is Mary?").hidden(Worlds.VOCABULARY, Worlds.NOISE, 0, 0, 100))
                .hasMessageContaining("a sentence must have words");
    }
}
