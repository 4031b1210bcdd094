package dev.longspan.report;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A part of a section. Texts are templates with figures in braces; see {@link Template}. */
public sealed interface Block {

    /** A paragraph. */
    record Prose(String text) implements Block {
    }

    /** Names beside what they are. */
    record Facts(Map<String, String> byName) implements Block {
        public Facts {
            byName = Collections.unmodifiableMap(new LinkedHashMap<>(byName));
        }
    }

    /** Rows under column names; a cell is right-aligned but for the first. */
    record Table(List<String> columns, List<List<String>> rows) implements Block {
        public Table {
            columns = List.copyOf(columns);
            rows = rows.stream().map(List::copyOf).toList();
            for (List<String> row : rows) {
                if (row.size() != columns.size()) {
                    throw new IllegalArgumentException("a row must have a cell per column: row=" + row + ", columns=" + columns);
                }
            }
        }
    }

    /** A line chart. */
    record Plot(Chart chart) implements Block {
    }

    /** Text as it is, such as what a model wrote: the figure (a string) at a path. */
    record Listing(String path) implements Block {
    }
}
