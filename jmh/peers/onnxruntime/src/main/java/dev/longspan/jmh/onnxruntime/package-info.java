/** ONNX Runtime beside longspan: models of one node each, written here. */
@org.jspecify.annotations.NullMarked
package dev.longspan.jmh.onnxruntime;
