package dev.longspan.rmt;

import dev.longspan.autograd.Checkpoints;
import dev.longspan.json.JsonObject;
import dev.longspan.model.Architecture;
import dev.longspan.model.Architectures;
import dev.longspan.model.BackboneBlueprint;
import dev.longspan.model.Blueprint;
import dev.longspan.model.ModelPlan;
import dev.longspan.nn.Parameters;
import dev.longspan.nn.StreamingBackbone;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The recurrent memory around a language model of another architecture, as the command line and model folders know it: keys of
 * its own, and config.json of what it is put around as one more key, "backbone".
 *
 * @param backbones what the memory can be put around; a preset's is the first unless its name says otherwise
 */
public record RmtArchitecture(Architectures backbones) implements Architecture {

    public static final String NAME = "rmt";

    /** Rows of a preset's segment with its memory, in a context of several such. */
    private static final int ROWS = 512;
    /** Segments of a preset in a shorter context. */
    private static final int SEGMENTS = 4;

    @Override
    public String name() {
        return NAME;
    }

    /** Each size over the first backbone, and over those that have it by name, such as {@code tiny-megalodon}. */
    @Override
    public List<String> presets() {
        return Stream.of(Size.values()).flatMap(size -> Stream.concat(Stream.of(size.name()), backbones.all().stream()
                .filter(backbone -> backbone.presets().contains(size.name()))
                .map(backbone -> size.name() + "-" + backbone.name()))).toList();
    }

    private enum Size {
        tiny(8), small(16);

        private final int memory;

        Size(int memory) {
            this.memory = memory;
        }
    }

    /** 8 or 16 vectors; segments that with them have 512 rows, or a quarter of a shorter context. */
    @Override
    public Map<String, @Nullable Object> preset(String preset, long context, long vocabulary) {
        if (!presets().contains(preset)) {
            throw new IllegalArgumentException("preset must be one of " + String.join(", ", presets()) + ": preset=" + preset);
        }
        String[] parts = preset.split("-", 2);
        Size size = Size.valueOf(parts[0]);
        Architecture backbone = parts.length == 1 ? backbones.all().getFirst() : backbones.named(parts[1]);
        int segment = (int) Math.clamp(context / SEGMENTS, size.memory, ROWS - 2L * size.memory);
        Map<String, @Nullable Object> inner = new LinkedHashMap<>();
        inner.put(KEY, backbone.name());
        inner.putAll(backbone.preset(size.name(), segment + 2L * size.memory, vocabulary));
        return RmtKeys.write(RmtConfig.decoder(size.memory, segment), inner);
    }

    @Override
    public Wrapped read(Map<String, @Nullable Object> config) {
        JsonObject json = JsonObject.of("config", config);
        RmtConfig own = RmtKeys.read(json);
        JsonObject inner = json.object(RmtKeys.BACKBONE);
        json.rejectUnread();
        Map<String, @Nullable Object> settings = new LinkedHashMap<>(inner.values());
        settings.remove(KEY);
        if (!(backbones.named(inner.text(KEY)).read(settings) instanceof BackboneBlueprint backbone)) {
            throw new IllegalArgumentException("the memory needs a backbone to be put around: backbone=" + inner.text(KEY));
        }
        return new Wrapped(own, backbone);
    }

    /** Builds decoders of a configuration. */
    public record Wrapped(RmtConfig config, BackboneBlueprint backbone) implements Blueprint {

        public Wrapped {
            RmtDecoder.checkRows(config, config.segment() + 2L * config.memory(), backbone.maxRows());
        }

        @Override
        public long vocabulary() {
            return backbone.vocabulary();
        }

        @Override
        public String shape() {
            return config.memory() + " memory vectors, segments of " + config.segment() + " over " + backbone.shape();
        }

        @Override
        public ModelPlan plan(long context, long batch, DType dtype) {
            return new RmtCosts(config, backbone, context, batch, dtype).plan();
        }

        @Override
        public RmtDecoder build(Parameters parameters) {
            return new RmtDecoder(config, backbone.build(parameters.within(RmtKeys.BACKBONE)),
                    parameters.get("memory", config.memory(), backbone.width()));
        }

        /** {@inheritDoc} The memory starts with the deviation of the embeddings, as in the released code. */
        @Override
        public RmtDecoder create(TensorArena arena, long seed) {
            StreamingBackbone<?> model = backbone.create(arena, seed);
            return RmtDecoder.create(config, model, deviation(Objects.requireNonNull(
                    model.parameters().get("embedding.weight"))), arena, seed);
        }

        private static double deviation(Tensor table) {
            double[] values = table.toDoubles();
            double mean = Arrays.stream(values).average().orElseThrow();
            return Math.sqrt(Arrays.stream(values).map(value -> (value - mean) * (value - mean)).sum() / (values.length - 1));
        }

        /** {@inheritDoc} A segment at a time: of each, its memory and logits stay. */
        @Override
        public Wrapped withCheckpoints(Checkpoints kept) {
            if (kept == Checkpoints.BF16) {
                throw new IllegalArgumentException("a recurrent memory keeps memory and logits of a segment, and rounds neither: "
                        + "checkpoints=" + kept);
            }
            return new Wrapped(config.withRecompute(kept == Checkpoints.EXACT), backbone);
        }
    }
}
