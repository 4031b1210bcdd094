package dev.longspan.cli;

import dev.longspan.autograd.Checkpoints;
import dev.longspan.backend.Backend;
import dev.longspan.kernel.AttentionPattern.Dilated;
import dev.longspan.longnet.DecoderArchitecture.Decoder;
import dev.longspan.longnet.LongNetConfig;
import dev.longspan.longnet.SchedulePlan;
import dev.longspan.model.Architecture;
import dev.longspan.model.Blueprint;
import dev.longspan.model.ModelConfig;
import dev.longspan.model.ModelPlan;
import dev.longspan.rmt.RmtArchitecture;
import dev.longspan.rmt.RmtFlops;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.NativeBudget;
import dev.longspan.tensor.OutOfNativeMemoryException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** What a model costs, before anything is allocated. */
@Command(
        name = "plan",
        header = "Say what a model costs in parameters, FLOPs and bytes, and what its schedule reaches; allocates nothing.",
        description = {"", "Exit status 4 if the total does not fit --max-memory (or what the machine leaves).", ""},
        footer = {"", "Examples:", "  longspan plan --preset 125M --context 32k --training",
            "  longspan plan --preset 2.7B --context 1m --max-memory 64g --schedule paper",
            "  longspan plan --arch megalodon --preset mega7.3B --vocabulary 32000 --context 32k",
            "  longspan plan --arch rmt", "  longspan plan --arch rmt --preset tiny --training --recompute",
            "  longspan plan --arch rmt --preset OPT-175B --context 1m --segment 1024"})
final class PlanCommand implements Callable<Integer> {

    /** Layers whose reach is shown, at most. */
    private static final int DEPTHS = 6;

    /** Which segments and dilations. */
    enum Schedule {
        geometric, paper
    }

    /** 4,096 segments of 512: the paper's two million tokens. */
    private static final long PAPER_CONTEXT = 4096 * 512;

    @ParentCommand
    private Main main;

    @Spec
    private CommandSpec spec;

    @Option(names = "--preset", defaultValue = "tiny", paramLabel = "NAME",
            description = "Size of the model, see below (default: ${DEFAULT-VALUE}).")
    private String preset = "tiny";

    @Option(names = "--arch", defaultValue = "longnet", paramLabel = "NAME",
            description = "Architecture, see below (default: ${DEFAULT-VALUE}); rmt without one of its presets is compared "
                    + "with full attention in FLOPs: --preset OPT-125M … OPT-175B or sizes V/L/d/f/h, all of OPT without.")
    private String architecture = "longnet";

    @Option(names = "--vocabulary", defaultValue = "256", paramLabel = "N",
            description = "Token ids (default: ${DEFAULT-VALUE}, bytes).")
    private long vocabulary;

    @Option(names = "--context", defaultValue = "8k", paramLabel = "N", converter = ByteSize.class,
            description = "Tokens of one sequence (default: ${DEFAULT-VALUE}).")
    private long context;

    @Option(names = "--segment", defaultValue = "512", paramLabel = "N",
            description = "Rows of a segment of rmt in that comparison (default: ${DEFAULT-VALUE}).")
    private int segment;

    @Option(names = "--memory", defaultValue = "10", paramLabel = "N",
            description = "Memory vectors of rmt in that comparison (default: ${DEFAULT-VALUE}).")
    private int memory;

    @Option(names = "--batch", defaultValue = "1", paramLabel = "N", description = "Sequences (default: ${DEFAULT-VALUE}).")
    private long batch;

    @Option(names = "--dtype", defaultValue = "F32", paramLabel = "DTYPE", description = "F32 or F64 (default: ${DEFAULT-VALUE}).")
    private DType dtype = DType.F32;

    @Option(names = "--schedule", defaultValue = "geometric", paramLabel = "geometric|paper",
            description = "LongNet's schedule: w = 2048·2^i, r = 2^i up to the context, or the paper's (default: ${DEFAULT-VALUE}).")
    private Schedule schedule = Schedule.geometric;

    @Option(names = "--training", description = "Plan a training step instead of a forward pass.")
    private boolean training;

    @Mixin
    private RecomputeOption recompute = new RecomputeOption();

    @Override
    public Integer call() {
        if (architecture.equals(RmtArchitecture.NAME)
                && !(given("--preset") && main.architectures().named(architecture).presets().contains(preset))) {
            List<RmtFlops> models = given("--preset") ? List.of(RmtFlops.named(preset)) : RmtFlops.OPT;
            Map<String, @Nullable Object> compared =
                    new RmtPlan(given("--context") ? context : PAPER_CONTEXT, segment, memory).print(main.output(), models);
            main.output().result(compared);
            return ExitStatus.OK;
        }
        Backend backend = main.backend();
        backend.checkComputes(dtype);
        Blueprint blueprint = blueprint();
        ModelPlan plan = blueprint.plan(context, batch, dtype);
        Output output = main.output();
        long needed = training ? plan.trainingTotalBytes() : plan.weightBytes() + plan.inferenceBytes();
        output.line("%s %s: %s; context %,d, batch %d, %s, backend %s", architecture, preset, blueprint.shape(), context, batch,
                dtype, backend.name());
        print(output, plan, needed);
        Map<String, @Nullable Object> figures = figures(plan, needed);
        if (blueprint instanceof Decoder decoder && decoder.config().pattern() instanceof Dilated dilated) {
            figures.put("schedule", schedule(output, decoder.config(), new SchedulePlan(context, decoder.config().heads(),
                    dilated.schedule(), dilated.offset())));
        }
        output.result(figures);
        long limit = NativeBudget.process().limitBytes();
        if (needed > limit) {
            throw new OutOfNativeMemoryException("this does not fit the memory budget: needed=" + ByteSize.text(needed)
                    + ", limit=" + ByteSize.text(limit) + " (--max-memory)");
        }
        return ExitStatus.OK;
    }

