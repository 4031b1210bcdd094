package dev.longspan.recall;

import java.nio.file.Path;

/** Hears of a training's progress on the thread that trains. */
public interface RecallListener {

    /** Hears nothing. */
    RecallListener NONE = new RecallListener() { };

    default void onStep(RecallReport report) {
    }

    default void onStage(StageReport report) {
    }

    default void onCheckpoint(Path folder) {
    }
}
