package dev.longspan.longnet;

import dev.longspan.model.Architecture;
import dev.longspan.model.Blueprint;
import dev.longspan.nn.Parameters;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.TensorArena;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The decoder under one pattern, as the command line and model folders know it. */
public record DecoderArchitecture(String name, Suited suited) implements Architecture {

    /** LongNet: from the preset's shortest segment on a geometric schedule that spans the context. */
    public static final DecoderArchitecture LONGNET = new DecoderArchitecture("longnet", (preset, context) ->
            preset.withSchedule(SchedulePlan.geometric(context, preset.heads(),
                    Math.min(preset.shortestSegment(), Math.max(1, context)), 2).schedule()));

    /** A preset with a pattern that suits a context. */
    @FunctionalInterface
    public interface Suited {
        LongNetConfig to(LongNetConfig preset, long context);
    }

    @Override
    public List<String> presets() {
        return LongNetConfig.presets();
    }

    @Override
    public Map<String, @Nullable Object> preset(String preset, long context, long vocabulary) {
        return ConfigKeys.DECODER.write(suited.to(LongNetConfig.preset(preset, vocabulary), context));
    }

    @Override
    public Decoder read(Map<String, @Nullable Object> config) {
        return new Decoder(ConfigKeys.DECODER.read(config), false);
    }

    /** Builds decoders of a configuration. */
    public record Decoder(LongNetConfig config, boolean recompute) implements Blueprint {

        @Override
        public long vocabulary() {
            return config.vocabulary();
        }

        @Override
        public LongNet build(Parameters parameters) {
            return LongNet.of(config, parameters).withRecompute(recompute);
        }

        @Override
        public LongNet create(TensorArena arena, long seed) {
            return LongNet.create(config, arena, DType.F32, seed).withRecompute(recompute);
        }

        @Override
        public Decoder recomputing() {
            return new Decoder(config, true);
        }
    }
}
