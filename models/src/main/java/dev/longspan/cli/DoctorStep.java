package dev.longspan.cli;

import dev.longspan.report.Block;
import dev.longspan.report.Job;
import dev.longspan.report.Section;
import dev.longspan.report.Step;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The machine, the versions, and every backend with its self-test or the reason it cannot run. */
final class DoctorStep implements Step {

    private final Main main;

    DoctorStep(Main main) {
        this.main = main;
    }

    @Override
    public String name() {
        return "doctor";
    }

    @Override
    public int shareSeconds() {
        return 1;
    }

    @Override
    public Section run(Job job) {
        Map<String, Object> found = DoctorCommand.examine(main, new Output(job.out(), Output.Format.text));
        Map<String, String> facts = new LinkedHashMap<>();
        facts.put("Longspan", "{doctor.version}");
        facts.put("JDK", "{doctor.jdk}");
        facts.put("System", "{doctor.os}");
        facts.put("Processors", "{doctor.processors} of {doctor.cpu}");
        facts.put("Java heap", "{doctor.heap_max_bytes:bytes} at most");
        facts.put("Native memory", "{doctor.native_budget_bytes:bytes} at most");
        facts.put("Text", "{doctor.text}");
        List<List<String>> rows = new ArrayList<>();
        for (int i = 0; found.get("backends") instanceof List<?> backends && i < backends.size(); i++) {
            String at = "{doctor.backends." + i + ".";
            rows.add(List.of(at + "name}", at + "status}", at + "detail}"));
        }
        return new Section("doctor", "Machine", DoctorCommand.isHealthy(found), new LinkedHashMap<>(found), List.of(),
                List.of(new Block.Facts(facts), new Block.Table(List.of("backend", "status", "detail"), rows)),
                "longspan doctor");
    }
}
