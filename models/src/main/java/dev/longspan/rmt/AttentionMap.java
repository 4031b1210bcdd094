package dev.longspan.rmt;

import dev.longspan.autograd.Pass;
import dev.longspan.kernel.AttentionPattern;
import dev.longspan.longnet.LongNetEncoder;
import dev.longspan.nn.Backbone;
import dev.longspan.nn.SelfAttention;
import dev.longspan.nn.TransformerBlock;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.transformer.Bert;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.LongFunction;
import java.util.stream.IntStream;

/**
 * What the rows of one document's segment look at: {@code softmax(scale · q kᵀ)} of a layer, by head. The kernels keep no
 * probabilities; these are computed anew, in double, from the layer's own queries and keys. Arrays are [query][key].
 *
 * @param segment number among those of the document
 * @param layer from 0
 * @param labels of the rows, [PAD] left out: {@code [CLS] [mem 1] … [SEP] tokens [SEP]}
 * @param heads each head's probabilities; every row sums to 1
 */
@SuppressWarnings("ArrayRecordComponent") // compared by nobody
public record AttentionMap(int segment, int layer, List<String> labels, List<double[][]> heads) {

    public AttentionMap {
        labels = List.copyOf(labels);
        heads = List.copyOf(heads);
    }

    /** The mean over the heads. */
    public double[][] mean() {
        double[][] mean = new double[labels.size()][labels.size()];
        for (double[][] head : heads) {
            for (int q = 0; q < mean.length; q++) {
                for (int k = 0; k < mean.length; k++) {
                    mean[q][k] += head[q][k] / heads.size();
                }
            }
        }
        return mean;
    }

    /**
     * The maps of all layers for document {@code row} of a segment, in a pass that need not be the segment's.
     *
     * @param words the text of a token
     */
    public static List<AttentionMap> of(Pass pass, RmtEncoder model, Segment segment, int row, LongFunction<String> words) {
        int at = segment.rows().indexOf(row);
        if (at < 0) {
            throw new IllegalArgumentException("row must take part in the segment: row=" + row + ", rows=" + segment.rows());
        }
        long[] tokens = segment.tokens().get(at);
        List<String> labels = labels(model.config().memory(), tokens, words);
        // Nothing sees [PAD], so the segment without it is the same to all other rows.
        Tensor own = segment.embedded().slice(0, at, at + 1).slice(1, 0, labels.size());
        Tensor x = pass.allocate(own.dtype(), own.shape()).copyFrom(own);
        List<Tensor> states = states(pass, model.backbone(), x);
        List<TransformerBlock> blocks = encoder(model.backbone()).layers();
        List<AttentionMap> maps = new ArrayList<>();
        for (int layer = 0; layer < blocks.size(); layer++) {
            maps.add(new AttentionMap(segment.number(), layer, labels, heads(pass, blocks.get(layer), states.get(layer))));
        }
        return maps;
    }

    private static List<String> labels(int memory, long[] tokens, LongFunction<String> words) {
        List<String> labels = new ArrayList<>(List.of("[CLS]"));
        IntStream.rangeClosed(1, memory).forEach(i -> labels.add("[mem " + i + "]"));
        labels.add("[SEP]");
        Arrays.stream(tokens).forEach(token -> labels.add(words.apply(token)));
        labels.add("[SEP]");
        return labels;
    }

    private static LongNetEncoder encoder(Backbone backbone) {
        return switch (backbone) {
            case Bert bert -> bert.encoder();
            case LongNetEncoder encoder -> encoder;
            default -> throw new IllegalArgumentException("attention maps are of BERT and LongNet's encoder: backbone="
                    + backbone.getClass().getSimpleName());
        };
    }

    /** What enters each layer. */
    private static List<Tensor> states(Pass pass, Backbone backbone, Tensor embedded) {
        Tensor x = backbone instanceof Bert bert
                ? bert.typed(pass, embedded, pass.zeros(DType.I64, embedded.size(0), embedded.size(1))) : embedded;
        return encoder(backbone).states(pass, x, null, 0);
    }

    private static List<double[][]> heads(Pass pass, TransformerBlock block, Tensor x) {
        SelfAttention attention = block.attention();
        if (!(attention.plan().pattern() instanceof AttentionPattern.Dense)) {
            throw new IllegalArgumentException("attention maps need dense attention: pattern=" + attention.plan().pattern());
        }
        SelfAttention.Heads projected = attention.project(pass, block.normBefore() ? block.attentionNorm().apply(pass, x) : x, 0);
        return IntStream.range(0, attention.heads()).mapToObj(head -> probabilities(attention.plan().scale(),
                rows(projected.queries(), head), rows(projected.keys(), head))).toList();
    }

    /** A head's vectors out of [1, N, H, D]: [N][D]. */
    private static double[][] rows(Tensor vectors, int head) {
        Tensor own = vectors.select(0, 0).select(1, head);
        return IntStream.range(0, Math.toIntExact(own.size(0))).mapToObj(i -> own.select(0, i).toDoubles())
                .toArray(double[][]::new);
    }

    private static double[][] probabilities(double scale, double[][] queries, double[][] keys) {
        double[][] rows = new double[queries.length][keys.length];
        for (int q = 0; q < rows.length; q++) {
            double most = Double.NEGATIVE_INFINITY;
            for (int k = 0; k < keys.length; k++) {
                for (int i = 0; i < keys[k].length; i++) {
                    rows[q][k] += scale * queries[q][i] * keys[k][i];
                }
                most = Math.max(most, rows[q][k]);
            }
            double sum = 0;
            for (int k = 0; k < keys.length; k++) {
                rows[q][k] = Math.exp(rows[q][k] - most);
                sum += rows[q][k];
            }
            for (int k = 0; k < keys.length; k++) {
                rows[q][k] /= sum;
            }
        }
        return rows;
    }
}
