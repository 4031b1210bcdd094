package dev.longspan.verify;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import dev.longspan.json.JsonObject;
import java.util.Map;
import org.junit.jupiter.api.Test;

class RatioScheduleTest {

    private static RatioSchedule schedule(String name) {
        return RatioSchedule.of(JsonObject.of("optim", Map.of("scheduler", name, "lr", 2.0, "warmup", 4L, "lr_init_ratio", 0.5,
                "lr_end_ratio", 0.1)), 12);
    }

    @Test
    void everyScheduleRisesFromItsFirstRatioToThePeak() {
        for (String name : new String[] {"linear", "cosine", "constant"}) {
            assertThat(schedule(name).at(0)).as(name).isEqualTo(1);
            assertThat(schedule(name).at(2)).as(name).isEqualTo(1.5);
            assertThat(schedule(name).at(4)).as(name).isEqualTo(2);
        }
    }

    @Test
    void linearAndCosineEndAtTheLastRatioAndStayThere() {
        for (String name : new String[] {"linear", "cosine"}) {
            assertThat(schedule(name).at(8)).as(name).isCloseTo(1.1, within(1e-15));
            assertThat(schedule(name).at(12)).as(name).isCloseTo(0.2, within(1e-15));
            assertThat(schedule(name).at(100)).as(name).isEqualTo(0.2);
        }
        assertThat(schedule("linear").at(6)).isCloseTo(1.55, within(1e-15));
        assertThat(schedule("cosine").at(6)).isCloseTo(2 * (0.1 + 0.45 * (1 + Math.sqrt(0.5))), within(1e-15));
        assertThat(schedule("constant").at(100)).isEqualTo(2);
    }

    @Test
    void anUnknownScheduleIsRefused() {
        assertThatIllegalArgumentException().isThrownBy(() -> schedule("step")).withMessageContaining("scheduler=step");
    }
}
