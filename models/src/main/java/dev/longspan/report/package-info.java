/**
 * The main job as a list of {@link dev.longspan.report.Step}s, and what they leave behind: {@code results.json} with every
 * figure, and {@code report.html}, which shows figures of that file and no others.
 */
package dev.longspan.report;
