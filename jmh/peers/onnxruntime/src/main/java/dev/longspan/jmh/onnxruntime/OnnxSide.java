package dev.longspan.jmh.onnxruntime;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OnnxValue;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import dev.longspan.jmh.Side;
import dev.longspan.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/** A session that reads the task's operands and writes its answers where they are. */
final class OnnxSide implements Side {

    private final OrtEnvironment environment = OrtEnvironment.getEnvironment();
    private final OrtSession session;
    private final Map<String, OnnxTensor> inputs = new LinkedHashMap<>();
    private final Map<String, OnnxValue> outputs = new LinkedHashMap<>();

    OnnxSide(Model model, int threads) {
        try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
            options.setIntraOpNumThreads(threads);
            options.setInterOpNumThreads(1);
            options.setOptimizationLevel(OrtSession.SessionOptions.OptLevel.ALL_OPT);
            // Threads that spin would slow the other sides' turns.
            options.addConfigEntry("session.intra_op.allow_spinning", threads == 1 ? "0" : "1");
            session = environment.createSession(model.toBytes(), options);
        } catch (OrtException e) {
            throw refused(e);
        }
    }

    OnnxSide input(String name, Tensor tensor, long... shape) {
        inputs.put(name, floats(tensor, shape));
        return this;
    }

    OnnxSide integers(String name, int value, long... shape) {
        try {
            inputs.put(name, OnnxTensor.createTensor(environment, IntBuffer.wrap(new int[] {value}), shape));
        } catch (OrtException e) {
            throw refused(e);
        }
        return this;
    }

    OnnxSide output(String name, Tensor tensor, long... shape) {
        outputs.put(name, floats(tensor, shape));
        return this;
    }

    private OnnxTensor floats(Tensor tensor, long... shape) {
        MemorySegment memory = tensor.segment().asSlice(tensor.offset() * Float.BYTES, tensor.elements() * Float.BYTES);
        FloatBuffer buffer = memory.asByteBuffer().order(ByteOrder.nativeOrder()).asFloatBuffer();
        try {
            return OnnxTensor.createTensor(environment, buffer, shape);
        } catch (OrtException e) {
            throw refused(e);
        }
    }

    @Override
    public double seconds(int times) {
        long start = System.nanoTime();
        for (int i = 0; i < times; i++) {
            answer();
        }
        return (System.nanoTime() - start) * 1e-9;
    }

    @Override
    public void answer() {
        try {
            session.run(inputs, Set.of(), outputs).close();
        } catch (OrtException e) {
            throw refused(e);
        }
    }

    private static UnsupportedOperationException refused(OrtException e) {
        return new UnsupportedOperationException("ONNX Runtime: " + e.getMessage(), e);
    }

    @Override
    public void close() {
        inputs.values().forEach(OnnxTensor::close);
        outputs.values().forEach(OnnxValue::close);
        try {
            session.close();
        } catch (OrtException e) {
            throw refused(e);
        }
    }
}
