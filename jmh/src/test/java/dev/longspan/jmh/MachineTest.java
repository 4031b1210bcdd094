package dev.longspan.jmh;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class MachineTest {

    @Test
    void generationsOfOneNameAreToldApart() {
        assertThat(Machine.cpu("""
                processor	: 0
                cpu family	: 26
                model		: 2
                model name	: AMD EPYC
                processor	: 1
                model name	: another
                """.lines())).isEqualTo("AMD EPYC, family 26 model 2");
        assertThat(Machine.cpu("model name	: Neoverse: V2\n\n".lines())).isEqualTo("Neoverse: V2");
        assertThat(Machine.cpu("Features : fp asimd".lines())).isEqualTo(System.getProperty("os.arch"));
    }
}
