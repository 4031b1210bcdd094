import org.jspecify.annotations.NullMarked;

/** LongNet, RMT, MEGALODON and their baselines; text, training, generation and the command line. */
@NullMarked
@SuppressWarnings("requires-automatic") // XChart and Batik are no modules yet
module dev.longspan.models {
    requires static org.jspecify;
    requires transitive dev.longspan.api;
    requires com.fasterxml.jackson.core;
    requires info.picocli;
    requires me.tongfei.progressbar;
    // Absent at run time, everything works but inspect --attention.
    requires static java.desktop;
    requires static org.apache.xmlgraphics.batik.awt.util;
    requires static org.apache.xmlgraphics.batik.svggen;
    requires static xchart;

    exports dev.longspan.bench;
    exports dev.longspan.classify;
    exports dev.longspan.generate;
    exports dev.longspan.longnet;
    exports dev.longspan.megalodon;
    exports dev.longspan.model;
    exports dev.longspan.recall;
    exports dev.longspan.rmt;
    exports dev.longspan.task;
    exports dev.longspan.text;
    exports dev.longspan.train;
    exports dev.longspan.transformer;
    exports dev.longspan.verify;

    opens dev.longspan.cli to
            info.picocli;
}
