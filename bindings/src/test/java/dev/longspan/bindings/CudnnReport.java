package dev.longspan.bindings;

/** Prints what became of cuDNN, for tests that look at it from outside. */
final class CudnnReport {

    private CudnnReport() {
    }

    public static void main(String[] arguments) {
        CudnnLibrary library = CudnnLibrary.get();
        System.out.println(library.reason() == null ? "loaded: " + library.version() : "refused: " + library.reason());
    }
}
