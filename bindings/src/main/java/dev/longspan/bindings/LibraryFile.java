package dev.longspan.bindings;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** Where a library is looked for, and what it must be before the dynamic linker sees it. */
final class LibraryFile {

    private LibraryFile() {
    }

    /** Why no library at all can be loaded here; none where one can. */
    static @Nullable String obstacle() {
        String platform = System.getProperty("os.name") + "-" + System.getProperty("os.arch");
        if (!platform.equals("Linux-amd64")) {
            return "the native library is for Linux-amd64: this is " + platform;
        }
        Module module = LibraryFile.class.getModule();
        return module.isNativeAccessEnabled() ? null : "native access is not enabled: start java with --enable-native-access="
                + (module.isNamed() ? module.getName() : "ALL-UNNAMED");
    }

    /** The file that a property names, else one of {@code java.library.path}, else the one in a jar; none where there is none. */
    static @Nullable Path locate(String property, String name) throws IOException {
        String given = System.getProperty(property);
        if (given != null) {
            return Path.of(given);
        }
        Path found = onLibraryPath(name);
        return found != null ? found : PackedLibrary.find(name);
    }

    /** The first file of that name in {@code java.library.path}; none where there is none. */
    static @Nullable Path onLibraryPath(String name) {
        for (String folder : System.getProperty("java.library.path", "").split(File.pathSeparator, -1)) {
            if (!folder.isEmpty() && Files.isRegularFile(Path.of(folder, name))) {
                return Path.of(folder, name);
            }
        }
        return null;
    }

    /** Loads a file; the reason why not where that fails. */
    static @Nullable String load(Path file) throws IOException {
        if (!Files.isRegularFile(file)) {
            return "there is no file " + file;
        }
        String damage = ElfHeader.damage(file);
        if (damage != null) {
            return file + " cannot be loaded: " + damage;
        }
        try {
            System.load(file.toAbsolutePath().toString());
            return null;
        } catch (UnsatisfiedLinkError e) {
            return String.valueOf(e.getMessage());
        }
    }
}
