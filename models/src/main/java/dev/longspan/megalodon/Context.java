package dev.longspan.megalodon;

import dev.longspan.kernel.Documents;
import dev.longspan.kernel.Moments;
import dev.longspan.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * What surrounds the rows that a layer is given: nothing, or packed documents, or rows that do not count, or what the rows
 * before them left in a stream.
 *
 * @param documents where packed documents start
 * @param chunks the same cut into the chunks that attend to themselves
 * @param visible 0 hides a key: U8 [B, 1, N]
 * @param padding the same as nonzero rows that do not count: U8 [B, N]
 * @param memory what came before row 0
 * @param position of row 0
 */
record Context(@Nullable Documents documents, @Nullable Documents chunks, @Nullable Tensor visible, @Nullable Tensor padding,
        @Nullable Memory memory, long position) {

    /** One whole sequence. */
    static final Context WHOLE = new Context(null, null, null, null, null, 0);

    static Context packed(Documents documents, long chunk, long rows) {
        return new Context(documents, documents.pieces(chunk, rows), null, null, null, 0);
    }

    static Context padded(Tensor visible, Tensor padding) {
        return new Context(null, null, visible, padding, null, 0);
    }

    static Context after(Memory memory, long position) {
        return new Context(null, null, null, null, memory, position);
    }

    @Nullable Moments moments() {
        return memory == null ? null : memory.moments();
    }

    @Nullable Tensor average() {
        return memory == null ? null : memory.average();
    }
}
