/** The native library behind Java: what jextract made of its header, and its loader. */
module dev.longspan.bindings {
    requires static transitive org.jspecify;

    exports dev.longspan.bindings;
    exports dev.longspan.bindings.cudnn;
    exports dev.longspan.bindings.host;
}
