/** AdamW, learning-rate schedules and gradient clipping. */
package dev.longspan.optim;
