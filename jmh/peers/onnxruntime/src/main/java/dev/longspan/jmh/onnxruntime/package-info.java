/** ONNX Runtime beside longspan: models of one node each, written here. */
package dev.longspan.jmh.onnxruntime;