    private boolean given(String option) {
        return spec.commandLine().getParseResult().hasMatchedOption(option);
    }

    private Blueprint blueprint() {
        Architecture kind = main.architectures().named(architecture);
        Blueprint blueprint = scheduled(ModelConfig.of(kind, kind.preset(preset, context, vocabulary)).blueprint());
        return blueprint.withCheckpoints(recompute.checkpoints().orElse(Checkpoints.NONE));
    }

    private Blueprint scheduled(Blueprint blueprint) {
        if (schedule == Schedule.geometric) {
            return blueprint;
        }
        if (blueprint instanceof Decoder decoder && decoder.config().pattern() instanceof Dilated) {
            return new Decoder(decoder.config().withSchedule(LongNetConfig.PAPER_SCHEDULE), Checkpoints.NONE);
        }
        throw new IllegalArgumentException("only dilated attention has a schedule: arch=" + architecture + ", schedule="
                + schedule);
    }

    private void print(Output output, ModelPlan plan, long needed) {
        output.line("parameters   %,d", plan.parameters());
        output.line("forward      %s", flops(plan.forward()));
        output.line("weights      %s", ByteSize.text(plan.weightBytes()));
        if (training) {
            output.line("backward     %s", flops(plan.backward()));
            output.line("gradients    %s", ByteSize.text(plan.gradientBytes()));
            output.line("moments      %s", ByteSize.text(plan.optimizerBytes()));
            output.line("activations  %s", ByteSize.text(plan.trainingBytes()));
        } else {
            output.line("activations  %s (the whole context at once)", ByteSize.text(plan.inferenceBytes()));
            output.line("state        %s after the whole context, when it is read in chunks%s", ByteSize.text(plan.stateBytes()),
                    plan.cacheBytes() == 0 ? "" : "; " + ByteSize.text(withHalfCaches(plan)) + " with --caches bf16");
        }
        output.line("total        %s of %s", ByteSize.text(needed), ByteSize.text(NativeBudget.process().limitBytes()));
    }

    private static long withHalfCaches(ModelPlan plan) {
        return plan.stateBytes() - plan.cacheBytes() / 2;
    }

    private static Map<String, @Nullable Object> figures(ModelPlan plan, long needed) {
        Map<String, @Nullable Object> figures = new LinkedHashMap<>();
        figures.put("parameters", plan.parameters());
        figures.put("forward_flops", plan.forward().total());
        figures.put("forward_flops_by_kind", byKind(plan.forward()));
        figures.put("backward_flops", plan.backward().total());
        figures.put("backward_flops_by_kind", byKind(plan.backward()));
        figures.put("weight_bytes", plan.weightBytes());
        figures.put("gradient_bytes", plan.gradientBytes());
        figures.put("optimizer_bytes", plan.optimizerBytes());
        figures.put("inference_bytes", plan.inferenceBytes());
        figures.put("training_bytes", plan.trainingBytes());
        figures.put("state_bytes", plan.stateBytes());
        figures.put("state_bytes_with_bf16_caches", withHalfCaches(plan));
        figures.put("total_bytes", needed);
        figures.put("limit_bytes", NativeBudget.process().limitBytes());
        return figures;
    }

    private static Map<String, Double> byKind(ModelPlan.Work work) {
        Map<String, Double> kinds = new LinkedHashMap<>();
        kinds.put("products", work.products());
        kinds.put("attention", work.attention());
        kinds.put("scans", work.scans());
        return kinds;
    }

    private static Map<String, @Nullable Object> schedule(Output output, LongNetConfig config, SchedulePlan plan) {
        List<String> branches = plan.schedule().stream().map(b -> b.segment() + "/" + b.dilation()).toList();
        output.line("schedule     w/r = %s", String.join(" ", branches));
        output.line("             %.0f keys per token and head; dense attention has %.0f", plan.keysPerToken(), plan.length() / 2.0);
        List<Double> reach = new ArrayList<>();
        StringBuilder text = new StringBuilder();
        for (double share : plan.reach(Math.min(config.layers(), DEPTHS))) {
            reach.add(share);
            text.append(String.format(Locale.ROOT, " %.1f %%", 100 * share));
        }
        output.line("reach        %s of the causal pairs, by depth in layers", text.toString().strip());
        plan.warnings().forEach(warning -> output.line("warning      %s", warning));
        Map<String, @Nullable Object> figures = new LinkedHashMap<>();
        figures.put("branches", branches);
        figures.put("keys_per_token", plan.keysPerToken());
        figures.put("reach_by_depth", reach);
        figures.put("warnings", plan.warnings());
        return figures;
    }

    private static String flops(ModelPlan.Work work) {
        return flops(work.total()) + ": weights " + flops(work.products()) + ", attention " + flops(work.attention())
                + (work.scans() > 0 ? ", scans " + flops(work.scans()) : "");
    }

    private static String flops(double flops) {
        int unit = (int) Math.clamp(Math.log10(Math.max(flops, 1)) / 3, 0, 6);
        return String.format(Locale.ROOT, "%.1f %sFLOP", flops / Math.pow(1000, unit), List.of("", "k", "M", "G", "T", "P", "E").get(unit));
    }
}
