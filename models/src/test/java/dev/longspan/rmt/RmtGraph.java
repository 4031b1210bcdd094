package dev.longspan.rmt;

import dev.longspan.autograd.Pass;
import dev.longspan.autograd.Workspace;
import dev.longspan.backend.Backend;
import dev.longspan.kernel.cuda.CudaGraph;
import dev.longspan.kernel.cuda.CudaSpace;
import dev.longspan.longnet.LongNet;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import dev.longspan.transformer.Gpt2;
import java.util.Arrays;

/** A decoder's whole loop over segments as one graph of a device, in a JVM of its own: prints what it found, a line each. */
final class RmtGraph {

    private static final int VOCABULARY = 20;
    private static final int TOKENS = 13; // segments of 5, 5 and 3

    private RmtGraph() {
    }

    public static void main(String[] arguments) {
        Backend cuda = Backend.named("cuda");
        try (TensorArena arena = new TensorArena(cuda.space()); Workspace workspace = new Workspace(cuda.space(), 1 << 20)) {
            LongNet backbone = LongNet.create(Gpt2.of(VOCABULARY, 12, 2, 2, 14, 31), arena, DType.F32, 5);
            RmtDecoder model = RmtDecoder.create(Rmts.DECODER, backbone, 0.5, arena, 7);
            long[] ids = new long[2 * TOKENS];
            Arrays.setAll(ids, i -> i * 7 % VOCABULARY);
            Tensor tokens = arena.allocateOnHost(DType.I64, 2, TOKENS).set(ids);
            Tensor logits = arena.allocate(DType.F32, 2, TOKENS, VOCABULARY);
            Runnable loop = () -> {
                try (Pass pass = Pass.inference(cuda, Parallel.of(1), workspace)) {
                    logits.copyFrom(model.logits(pass, tokens));
                }
            };
            loop.run();
            float[] first = logits.toFloats();
            try (CudaGraph graph = CudaGraph.record((CudaSpace) cuda.space(), loop)) {
                logits.fill(Double.NaN);
                graph.launch();
                System.out.println("recorded: " + Arrays.equals(logits.toFloats(), first));
                model.memory().fill(0.25);
                graph.launch();
                float[] second = logits.toFloats();
                loop.run();
                System.out.println("with another memory: " + Arrays.equals(logits.toFloats(), second));
                System.out.println("which changed: " + !Arrays.equals(first, second));
            }
        }
    }
}
