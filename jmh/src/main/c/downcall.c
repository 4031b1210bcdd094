/* Calls of a function that does nothing, which the compiler cannot look into: what a downcall is measured against. */
#include <stdint.h>

static __attribute__((noinline)) void empty(void) { __asm__ volatile(""); }

void peer_empty_calls(int64_t n) {
    for (int64_t i = 0; i < n; i++) {
        empty();
    }
}
