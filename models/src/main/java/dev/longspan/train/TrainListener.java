package dev.longspan.train;

import java.nio.file.Path;

/** Hears of a run's progress on the thread that trains. */
public interface TrainListener {

    /** Hears nothing. */
    TrainListener NONE = new TrainListener() { };

    default void onStep(StepReport report) {
    }

    /** {@code bitsPerByte} on held-out text after {@code step} steps. */
    default void onEvaluation(long step, double bitsPerByte) {
    }

    default void onCheckpoint(Path folder) {
    }
}
