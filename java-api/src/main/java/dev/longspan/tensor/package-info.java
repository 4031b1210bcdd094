/** Tensors are views of storages; owners own the memory. Uses nothing else of Longspan. */
package dev.longspan.tensor;
