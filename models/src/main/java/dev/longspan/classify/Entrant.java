package dev.longspan.classify;

import dev.longspan.kernel.AttentionPattern;
import dev.longspan.kernel.Rotary;
import dev.longspan.longnet.LongNetConfig;
import dev.longspan.longnet.LongNetEncoder;
import dev.longspan.longnet.Rotation;
import dev.longspan.rmt.Head;
import dev.longspan.rmt.RmtConfig;
import dev.longspan.rmt.RmtEncoder;
import dev.longspan.rmt.SpecialTokens;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.TensorArena;
import dev.longspan.transformer.Bert;

/** How a document is read. All have the same layers; positions are learned within a segment, and rotary in whole documents. */
public enum Entrant {
    /** Segment by segment, with a memory. */
    RMT,
    /** Every row sees all others. */
    DENSE,
    /** Every row sees its own block of a segment's length and the one on either side. */
    WINDOW;

    /**
     * The layers, and how the memory is cut.
     *
     * @param input rows of a segment, memory and special tokens among them; the block of the window
     */
    public record Sizes(long vocabulary, SpecialTokens special, int classes, int width, int heads, int layers, int feedForward,
            int memory, int input) {
    }

    /** A new model of these sizes in the arena. */
    public Classifier create(Sizes sizes, TensorArena arena, long seed) {
        LongNetConfig bert = Bert.of(sizes.vocabulary, sizes.width, sizes.heads, sizes.layers, sizes.feedForward, sizes.input);
        Head head = Head.create(sizes.width, sizes.classes, 0, arena, DType.F32, seed);
        if (this == RMT) {
            return new Recurrent(RmtEncoder.create(RmtConfig.encoder(sizes.memory, sizes.input), sizes.special,
                    Bert.create(bert, 2, arena, DType.F32, seed), head, arena, seed));
        }
        LongNetConfig whole = bert.withPositions(new Rotation.Rope(10000, Rotary.Pairs.HALVES), 0);
        return new WholeDocument(LongNetEncoder.create(this == DENSE ? whole
                : whole.withPattern(new AttentionPattern.BlockLocal(sizes.input, 1, 1)), arena, DType.F32, seed), sizes.special, head);
    }
}
