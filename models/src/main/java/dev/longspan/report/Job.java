package dev.longspan.report;

import dev.longspan.backend.Backend;
import dev.longspan.parallel.Parallel;
import java.io.PrintWriter;
import java.nio.file.Path;

/**
 * What the steps of a main job share.
 *
 * @param out where progress is printed
 * @param folder where files are left
 */
public record Job(Backend backend, Parallel parallel, long seed, Path folder, PrintWriter out) {
}
