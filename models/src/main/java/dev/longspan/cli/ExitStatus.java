package dev.longspan.cli;

/** The exit statuses of every command; see the package documentation. */
final class ExitStatus {

    static final int OK = 0;
    static final int CHECK_FAILED = 1;
    static final int USAGE = 2;
    static final int BAD_FILE = 3;
    static final int NO_RESOURCES = 4;

    private ExitStatus() {
    }
}
