package dev.longspan.rmt;

import dev.longspan.json.JsonObject;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A decoder's configuration as keys of {@code config.json}, those of its backbone left out. */
final class RmtKeys {

    static final String BACKBONE = "backbone";

    private RmtKeys() {
    }

    static RmtConfig read(JsonObject json) {
        json.expect("layout", "decoder");
        return RmtConfig.decoder(Math.toIntExact(json.integer("memory")), Math.toIntExact(json.integer("segment")))
                .withAlignment(json.choice("alignment", Alignment.LEFT))
                .withBptt(RmtConfig.Bptt.of(Math.toIntExact(json.integer("bptt_depth", 0))))
                .withCarry(json.choice("carry", RmtConfig.Carry.NOTHING));
    }

    static Map<String, @Nullable Object> write(RmtConfig config, Map<String, @Nullable Object> backbone) {
        Map<String, @Nullable Object> json = new LinkedHashMap<>();
        json.put("layout", "decoder");
        json.put("memory", (long) config.memory());
        json.put("segment", (long) config.segment());
        json.put("alignment", JsonObject.nameOf(config.alignment()));
        json.put("bptt_depth", (long) config.bptt().depth());
        json.put("carry", JsonObject.nameOf(config.carry()));
        json.put(BACKBONE, backbone);
        return json;
    }
}
