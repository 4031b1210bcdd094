package dev.longspan.classify;

import dev.longspan.autograd.Pass;
import dev.longspan.nn.Backbone;
import dev.longspan.op.Concat;
import dev.longspan.op.Views;
import dev.longspan.rmt.Head;
import dev.longspan.rmt.SpecialTokens;
import dev.longspan.rmt.TokenSource;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import java.util.List;

/**
 * An encoder that reads {@code [SEP] tokens [SEP] [CLS]} at once and is classified by [CLS]: which stands last, beside the question,
 * since a window shows it no more than that.
 */
public record WholeDocument(Backbone backbone, SpecialTokens special, Head head) implements Classifier {

    private static final int SPECIALS = 3;

    @Override
    public Tensor logits(Pass pass, List<? extends TokenSource> documents) {
        int length = Math.toIntExact(documents.getFirst().length());
        int rows = length + SPECIALS;
        long[] ids = new long[Math.toIntExact((long) documents.size() * rows)];
        long[] own = new long[length];
        for (int i = 0; i < documents.size(); i++) {
            if (documents.get(i).length() != length) {
                throw new IllegalArgumentException("documents must have one length: tokens=" + documents.get(i).length()
                        + ", first=" + length);
            }
            documents.get(i).read(0, own);
            int at = i * rows;
            ids[at] = special.sep();
            System.arraycopy(own, 0, ids, at + 1, length);
            ids[at + 1 + length] = special.sep();
            ids[at + 2 + length] = special.cls();
        }
        Tensor tokens = pass.allocateOnHost(DType.I64, documents.size(), rows).set(ids);
        Tensor hidden = backbone.hidden(pass, backbone.embed(pass, tokens), null, 0);
        Tensor last = Concat.apply(pass, 1, List.of(Views.slice(pass, hidden, 1, rows - 1L, rows)));
        return head.logits(pass, Views.reshape(pass, last, last.size(0), last.size(2)));
    }
}
