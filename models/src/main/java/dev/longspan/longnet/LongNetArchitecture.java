package dev.longspan.longnet;

import dev.longspan.model.Architecture;
import dev.longspan.model.Blueprint;
import dev.longspan.nn.Parameters;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.TensorArena;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** LongNet as the command line and model folders know it. */
public final class LongNetArchitecture implements Architecture {

    /** The architecture {@code longnet}. */
    public LongNetArchitecture() {
    }

    @Override
    public String name() {
        return "longnet";
    }

    @Override
    public List<String> presets() {
        return LongNetConfig.presets();
    }

    /** A preset with the paper's sizes and a geometric schedule that spans the context, as far as its heads have phases. */
    @Override
    public Map<String, @Nullable Object> preset(String preset, long context, long vocabulary) {
        LongNetConfig config = LongNetConfig.preset(preset, vocabulary);
        return ConfigKeys.DECODER.write(config.withSchedule(
                SchedulePlan.geometric(context, config.heads()).schedule()));
    }

    @Override
    public Blueprint read(Map<String, @Nullable Object> config) {
        return new Decoder(ConfigKeys.DECODER.read(config));
    }

    /** Builds LongNets of a configuration. */
    public record Decoder(LongNetConfig config) implements Blueprint {

        @Override
        public long vocabulary() {
            return config.vocabulary();
        }

        @Override
        public LongNet build(Parameters parameters) {
            return LongNet.of(config, parameters);
        }

        @Override
        public LongNet create(TensorArena arena, long seed) {
            return LongNet.create(config, arena, DType.F32, seed);
        }
    }
}
