package dev.longspan.kernel.host;

import dev.longspan.bindings.host.Longspan;
import dev.longspan.parallel.CancelledException;

/** What a native kernel returned. */
final class Status {

    private Status() {
    }

    /** Throws what a status other than LS_OK says. */
    static void check(int status) {
        if (status == Longspan.LS_CANCELLED()) {
            throw new CancelledException();
        }
        if (status != Longspan.LS_OK()) {
            throw new IllegalArgumentException(Longspan.ls_last_error().getString(0));
        }
    }
}
