package dev.longspan;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.constantpool.PoolEntry;
import java.lang.classfile.constantpool.Utf8Entry;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** Which package of Longspan names which other one, read from class files: names, descriptors and signatures alike. */
final class PackageDependencies {

    private static final Pattern TYPE = Pattern.compile("dev/longspan/((?:[a-z0-9]+/)*)[A-Z]");

    private PackageDependencies() {
    }

    /** Packages below {@code dev.longspan} beside those that they use, from the directory or jar that holds a class. */
    static SortedMap<String, SortedSet<String>> of(Class<?> anchor) {
        try {
            URI place = anchor.getProtectionDomain().getCodeSource().getLocation().toURI();
            if (Files.isDirectory(Path.of(place))) {
                return read(Path.of(place));
            }
            try (FileSystem jar = FileSystems.newFileSystem(Path.of(place), Map.of())) {
                return read(jar.getPath("/"));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    private static SortedMap<String, SortedSet<String>> read(Path root) throws IOException {
        SortedMap<String, SortedSet<String>> uses = new TreeMap<>();
        try (Stream<Path> files = Files.walk(root)) {
            for (Path file : files.filter(PackageDependencies::isClass).toList()) {
                ClassModel model = ClassFile.of().parse(Files.readAllBytes(file));
                String own = packagesIn("L" + model.thisClass().asInternalName()).getFirst();
                SortedSet<String> used = uses.computeIfAbsent(own, p -> new TreeSet<>());
                for (PoolEntry entry : model.constantPool()) {
                    if (entry instanceof Utf8Entry text) {
                        used.addAll(packagesIn(text.stringValue()));
                    }
                }
                used.remove(own);
            }
        }
        return uses;
    }

    private static boolean isClass(Path file) {
        String name = String.valueOf(file.getFileName());
        return name.endsWith(".class") && !name.endsWith("-info.class");
    }

    private static List<String> packagesIn(String text) {
        List<String> found = new ArrayList<>();
        for (Matcher m = TYPE.matcher(text); m.find(); ) {
            found.add(m.group(1).isEmpty() ? "" : m.group(1).substring(0, m.group(1).length() - 1).replace('/', '.'));
        }
        return found;
    }
}
