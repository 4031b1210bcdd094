package dev.longspan.json;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class JsonTest {

    @Test
    void whatIsWrittenReadsBackTheSame() {
        Map<String, Object> object = new LinkedHashMap<>();
        object.put("text", "a \"b\"\n\u20ac");
        object.put("whole", Long.MAX_VALUE);
        object.put("broken", 0.1);
        object.put("list", Arrays.asList(1L, true, null, Map.of("x", 2.5)));
        assertThat(Json.object(Json.line(object))).isEqualTo(object);
        assertThat(Json.object(Json.pretty(object))).isEqualTo(object);
        assertThat(Json.line(object)).doesNotContain("\n");
    }

    @Test
    void valuesThatJsonLacksBecomeNull() {
        assertThat(Json.line(List.of(Double.NaN, Float.POSITIVE_INFINITY))).isEqualTo("[null,null]");
    }

    @Test
    void whatIsNoObjectIsRefusedInOneLineWithItsPlace() {
        for (String bad : List.of("", "[1]", "{\"a\":1", "{\"a\":1} 2", "{\"a\":1,\"a\":2}", "nonsense",
                "{\"a\":" + "[".repeat(100) + "]".repeat(100) + "}", "{\"a\":123456789012345678901234567890}")) {
            assertThatIllegalArgumentException().as(bad).isThrownBy(() -> Json.object(bad));
        }
        assertThatIllegalArgumentException().isThrownBy(() -> Json.object("{\n  \"a\": ?}")).withMessageContaining("line 2");
    }
}
