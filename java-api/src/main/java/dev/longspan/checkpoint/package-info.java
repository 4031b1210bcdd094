/**
 * Tensors in files: safetensors, mapped to read and written so that a crash or a full disk loses nothing already saved;
 * torch.save's files, read as data by a machine that knows a few opcodes and names and executes nothing.
 *
 * <p>Files come from anywhere, so everything in them is checked before it is believed. A file that breaks a rule is a
 * {@link dev.longspan.checkpoint.ModelFormatException} with the file, the byte and the tensor; trouble with the disk is
 * a {@link dev.longspan.checkpoint.CheckpointIOException}.
 */
package dev.longspan.checkpoint;
