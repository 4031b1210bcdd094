package dev.longspan.task;

import java.util.List;
import java.util.Locale;

/** Where people of bAbI go and what lies north of what: the six classes, in the order of the alphabet. */
public enum Place {
    BATHROOM(0), BEDROOM(1), GARDEN(2), HALLWAY(3), KITCHEN(4), OFFICE(5);

    private final int label;

    Place(int label) {
        this.label = label;
    }

    /** The class that it is. */
    public int label() {
        return label;
    }

    /** The place of that class. */
    public static Place of(int label) {
        return List.of(values()).get(label);
    }

    /** The word for it. */
    public String word() {
        return name().toLowerCase(Locale.ROOT);
    }
}
