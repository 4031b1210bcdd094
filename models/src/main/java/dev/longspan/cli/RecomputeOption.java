package dev.longspan.cli;

import dev.longspan.autograd.Checkpoints;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** What training keeps for the way back. */
final class RecomputeOption {

    @Option(names = "--recompute", arity = "0..1", fallbackValue = "exact", paramLabel = "exact|bf16",
            description = "Keep only what each layer hands to the next and compute it again on the way back: less memory, a third "
                    + "more time. exact, meant without a value, gives the same bits; bf16 rounds what is kept to half its bytes.")
    private @Nullable Checkpoints checkpoints;

    /** Absent where the command line does not say. */
    Optional<Checkpoints> checkpoints() {
        return Optional.ofNullable(checkpoints);
    }
}
