package dev.longspan.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** The ways to start a program with Longspan. doctor runs a small network forward and backward on every backend. */
final class PackagingTest {

    private static final List<String> VECTOR = List.of("--add-modules", "jdk.incubator.vector");
    private static final List<String> DENIED = List.of("--illegal-native-access=deny");
    private static final List<String> RUNTIME = List.of("picocli", "jackson-core", "progressbar", "jline");

    @Test
    void runsOnTheClassPath() throws Exception {
        String out = doctor(onClassPath(VECTOR));
        assertThat(out).containsPattern("Backend +vector +chosen +.*self-test ok").containsPattern("Backend +scalar +ready");
    }

    @Test
    void runsOnTheModulePath() throws Exception {
        List<String> arguments = new ArrayList<>(VECTOR);
        arguments.addAll(List.of("-p", runtimePath(), "-m", "dev.longspan.models/" + Main.class.getName(), "doctor"));
        assertThat(doctor(arguments)).containsPattern("Backend +vector +chosen +.*self-test ok");
    }

    @Test
    void needsNoNativeAccess() throws Exception {
        List<String> options = new ArrayList<>(VECTOR);
        options.addAll(DENIED);
        assertThat(doctor(onClassPath(options))).containsPattern("Backend +vector +chosen +.*self-test ok")
                .containsPattern("Backend +host +unavailable +(native access is not enabled: start java with "
                        + "--enable-native-access=ALL-UNNAMED|the native library is for )");
    }

    @Test
    void fallsBackToScalarWithoutTheIncubatorModuleAndSaysSo() throws Exception {
        String out = doctor(onClassPath(List.of()));
        assertThat(out).containsPattern("Backend +vector +unavailable +module jdk.incubator.vector is not there: "
                + "start java with --add-modules jdk.incubator.vector");
        assertThat(out).containsPattern("Backend +scalar +chosen +.*self-test ok");
    }

    private static List<String> onClassPath(List<String> options) {
        List<String> arguments = new ArrayList<>(options);
        arguments.addAll(List.of("-cp", runtimePath(), Main.class.getName(), "doctor"));
        return arguments;
    }

    private static String doctor(List<String> arguments) throws IOException, InterruptedException {
        ChildJvm jvm = ChildJvm.java(arguments);
        assertThat(jvm.status()).as("exit status; stderr: %s", jvm.err()).isZero();
        return jvm.out();
    }

    /** This class path without what only tests need. */
    static String runtimePath() {
        String own = Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator, -1))
                .filter(entry -> isOurs(entry) || RUNTIME.stream().anyMatch(fileName(entry)::startsWith))
                .collect(Collectors.joining(File.pathSeparator));
        assertThat(own).contains("picocli");
        return own;
    }

    private static boolean isOurs(String entry) {
        return entry.endsWith(Path.of("target", "classes").toString()) || fileName(entry).startsWith("longspan-");
    }

    private static String fileName(String entry) {
        return String.valueOf(Path.of(entry).getFileName());
    }
}
