package dev.longspan.task;

import java.util.Locale;

/** Of one place from another. */
enum Direction {
    NORTH, SOUTH, EAST, WEST;

    Direction opposite() {
        return switch (this) {
            case NORTH -> SOUTH;
            case SOUTH -> NORTH;
            case EAST -> WEST;
            case WEST -> EAST;
        };
    }

    String word() {
        return name().toLowerCase(Locale.ROOT);
    }
}
