/*
 * Five bugs planted into copies of small loops: each gate must catch its plant, or it would be a decoration. A child process
 * runs each plant on operands that lie flush against pages of no access, and compares what it computed.
 */
#include "check.h"

#include <csignal>
#include <cstring>
#include <sys/wait.h>

namespace {

/* One float beyond the end of an array of 64-byte lines. */
void over_read() {
    Guarded<float> x(1024);
    volatile float sum = 0;
    for (int64_t i = 0; i <= x.size(); i++) {
        sum = sum + x[i];
    }
}

/* A vector's store where only a tail was left. */
void overflow() {
    Guarded<float> y(1000);
    float lanes[16] = {};
    for (int64_t i = 0; i < y.size(); i += 16) {
        std::memcpy(y.begin() + i, lanes, sizeof lanes);
    }
}

void use_after_free() {
    float *kept;
    {
        Guarded<float> scratch(256);
        kept = scratch;
    }
    volatile float first = *kept;
    (void)first;
}

/* Tiles of 12 rows over 40: the last one writes rows 40 to 47. */
void wrong_tile_bound() {
    Guarded<float> c(40 * 32);
    for (int64_t row = 0; row < 40; row += 12) {
        for (int64_t r = 0; r < 12; r++) {
            std::memset(c.begin() + (row + r) * 32, 0, 32 * sizeof(float));
        }
    }
}

/* Phase + t · dilation with t counted from 1: inside the memory, so only the comparison sees it. */
void dilated_gather() {
    int64_t dilation = 4, phase = 1, segment = 64;
    Guarded<float> x(segment + dilation);
    for (int64_t i = 0; i < x.size(); i++) x[i] = (float)i;
    for (int64_t t = 0; t < segment / dilation; t++) {
        close_to("dilated gather", t, x[phase + (t + 1) * dilation], (double)(phase + t * dilation), 0);
    }
}

void must_die(const char *what, void (*plant)(), int signal) {
    std::fflush(nullptr);
    pid_t child = fork();
    if (child == 0) {
        if (!std::freopen("/dev/null", "w", stderr)) {
            _exit(0);
        }
        plant();
        _exit(0);
    }
    int status;
    waitpid(child, &status, 0);
    /* Sanitizers report an invalid access by leaving with a status of their own. */
    bool caught = signal == 0 ? WIFEXITED(status) && WEXITSTATUS(status) == 1
                              : (WIFSIGNALED(status) && WTERMSIG(status) == signal) || (WIFEXITED(status) && WEXITSTATUS(status) > 0);
    require(caught, what);
    std::printf("caught: %s\n", what);
}

} // namespace

int main() {
    must_die("over-read of one float", over_read, SIGSEGV);
    must_die("overflow", overflow, SIGSEGV);
    must_die("use after free", use_after_free, SIGSEGV);
    must_die("wrong tile bound", wrong_tile_bound, SIGSEGV);
    must_die("off-by-one in the dilated gather", dilated_gather, 0);
    return 0;
}
