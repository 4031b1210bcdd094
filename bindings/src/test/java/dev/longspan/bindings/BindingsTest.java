package dev.longspan.bindings;

import static org.assertj.core.api.Assertions.assertThat;

import dev.longspan.bindings.host.Longspan;
import java.io.IOException;
import java.lang.foreign.AddressLayout;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.GroupLayout;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.PaddingLayout;
import java.lang.foreign.ValueLayout;
import java.lang.reflect.Method;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The bindings against the library as it was compiled: stale ones fail without jextract. */
final class BindingsTest {

    private static Set<String> compiled = Set.of();

    @BeforeAll
    static void load() {
        BuiltLibrary.assume();
        assertThat(HostLibrary.get().reason()).isNull();
        compiled = Longspan.ls_abi().getString(0).lines().collect(Collectors.toCollection(TreeSet::new));
    }

    @Test
    void everyFunctionHasTheSignatureThatWasCompiled() throws Exception {
        Set<String> bound = new TreeSet<>();
        for (Method method : Longspan.class.getMethods()) {
            if (method.getName().endsWith("$descriptor")) {
                FunctionDescriptor descriptor = (FunctionDescriptor) method.invoke(null);
                bound.add(Stream.concat(descriptor.returnLayout().stream(), descriptor.argumentLayouts().stream())
                        .map(BindingsTest::type)
                        .collect(Collectors.joining(" ", "function " + method.getName().replace("$descriptor", "") + " ", "")));
            }
        }
        assertThat(bound).isEqualTo(only("function "));
    }

    @Test
    void everyStructHasTheLayoutThatWasCompiled() throws Exception {
        Set<String> bound = new TreeSet<>();
        for (String name : structs()) {
            GroupLayout layout = (GroupLayout) Class.forName(Longspan.class.getPackageName() + "." + name).getMethod("layout")
                    .invoke(null);
            StringBuilder line = new StringBuilder("struct " + name + " " + layout.byteSize());
            long offset = 0;
            for (MemoryLayout member : layout.memberLayouts()) {
                if (!(member instanceof PaddingLayout)) {
                    line.append(' ').append(member.name().orElseThrow()).append(':').append(type(member)).append('@').append(offset);
                }
                offset += member.byteSize();
            }
            bound.add(line.toString());
        }
        assertThat(bound).isEqualTo(only("struct "));
    }

    private static Set<String> only(String kind) {
        return compiled.stream().filter(line -> line.startsWith(kind)).collect(Collectors.toCollection(TreeSet::new));
    }

    private static Set<String> structs() throws IOException, URISyntaxException {
        Path folder = Path.of(Longspan.class.getProtectionDomain().getCodeSource().getLocation().toURI())
                .resolve(Longspan.class.getPackageName().replace('.', '/'));
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(file -> String.valueOf(file.getFileName())).filter(name -> name.matches("ls_\\w+\\.class"))
                    .map(name -> name.replace(".class", "")).collect(Collectors.toCollection(TreeSet::new));
        }
    }

    private static String type(MemoryLayout layout) {
        return switch (layout) {
            case AddressLayout _ -> "ptr";
            case ValueLayout.OfFloat _ -> "f32";
            case ValueLayout.OfDouble _ -> "f64";
            default -> "i" + 8 * layout.byteSize();
        };
    }
}
