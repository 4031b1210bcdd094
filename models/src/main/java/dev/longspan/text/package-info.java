/**
 * Text as the models see it: bytes are token ids, documents come from the JDK's own sources or any folder, and training
 * reads random windows whose places a counter decides. Uses nothing of Longspan but the kernel package's Philox counters.
 */
package dev.longspan.text;
