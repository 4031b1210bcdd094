package dev.longspan.cli;

import dev.longspan.model.Architecture;
import dev.longspan.model.Architectures;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import picocli.CommandLine;
import picocli.CommandLine.Model.UsageMessageSpec;

/** The presets of each architecture, in the help of every command that has {@code --preset}. */
final class PresetHelp {

    private static final String SECTION = "presets";

    private PresetHelp() {
    }

    static void addTo(CommandLine commands, Architectures architectures) {
        for (CommandLine command : commands.getSubcommands().values()) {
            addTo(command, architectures);
            if (command.getCommandSpec().findOption("--preset") != null) {
                command.getHelpSectionMap().put(SECTION, help -> text(architectures));
                List<String> keys = new ArrayList<>(command.getHelpSectionKeys());
                keys.add(keys.indexOf(UsageMessageSpec.SECTION_KEY_FOOTER_HEADING), SECTION);
                command.setHelpSectionKeys(keys);
            }
        }
    }

    private static String text(Architectures architectures) {
        Map<List<String>, List<String>> names = new LinkedHashMap<>();
        for (Architecture architecture : architectures.all()) {
            names.computeIfAbsent(architecture.presets(), presets -> new ArrayList<>()).add(architecture.name());
        }
        StringBuilder text = new StringBuilder("%nPresets by architecture:%n".formatted());
        names.forEach((presets, owners) ->
                text.append("  %s:%n      %s%n".formatted(String.join(", ", owners), String.join(", ", presets))));
        return text.toString();
    }
}
