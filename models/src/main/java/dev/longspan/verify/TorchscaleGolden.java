package dev.longspan.verify;

import dev.longspan.kernel.AttentionPattern.Dilated;
import dev.longspan.longnet.ConfigKeys;
import dev.longspan.longnet.LongNetConfig;
import dev.longspan.longnet.TorchscaleNames;
import dev.longspan.nn.Parameters;
import dev.longspan.tensor.Tensor;
import java.util.List;
import java.util.Map;

/** What the cases of torchscale's models share: the settings as configuration, weights under {@code w.}, hidden states. */
final class TorchscaleGolden {

    private static final String TABLE = "embed_tokens.weight";
    private static final String TIED = "output_projection.weight";

    private TorchscaleGolden() {
    }

    /** The model that the settings describe, in a variant, as torchscale's evaluation mode runs it. */
    static LongNetConfig config(GoldenCase golden, ConfigKeys keys, Variant variant) {
        LongNetConfig config = keys.read(golden.settings());
        LongNetConfig.Norms norms = config.norms();
        // torchscale has the last norm only where norms stand before, whatever final_layer_norm says.
        boolean last = norms.before() ? norms.last() : golden.has("w.layer_norm.weight");
        if (!(config.pattern() instanceof Dilated dilated)) {
            throw new IllegalArgumentException("config.attention must be dilated: attention=" + config.pattern());
        }
        return config.withPattern(variant.dilated(dilated.schedule())).withGradient(variant.gradient())
                .withDropouts(LongNetConfig.Dropouts.NONE).withNorms(new LongNetConfig.Norms(norms.before(), norms.deep(),
                        norms.inner(), last, norms.embedding(), norms.eps()));
    }

    static Parameters weights(GoldenCase golden, LongNetConfig config, Variant variant, Machine machine) {
        if (config.tiedOutput()) {
            golden.checkTied("w." + TABLE, "w." + TIED, variant.dtype(), machine.arena());
        }
        return golden.weights("w.", TorchscaleNames.MAP::toForeign, variant.dtype(), machine.arena());
    }

    /** Embeddings as {@code h.0} and the output of each layer behind them. */
    static void addStates(List<Tensor> states, Map<String, Values> results) {
        for (int i = 0; i < states.size(); i++) {
            results.put("h." + i, Values.of(states.get(i)));
        }
    }

    /** The gradients of all weights; that of a tied table under both of its names. */
    static void addGradients(ModelPass run, LongNetConfig config, Map<String, Values> results) {
        run.addGradients(results);
        Values table = results.get("g." + TABLE);
        if (config.tiedOutput() && table != null) {
            results.put("g." + TIED, table);
        }
    }
}
