package dev.longspan.megalodon;

import dev.longspan.autograd.Pass;
import dev.longspan.kernel.Activation;
import dev.longspan.kernel.AttentionPattern;
import dev.longspan.kernel.AttentionPlan;
import dev.longspan.kernel.Moments;
import dev.longspan.kernel.Residual;
import dev.longspan.kernel.Rotary;
import dev.longspan.kernel.ScanPlan;
import dev.longspan.nn.ComplexEma;
import dev.longspan.nn.Layer;
import dev.longspan.nn.Linear;
import dev.longspan.nn.Parameters;
import dev.longspan.nn.PlusOneLayerNorm;
import dev.longspan.nn.PlusOneRmsNorm;
import dev.longspan.nn.SelfAttention;
import dev.longspan.nn.SequenceNorm;
import dev.longspan.nn.TimestepNorm;
import dev.longspan.op.Attention;
import dev.longspan.op.Elementwise;
import dev.longspan.op.Norm;
import dev.longspan.op.Scan;
import dev.longspan.op.Views;
import dev.longspan.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Gated attention over a moving average (arXiv 2404.08801, equations 6 to 14):
 * {@code x̃ = TimestepNorm(x)}, {@code x' = RMSNorm(CEMA(x̃))}, {@code z = RMSNorm(W_z x')} by head,
 * {@code q, k = z ⊙ (γ+1)/√D + β}, {@code v = SiLU(W_v x̃)}, {@code r = SiLU(W_r x')},
 * {@code y = W₁ x' + W₂ (r ⊙ softmax(q kᵀ) v) + x}, with rotary positions and softmax within chunks.
 *
 * @param shared W_z
 * @param gamma [2, z]: of q, then of k
 * @param beta [2, z]
 * @param gate W_r
 * @param direct W₁
 * @param attended W₂
 */
public record GatedAttention(MegalodonConfig config, SequenceNorm norm, ComplexEma ema, PlusOneRmsNorm emaNorm, Linear shared,
        Tensor gamma, Tensor beta, Linear value, Linear gate, Linear direct, Linear attended) implements Layer {

    /** The output [B, N, d], still to be summed up, and what the norm and the average would continue from. */
    record Output(Residual y, @Nullable Moments moments, Tensor average) {
    }

    static GatedAttention of(MegalodonConfig config, Parameters parameters) {
        int d = config.width();
        return new GatedAttention(config, norm(config, parameters, "norm"),
                config.parts().average() == MegalodonConfig.Average.COMPLEX
                        ? ComplexEma.of(parameters, "ema", d, config.modes()) : ComplexEma.real(parameters, "ema", d, config.modes()),
                config.affineNorms() ? PlusOneRmsNorm.of(parameters, "emaNorm", d, config.eps())
                        : new PlusOneRmsNorm(null, config.eps()),
                Linear.of(parameters, "shared", d, config.sharedWidth(), true),
                parameters.get("gamma", 2, config.sharedWidth()), parameters.get("beta", 2, config.sharedWidth()),
                Linear.of(parameters, "value", d, config.valueWidth(), true),
                Linear.of(parameters, "gate", d, config.valueWidth(), true), Linear.of(parameters, "direct", d, d, true),
                Linear.of(parameters, "attended", config.valueWidth(), d, false));
    }

    /** The norm in front of a layer or of the output; a timestep norm has weights whatever the other norms have. */
    static SequenceNorm norm(MegalodonConfig config, Parameters parameters, String name) {
        int d = config.width();
        return switch (config.parts().norm()) {
            case TIMESTEP -> TimestepNorm.of(parameters, name, d, config.groups(), config.eps());
            case LAYER -> config.affineNorms() ? PlusOneLayerNorm.of(parameters, name, d, config.eps())
                    : new PlusOneLayerNorm(null, null, config.eps());
        };
    }

    Output apply(Pass pass, Tensor x, Context context) {
        SequenceNorm.Output normed = norm.apply(pass, x, context.moments(), context.documents(), 0, context.padding());
        Scan.Coefficients coefficients = context.memory() == null ? ema.coefficients(pass) : context.memory().coefficients();
        Scan.Result averaged = ema.apply(pass, ScanPlan.forward(context.documents(), 0), coefficients, normed.y(),
                context.average());
        double dropout = config.dropouts().hidden();
        Tensor mx = Elementwise.dropout(pass, dropout, emaNorm.apply(pass, averaged.y()));
        Tensor v = value.activated(pass, Activation.SILU, normed.y());
        Tensor seen = attend(pass, context, queriesAndKeys(pass, context, mx, heads(pass, v)));
        Tensor joined = Views.reshape(pass, seen, v.shape());
        Tensor gated = gate.gated(pass, Activation.SILU, mx, joined);
        Tensor h = Elementwise.add(pass, direct.apply(pass, mx),
                attended.apply(pass, Elementwise.dropout(pass, dropout, gated)));
        Residual y = new Residual(x, 1, Elementwise.dropout(pass, config.dropouts().residual(), h));
        return new Output(y, normed.last(), averaged.last());
    }

    private SelfAttention.Heads queriesAndKeys(Pass pass, Context context, Tensor mx, Tensor values) {
        boolean normalized = config.parts().logits() == MegalodonConfig.Logits.NORMALIZED;
        Tensor z = normalized ? normalizedByHead(pass, shared.apply(pass, mx))
                : shared.activated(pass, Activation.SILU, mx);
        double factor = normalized ? 1 / Math.sqrt(config.keyDim()) : 1;
        // Documents start where they like, and only differences of positions within a chunk count: no period then.
        Rotary rotary = Rotary.rope(config.keyDim(), config.ropeBase(), context.documents() == null ? config.chunk() : 0);
        Tensor[] rotated = new Tensor[2];
        for (int i = 0; i < 2; i++) {
            Tensor row = Norm.affine(pass, z, Views.select(pass, gamma, 0, i), Views.select(pass, beta, 0, i), 1, factor);
            rotated[i] = Elementwise.rotary(pass, rotary, context.position(), heads(pass, row));
        }
        return new SelfAttention.Heads(rotated[0], rotated[1], values);
    }

    private Tensor normalizedByHead(Pass pass, Tensor z) {
        return Views.reshape(pass, Norm.rmsNorm(pass, heads(pass, z), null, 0, config.eps()), z.shape());
    }

    private Tensor attend(Pass pass, Context context, SelfAttention.Heads rows) {
        AttentionPattern pattern = context.chunks() == null ? new AttentionPattern.Chunked(config.chunk())
                : new AttentionPattern.Dense();
        double scale = config.parts().logits() == MegalodonConfig.Logits.NORMALIZED ? 1 : 1 / Math.sqrt(config.keyDim());
        AttentionPlan plan = AttentionPlan.of(pattern, true, scale);
        if (context.memory() != null) {
            return context.memory().cache().attend(pass, plan, rows, context.position());
        }
        AttentionPlan complete = plan.withDocuments(context.chunks()).withMask(context.visible())
                .withDropout(pass.nextDropout(config.dropouts().attention()));
        return Attention.apply(pass, complete, rows.queries(), rows.keys(), rows.values()).out();
    }

    private Tensor heads(Pass pass, Tensor x) {
        return Views.reshape(pass, x, x.size(0), x.size(1), config.heads(), x.size(2) / config.heads());
    }
}
