package dev.longspan.report;

import java.io.IOException;

/** One part of the main job. A new architecture adds its rows as a step. */
public interface Step {

    /** What the progress line calls it. */
    String name();

    /** Seconds that it is meant to take on two cores. */
    int shareSeconds();

    /** Does the work, prints its progress as it goes, and returns what it found. */
    Section run(Job job) throws IOException;
}
