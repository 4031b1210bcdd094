package dev.longspan.train;

import dev.longspan.autograd.Pass;
import dev.longspan.autograd.Workspace;
import dev.longspan.backend.Backend;
import dev.longspan.nn.LanguageModel;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.text.Passage;
import java.util.ArrayList;
import java.util.List;

/** Measures what held-out text costs a model, in bits. Serves one thread at a time. */
public final class Evaluator implements AutoCloseable {

    /** Ends of the position buckets; each further one is twice as far. */
    private static final long FIRST_END = 1024;
    private static final long SECOND_END = 4096;

    private final Backend backend;
    private final LanguageModel<?> model;
    private final Workspace workspace;

    public Evaluator(Backend backend, LanguageModel<?> model) {
        this.backend = backend;
        this.workspace = new Workspace(backend.space());
        this.model = model;
    }

    /** Bits per byte over all passages, each read at once. */
    public double bitsPerByte(Parallel parallel, List<Passage> passages) {
        double bits = 0;
        long bytes = 0;
        for (Passage passage : passages) {
            for (double cost : bits(parallel, passage)) {
                bits += cost;
            }
            bytes += passage.length();
        }
        return bits / bytes;
    }

    /** Bits by position, and what the bytes beyond {@code cut} cost when the context is cut to that many bytes. */
    public HeldOutBits measure(Parallel parallel, List<Passage> passages, int cut) {
        int longest = passages.stream().mapToInt(Passage::length).max().orElse(0);
        List<Long> ends = ends(longest);
        double[] bits = new double[ends.size()];
        long[] bytes = new long[ends.size()];
        double beyond = 0;
        double whenCut = 0;
        long beyondBytes = 0;
        for (Passage passage : passages) {
            double[] costs = bits(parallel, passage);
            for (int i = 0, bucket = 0; i < costs.length; i++) {
                bucket += i >= ends.get(bucket) ? 1 : 0;
                bits[bucket] += costs[i];
                bytes[bucket]++;
                beyond += i >= cut ? costs[i] : 0;
            }
            beyondBytes += Math.max(0, costs.length - cut);
            whenCut += bitsWhenCut(parallel, passage, cut);
        }
        List<PositionBits> positions = new ArrayList<>();
        for (int b = 0; b < bits.length; b++) {
            positions.add(new PositionBits(b == 0 ? 0 : ends.get(b - 1), ends.get(b), bytes[b], bits[b]));
        }
        return new HeldOutBits(longest, positions, cut, beyondBytes, beyond, whenCut);
    }

    /** Windows of {@code cut} bytes, half overlapping; of each only its second half counts, and only from position cut on. */
    private double bitsWhenCut(Parallel parallel, Passage passage, int cut) {
        int stride = Math.max(1, cut / 2);
        double bits = 0;
        for (int counted = cut; counted < passage.length(); counted += stride) {
            int end = Math.min(passage.length(), counted + stride);
            int start = counted - (cut - stride);
            double[] costs = bits(parallel, new Passage(passage.document(), passage.from() + start, passage.from() + end));
            for (int i = counted - start; i < costs.length; i++) {
                bits += costs[i];
            }
        }
        return bits;
    }

    private double[] bits(Parallel parallel, Passage passage) {
        try (Pass pass = Pass.inference(backend, parallel, workspace)) {
            Tensor inputs = pass.allocateOnHost(DType.I32, 1, passage.length()).set(passage.inputs());
            Tensor targets = pass.allocateOnHost(DType.I32, 1, passage.length()).set(passage.targets());
            double[] costs = model.losses(pass, inputs, targets).toDoubles();
            for (int i = 0; i < costs.length; i++) {
                costs[i] /= Math.log(2);
            }
            return costs;
        }
    }

    private static List<Long> ends(int longest) {
        List<Long> ends = new ArrayList<>(List.of(FIRST_END));
        while (ends.getLast() < longest) {
            ends.add(ends.size() == 1 ? SECOND_END : 2 * ends.getLast());
        }
        return ends;
    }

    @Override
    public void close() {
        workspace.close();
    }
}
