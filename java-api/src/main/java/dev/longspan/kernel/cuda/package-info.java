/**
 * The kernel families on an NVIDIA GPU: each call checks shapes here and enqueues work for whole tensors on a stream. Nothing waits
 * for the device but what reads results; an error that a kernel leaves surfaces then, with the names of the kernels that may have
 * made it ({@value dev.longspan.kernel.cuda.CudaStream#SYNCHRONOUS} finds the one). All memory belongs to a {@link
 * dev.longspan.kernel.cuda.CudaSpace}, which has one stream, used by one thread at a time.
 *
 * <p>Beside them {@link dev.longspan.kernel.cuda.CudnnAttention} drives cuDNN's dense attention and says what cuDNN plans and what it
 * does not check; no family uses it.
 */
package dev.longspan.kernel.cuda;
