package dev.longspan.kernel.vector;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The innermost loops of multiply-adds in what HotSpot prints of compiled methods without a disassembler of its own: hex. */
final class MachineLoops {

    private static final Pattern METHOD = Pattern.compile("Compiled method \\(c2\\).* (\\S+::\\S+) .*");
    private static final Pattern BYTES = Pattern.compile("\\s*(0x[0-9a-f]+):\\s*([0-9a-f| ]+).*");
    private static final Pattern INSTRUCTION = Pattern.compile("\\s*([0-9a-f]+):\\s+(.*)");
    private static final Pattern JUMP = Pattern.compile("j[a-z]+\\s+(?:0x)?([0-9a-f]+).*");

    /** One loop's instructions, in Intel's notation. */
    record Loop(List<String> instructions) {

        long multiplyAdds() {
            return instructions.stream().filter(i -> i.startsWith("vfmadd")).count();
        }

        /** Vectors that go to the stack and back, or rest there. */
        List<String> spills() {
            return instructions.stream().filter(i -> i.matches(".*[xyz]mm.*") && i.contains("[rsp")).toList();
        }
    }

    private record Instruction(long at, String text) {
    }

    private MachineLoops() {
    }

    /** By method, in the last compilation of each. */
    static Map<String, List<Loop>> of(List<String> printed, Path folder) throws IOException, InterruptedException {
        Map<String, List<Loop>> loops = new LinkedHashMap<>();
        String method = "";
        long base = 0;
        ByteArrayOutputStream code = new ByteArrayOutputStream();
        for (String line : printed) {
            Matcher compiled = METHOD.matcher(line);
            Matcher bytes = BYTES.matcher(line);
            if (compiled.matches()) {
                method = compiled.group(1);
            } else if (line.contains("[MachCode]")) {
                code.reset();
            } else if (line.contains("[/MachCode]") && !method.isEmpty()) {
                loops.put(method, innermost(disassembled(base, code.toByteArray(), folder)));
                method = "";
            } else if (bytes.matches()) {
                base = code.size() == 0 ? Long.decode(bytes.group(1)) : base;
                code.write(HexFormat.of().parseHex(bytes.group(2).replaceAll("[| ]", "")));
            }
        }
        return loops;
    }

    private static List<Instruction> disassembled(long base, byte[] code, Path folder) throws IOException, InterruptedException {
        Path file = Files.write(folder.resolve("code.bin"), code);
        Process objdump = new ProcessBuilder("objdump", "-D", "-b", "binary", "-m", "i386:x86-64", "-M", "intel",
                "--no-show-raw-insn", "--adjust-vma=0x" + Long.toHexString(base), file.toString()).start();
        List<Instruction> instructions = new ArrayList<>();
        for (String line : new String(objdump.getInputStream().readAllBytes(), StandardCharsets.UTF_8).lines().toList()) {
            Matcher instruction = INSTRUCTION.matcher(line);
            if (instruction.matches()) {
                instructions.add(new Instruction(Long.parseUnsignedLong(instruction.group(1), 16), instruction.group(2)));
            }
        }
        objdump.waitFor();
        return instructions;
    }

    /** From the target of a jump back to the jump, where there are multiply-adds and no such loop within. */
    private static List<Loop> innermost(List<Instruction> code) {
        List<Loop> loops = new ArrayList<>();
        int lastEnd = -1;
        for (int end = 0; end < code.size(); end++) {
            Matcher jump = JUMP.matcher(code.get(end).text);
            if (!jump.matches()) {
                continue;
            }
            long target = Long.parseUnsignedLong(jump.group(1), 16);
            int begin = end;
            while (begin > 0 && code.get(begin).at > target) {
                begin--;
            }
            Loop loop = new Loop(code.subList(begin, end + 1).stream().map(Instruction::text).toList());
            if (begin < end && code.get(begin).at == target && begin > lastEnd && loop.multiplyAdds() > 0) {
                loops.add(loop);
                lastEnd = end;
            }
        }
        return loops;
    }
}
