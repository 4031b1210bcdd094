package dev.longspan;

import static org.assertj.core.api.Assertions.assertThat;

import dev.longspan.cli.Main;
import dev.longspan.tensor.Tensor;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.SortedSet;
import org.junit.jupiter.api.Test;

/** The architecture as the class files have it. */
final class LayersTest {

    /** The packages of java-api; each may use only those before it. */
    private static final List<String> LAYERS = List.of("tensor", "checkpoint", "parallel", "kernel", "kernel.scalar",
            "kernel.vector", "kernel.host", "kernel.cuda", "backend", "autograd", "op", "nn", "optim");

    private final SortedMap<String, SortedSet<String>> api = PackageDependencies.of(Tensor.class);
    private final SortedMap<String, SortedSet<String>> models = PackageDependencies.of(Main.class);

    @Test
    void theDependenciesOfClassFilesAreFound() {
        assertThat(api.get("op")).as("packages used by op").contains("autograd", "kernel", "tensor");
        assertThat(models).as("packages of models").containsKey("cli");
    }

    @Test
    void everyPackageOfTheApiHasItsLayer() {
        assertThat(api.keySet()).containsExactlyInAnyOrderElementsOf(LAYERS);
    }

    @Test
    void aPackageOfTheApiUsesOnlyTheLayersAboveIt() {
        List<String> violations = new ArrayList<>();
        api.forEach((name, used) -> used.stream()
                .filter(other -> LAYERS.indexOf(other) >= LAYERS.indexOf(name))
                .forEach(other -> violations.add(name + " uses " + other)));
        assertThat(violations).isEmpty();
    }

    @Test
    void thePackagesOfModelsHaveNoCycle() {
        List<String> cycles = new ArrayList<>();
        for (String name : models.keySet()) {
            if (reachable(name).contains(name)) {
                cycles.add(name);
            }
        }
        assertThat(cycles).as("packages that use themselves by way of others, in %s", models).isEmpty();
    }

    private List<String> reachable(String from) {
        List<String> seen = new ArrayList<>();
        Deque<String> next = new ArrayDeque<>(usedBy(models, from));
        while (!next.isEmpty()) {
            String name = next.pop();
            if (!seen.contains(name)) {
                seen.add(name);
                next.addAll(usedBy(models, name));
            }
        }
        return seen;
    }

    private static SortedSet<String> usedBy(Map<String, SortedSet<String>> graph, String name) {
        return graph.getOrDefault(name, Collections.emptySortedSet());
    }
}
