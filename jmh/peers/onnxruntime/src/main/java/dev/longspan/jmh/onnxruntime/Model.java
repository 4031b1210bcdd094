package dev.longspan.jmh.onnxruntime;

import java.lang.foreign.MemorySegment;

/** An ONNX model of one node. Fields are those of onnx.proto, IR version 8. */
final class Model {

    private static final int FLOAT = 1;
    private static final int INT32 = 6;
    private static final int ATTRIBUTE_FLOAT = 1;
    private static final int ATTRIBUTE_INT = 2;

    private final Message node = new Message();
    private final Message graph = new Message();

    /** A node of an operator set: the empty domain is ONNX's own. */
    Model(String domain, String operator) {
        node.text(3, operator).text(4, operator).text(7, domain);
    }

    Model attribute(String name, long value) {
        node.message(5, new Message().text(1, name).number(3, value).number(20, ATTRIBUTE_INT));
        return this;
    }

    Model attribute(String name, double value) {
        node.message(5, new Message().text(1, name).real(2, (float) value).number(20, ATTRIBUTE_FLOAT));
        return this;
    }

    /** An input of floats that each run gives. */
    Model input(String name, long... shape) {
        return input(name, FLOAT, shape);
    }

    /** An input of 32-bit integers. */
    Model integers(String name, long... shape) {
        return input(name, INT32, shape);
    }

    private Model input(String name, int type, long... shape) {
        node.text(1, name);
        graph.message(11, value(name, type, shape));
        return this;
    }

    /** An optional input that is not there. */
    Model none() {
        node.text(1, "");
        return this;
    }

    /** An input that never changes: weights, which the runtime may pack once. */
    Model constant(String name, MemorySegment floats, long... shape) {
        node.text(1, name);
        Message tensor = new Message();
        for (long size : shape) {
            tensor.number(1, size);
        }
        graph.message(5, tensor.number(2, FLOAT).text(8, name).memory(9, floats));
        return this;
    }

    Model output(String name, long... shape) {
        node.text(2, name);
        graph.message(12, value(name, FLOAT, shape));
        return this;
    }

    private static Message value(String name, int type, long... shape) {
        Message sizes = new Message();
        for (long size : shape) {
            sizes.message(1, new Message().number(1, size));
        }
        return new Message().text(1, name).message(2, new Message().message(1, new Message().number(1, type).message(2, sizes)));
    }

    byte[] toBytes() {
        graph.message(1, node).text(2, "graph");
        return new Message().number(1, 8).message(7, graph).message(8, new Message().text(1, "").number(2, 17))
                .message(8, new Message().text(1, "com.microsoft").number(2, 1)).toBytes();
    }
}
