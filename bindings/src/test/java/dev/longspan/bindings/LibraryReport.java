package dev.longspan.bindings;

/** Prints what became of the native library, for tests that look at it from outside. */
final class LibraryReport {

    private LibraryReport() {
    }

    public static void main(String[] arguments) {
        HostLibrary library = HostLibrary.get();
        System.out.println(library.reason() == null ? "loaded: " + library.tier() : "refused: " + library.reason());
    }
}
