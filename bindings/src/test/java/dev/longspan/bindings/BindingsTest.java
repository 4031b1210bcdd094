package dev.longspan.bindings;

import static org.assertj.core.api.Assertions.assertThat;

import dev.longspan.bindings.cuda.LongspanCuda;
import dev.longspan.bindings.driver.Driver;
import dev.longspan.bindings.host.Longspan;
import java.io.IOException;
import java.lang.foreign.AddressLayout;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.GroupLayout;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.PaddingLayout;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.reflect.Method;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The bindings against the libraries as they were compiled: stale ones fail without jextract. */
final class BindingsTest {

    @Test
    void everyFunctionAndStructOfTheHostLibraryIsAsItWasCompiled() throws Exception {
        BuiltLibrary.assume();
        assertThat(HostLibrary.get().reason()).isNull();
        assertThat(bound(Longspan.class)).isEqualTo(compiled(Longspan.ls_abi()));
    }

    @Test
    void everyFunctionAndStructOfTheCudaLibraryIsAsItWasCompiled() throws Exception {
        BuiltLibrary.assumeEmulated();
        assertThat(CudaLibrary.get().reason()).isNull();
        assertThat(bound(LongspanCuda.class)).isEqualTo(compiled(LongspanCuda.ls_cuda_abi()));
    }

    @Test
    void everyFunctionOfTheDriverThatIsCalledIsThere() {
        BuiltLibrary.assumeEmulated();
        assertThat(CudaLibrary.get().reason()).isNull();
        assertThat(Arrays.stream(Driver.class.getMethods()).map(Method::getName).filter(name -> name.endsWith("$descriptor"))
                .map(name -> name.replace("$descriptor", ""))).hasSizeGreaterThan(30)
                .allMatch(name -> SymbolLookup.loaderLookup().find(name).isPresent());
    }

    private static Set<String> compiled(MemorySegment abi) {
        return abi.getString(0).lines().collect(Collectors.toCollection(TreeSet::new));
    }

    private static Set<String> bound(Class<?> header) throws Exception {
        Set<String> bound = new TreeSet<>();
        for (Method method : header.getMethods()) {
            if (method.getName().endsWith("$descriptor")) {
                FunctionDescriptor descriptor = (FunctionDescriptor) method.invoke(null);
                bound.add(Stream.concat(descriptor.returnLayout().stream(), descriptor.argumentLayouts().stream())
                        .map(BindingsTest::type)
                        .collect(Collectors.joining(" ", "function " + method.getName().replace("$descriptor", "") + " ", "")));
            }
        }
        for (String name : structs(header)) {
            GroupLayout layout = (GroupLayout) Class.forName(header.getPackageName() + "." + name).getMethod("layout").invoke(null);
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
        return bound;
    }

    private static Set<String> structs(Class<?> header) throws IOException, URISyntaxException {
        Path folder = Path.of(header.getProtectionDomain().getCodeSource().getLocation().toURI())
                .resolve(header.getPackageName().replace('.', '/'));
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
