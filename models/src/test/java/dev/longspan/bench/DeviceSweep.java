package dev.longspan.bench;

import dev.longspan.backend.Backend;
import dev.longspan.parallel.Parallel;

/** What {@link DeviceSweepTest} has a JVM of its own do. */
final class DeviceSweep {

    private DeviceSweep() {
    }

    public static void main(String[] arguments) {
        SweepConfig config = new SweepConfig(40, 80, 2, 8, true, 100, 0);
        SweepResult result = new Sweep(config, Backend.named("cuda"), Parallel.of(1)).run(row -> { });
        System.out.println("cuda: " + (result.passed() ? "right" : SweepTable.footer(result)));
    }
}
