package dev.longspan.generate;

import java.util.List;

/** Text up to the first stop string, which is left out; what may become one is held back until it cannot. */
final class StopStrings {

    private final List<String> stops;
    private final StringBuilder held = new StringBuilder();
    private boolean stopped;

    StopStrings(List<String> stops) {
        if (stops.contains("")) {
            throw new IllegalArgumentException("a stop string must not be empty");
        }
        this.stops = List.copyOf(stops);
    }

    /** What can be shown now; the text does not depend on how it is cut into pieces. */
    String add(String piece) {
        StringBuilder shown = new StringBuilder();
        for (int i = 0; i < piece.length() && !stopped; i++) {
            held.append(piece.charAt(i));
            shown.append(take(free()));
        }
        return shown.toString();
    }

    /** How many characters of what is held belong to no stop string and never will. */
    private int free() {
        int begun = stops.stream().filter(this::isAtEnd).mapToInt(String::length).max().orElse(0);
        if (begun > 0) {
            stopped = true;
            return held.length() - begun;
        }
        int keep = 0;
        for (String stop : stops) {
            for (int length = Math.min(stop.length() - 1, held.length()); length > keep; length--) {
                if (stop.startsWith(held.substring(held.length() - length))) {
                    keep = length;
                }
            }
        }
        return held.length() - keep;
    }

    private boolean isAtEnd(String stop) {
        return held.length() >= stop.length() && held.indexOf(stop, held.length() - stop.length()) >= 0;
    }

    /** What was held back, when nothing more comes. */
    String end() {
        return stopped ? "" : take(held.length());
    }

    boolean stopped() {
        return stopped;
    }

    private String take(int length) {
        String text = held.substring(0, length);
        held.delete(0, length);
        return text;
    }
}
