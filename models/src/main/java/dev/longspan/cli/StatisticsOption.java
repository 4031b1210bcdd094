package dev.longspan.cli;

import dev.longspan.megalodon.Megalodon;
import dev.longspan.megalodon.MegalodonConfig.InputNorm;
import dev.longspan.megalodon.TruncatedMegalodon;
import dev.longspan.nn.LanguageModel;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The option {@code --statistics} of commands that run a model. */
final class StatisticsOption {

    /** Whose moments a timestep norm divides by. */
    enum Statistics {
        exact, truncated
    }

    @Option(names = "--statistics", paramLabel = "exact|truncated",
            description = "MEGALODON's timestep norms: the moments of all tokens, or those of the last six chunks as in its "
                    + "released code, at up to four times the cost (default: exact).")
    private @Nullable Statistics statistics;

    /** The model with the statistics that were asked for; throws IllegalArgumentException if it has none. */
    LanguageModel<?> of(LanguageModel<?> model) {
        if (statistics == null) {
            return model;
        }
        if (!(model instanceof Megalodon megalodon) || megalodon.config().parts().norm() != InputNorm.TIMESTEP) {
            throw new IllegalArgumentException("only MEGALODON with timestep norms has statistics: statistics=" + statistics);
        }
        return statistics == Statistics.truncated ? new TruncatedMegalodon(megalodon) : model;
    }
}
