package dev.longspan.megalodon;

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

/** MEGALODON with some parts or all of them, as the command line and model folders know it. */
public record MegalodonArchitecture(String name, MegalodonConfig.Parts parts) implements Architecture {

    public static final MegalodonArchitecture MEGALODON =
            new MegalodonArchitecture("megalodon", MegalodonConfig.Parts.MEGALODON);

    /** The same without what MEGALODON added to MEGA. */
    public static final MegalodonArchitecture MEGA = new MegalodonArchitecture("mega", MegalodonConfig.Parts.MEGA);

    @Override
    public List<String> presets() {
        return MegalodonConfig.presets();
    }

    @Override
    public Map<String, @Nullable Object> preset(String preset, long context, long vocabulary) {
        return MegalodonKeys.write(MegalodonConfig.preset(preset, vocabulary).withParts(parts));
    }

    @Override
    public Stack read(Map<String, @Nullable Object> config) {
        return new Stack(MegalodonKeys.read(config), Checkpoints.NONE);
    }

    /** Builds models of a configuration. */
    public record Stack(MegalodonConfig config, Checkpoints checkpoints) implements BackboneBlueprint {

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
            return Long.MAX_VALUE;
        }

        @Override
        public String shape() {
            return config.layers() + " layers of width " + config.width() + ", " + config.heads() + " heads, chunks of "
                    + config.chunk();
        }

        @Override
        public ModelPlan hiddenPlan(long rows, long batch, DType dtype) {
            return new MegalodonPlan(config, rows, batch, dtype).hidden(checkpoints);
        }

        @Override
        public ModelPlan plan(long context, long batch, DType dtype) {
            return new MegalodonPlan(config, context, batch, dtype).plan(checkpoints);
        }

        @Override
        public Megalodon build(Parameters parameters) {
            return Megalodon.of(config, parameters).withCheckpoints(checkpoints);
        }

        @Override
        public Megalodon create(TensorArena arena, long seed) {
            return Megalodon.create(config, arena, DType.F32, seed).withCheckpoints(checkpoints);
        }

        @Override
        public Stack withCheckpoints(Checkpoints kept) {
            return new Stack(config, kept);
        }
    }
}
