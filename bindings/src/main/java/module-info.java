/** The native libraries behind Java: what jextract made of their headers, and their loaders. */
module dev.longspan.bindings {
    requires static transitive org.jspecify;

    exports dev.longspan.bindings;
    exports dev.longspan.bindings.cuda;
    exports dev.longspan.bindings.cudnn;
    exports dev.longspan.bindings.driver;
    exports dev.longspan.bindings.host;
}
