/**
 * Which architectures there are, and folders that hold a model: {@code config.json} and {@code model.safetensors}. An
 * architecture lies beside its model; the command line names those it offers.
 */
package dev.longspan.model;
