package dev.longspan.cli;

import dev.longspan.model.Architectures;
import java.io.PrintWriter;
import java.io.StringWriter;

/** One command line run within the test: its status and what it wrote. */
record CommandLineRun(int status, String out, String err) {

    static CommandLineRun of(String... args) {
        return of(Main.builtIn(), args);
    }

    static CommandLineRun of(Architectures architectures, String... args) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        int status = Main.run(architectures, new PrintWriter(out, true), new PrintWriter(err, true), args);
        return new CommandLineRun(status, out.toString(), err.toString());
    }
}
