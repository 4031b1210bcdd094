package dev.longspan.recall;

import dev.longspan.autograd.Pass;
import dev.longspan.autograd.Workspace;
import dev.longspan.backend.Backend;
import dev.longspan.nn.LanguageModel;
import dev.longspan.parallel.Parallel;
import dev.longspan.rmt.RmtEncoder;
import dev.longspan.rmt.RmtState;
import dev.longspan.task.Sample;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.util.Arrays;
import java.util.List;

/** Documents of the same whole segments, read side by side a segment at a time. Serves one thread. */
final class DocumentStream {

    private final Reader reader;
    private final List<Sample> documents;
    private final long[] segment;
    private RmtState state;
    private double[] logits = {};

    /** What reads: shared by streams of one thread. */
    record Reader(Backend backend, Parallel parallel, Workspace workspace, RmtEncoder model) {

        DocumentStream start(TensorArena arena, List<Sample> documents) {
            return new DocumentStream(this, documents, model.start(arena, documents.size()));
        }
    }

    private DocumentStream(Reader reader, List<Sample> documents, RmtState state) {
        this.reader = reader;
        this.documents = documents;
        this.segment = new long[reader.model.config().segment()];
        this.state = state;
    }

    /** Tokens of each document that are read. */
    long position() {
        return state.position();
    }

    /** Reads the next segment of each document and returns the seconds that this took, making its tokens included. */
    double read() {
        long start = System.nanoTime();
        try (Pass pass = Pass.inference(reader.backend, reader.parallel, reader.workspace)) {
            Tensor tokens = pass.allocateOnHost(DType.I64, documents.size(), segment.length);
            for (int row = 0; row < documents.size(); row++) {
                documents.get(row).document().read(state.position(), segment);
                tokens.select(0, row).set(segment);
            }
            LanguageModel.Step<RmtState> step = reader.model.next(pass, state, tokens);
            state = step.state();
            logits = step.logits().reshape(-1).toDoubles();
        }
        return (System.nanoTime() - start) * 1e-9;
    }

    /** What the model would answer if the segment read last were the end. */
    RecallStory story(int row) {
        int classes = logits.length / documents.size();
        return RecallStory.of(documents.get(row), Arrays.copyOfRange(logits, row * classes, (row + 1) * classes));
    }
}
