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

    /** What can be shown now. */
    String add(String piece) {
        held.append(piece);
        int first = stops.stream().mapToInt(held::indexOf).filter(at -> at >= 0).min().orElse(-1);
        if (first >= 0) {
            stopped = true;
            return take(first);
        }
        int keep = 0;
        for (String stop : stops) {
            for (int length = Math.min(stop.length() - 1, held.length()); length > keep; length--) {
                if (stop.startsWith(held.substring(held.length() - length))) {
                    keep = length;
                }
            }
        }
        return take(held.length() - keep);
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
