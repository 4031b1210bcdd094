package dev.longspan.parallel;

/** Hears how far a long piece of work has come; called from the thread that started it. */
@FunctionalInterface
public interface ProgressListener {

    /** {@code done} of {@code total} work items of the current kernel are finished. */
    void onProgress(long done, long total);
}
