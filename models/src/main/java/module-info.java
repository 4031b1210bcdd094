import org.jspecify.annotations.NullMarked;

/** LongNet, RMT, MEGALODON and their baselines; text, training, generation and the command line. */
@NullMarked
module dev.longspan.models {
    requires static org.jspecify;
    requires transitive dev.longspan.api;
    requires info.picocli;

    opens dev.longspan.cli to
            info.picocli;
}
