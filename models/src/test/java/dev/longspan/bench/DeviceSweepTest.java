package dev.longspan.bench;

import static org.assertj.core.api.Assertions.assertThat;

import dev.longspan.verify.EmulatedJvm;
import org.junit.jupiter.api.Test;

/** The sweep over the context where inputs and answers lie in another memory. */
final class DeviceSweepTest {

    @Test
    void answersOfADeviceAreRightForwardAndBackward() throws Exception {
        assertThat(EmulatedJvm.run("dev.longspan.bench.DeviceSweep")).containsExactly("cuda: right");
    }
}
