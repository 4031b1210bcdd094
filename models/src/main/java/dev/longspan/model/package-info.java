/**
 * Which architectures there are, and folders that hold a model: {@code config.json} and {@code model.safetensors}. The only
 * place that knows every architecture; a new one is a class here and a line in {@link dev.longspan.model.Architectures}.
 */
package dev.longspan.model;
