/**
 * The kernel families on an NVIDIA GPU: each call checks shapes here and enqueues work for whole tensors on a stream. Nothing waits
 * for the device but what reads results; an error that a kernel leaves surfaces then, with the names of the kernels that may have
 * made it ({@value dev.longspan.kernel.cuda.CudaStream#SYNCHRONOUS} finds the one). All memory belongs to a {@link
 * dev.longspan.kernel.cuda.CudaSpace}, which has one stream, used by one thread at a time.
 *
 * <p>Dense attention of bfloat16 runs forward by cuDNN instead where {@value dev.longspan.kernel.cuda.CudaKernels#ATTENTION} is
 * {@code cudnn} and cuDNN is there.
 */
package dev.longspan.kernel.cuda;
