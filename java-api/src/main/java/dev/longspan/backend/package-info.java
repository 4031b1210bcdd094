/** Chooses, once, who computes: every backend or the reason it cannot run. */
package dev.longspan.backend;
