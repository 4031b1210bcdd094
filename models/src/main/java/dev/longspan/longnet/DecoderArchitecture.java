package dev.longspan.longnet;

import dev.longspan.autograd.Checkpoints;
import dev.longspan.model.Architecture;
import dev.longspan.model.BackboneBlueprint;
import dev.longspan.model.ModelPlan;
import dev.longspan.nn.Parameters;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.TensorArena;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The decoder as one architecture, as the command line and model folders know it. */
public record DecoderArchitecture(String name, List<String> presets, Preset configs) implements Architecture {

    /** LongNet: from the preset's shortest segment on a geometric schedule that spans the context. */
    public static final DecoderArchitecture LONGNET = like("longnet", (preset, context) ->
            preset.withSchedule(SchedulePlan.geometric(context, preset.heads(),
                    Math.min(preset.shortestSegment(), Math.max(1, context)), 2).schedule()));

    /** The configuration that a preset's name stands for. */
    @FunctionalInterface
    public interface Preset {
        LongNetConfig of(String name, long context, long vocabulary);
    }

    /** A LongNet preset with a pattern that suits a context. */
    @FunctionalInterface
    public interface Suited {
        LongNetConfig to(LongNetConfig preset, long context);
    }

    public DecoderArchitecture {
        presets = List.copyOf(presets);
    }

    /** LongNet's presets with another pattern. */
    public static DecoderArchitecture like(String name, Suited suited) {
        return new DecoderArchitecture(name, LongNetConfig.presets(), (preset, context, vocabulary) ->
                suited.to(LongNetConfig.preset(preset, vocabulary), context));
    }

    @Override
    public Map<String, @Nullable Object> preset(String preset, long context, long vocabulary) {
        return ConfigKeys.DECODER.write(configs.of(preset, context, vocabulary));
    }

    @Override
    public Decoder read(Map<String, @Nullable Object> config) {
        return new Decoder(ConfigKeys.DECODER.read(config), Checkpoints.NONE);
    }

    /** Builds decoders of a configuration. */
    public record Decoder(LongNetConfig config, Checkpoints checkpoints) implements BackboneBlueprint {

        @Override
        public long vocabulary() {
            return config.vocabulary();
        }

        @Override
        public long width() {
            return config.width();
        }

        @Override
        public long maxRows() {
            return Body.maxRows(config);
        }

        @Override
        public String shape() {
            return config.layers() + " layers of width " + config.width() + ", " + config.heads() + " heads";
        }

        @Override
        public ModelPlan hiddenPlan(long rows, long batch, DType dtype) {
            return LongNetPlan.hidden(config, rows, batch, dtype, checkpoints);
        }

        @Override
        public ModelPlan plan(long context, long batch, DType dtype) {
            return LongNetPlan.of(config, context, batch, dtype, checkpoints);
        }

        @Override
        public LongNet build(Parameters parameters) {
            return LongNet.of(config, parameters).withCheckpoints(checkpoints);
        }

        @Override
        public LongNet create(TensorArena arena, long seed) {
            return LongNet.create(config, arena, DType.F32, seed).withCheckpoints(checkpoints);
        }

        @Override
        public Decoder withCheckpoints(Checkpoints kept) {
            return new Decoder(config, kept);
        }
    }
}
