/* y = a + b, so many times: what is left of a small kernel where no call comes from Java. */
#include <stdint.h>

static __attribute__((noinline)) void add(int64_t n, const float *a, const float *b, float *y) {
    for (int64_t i = 0; i < n; i++) {
        y[i] = a[i] + b[i];
    }
}

void peer_add(int64_t times, int64_t n, const float *a, const float *b, float *y) {
    for (int64_t t = 0; t < times; t++) {
        add(n, a, b, y);
        __asm__ volatile("" ::: "memory");
    }
}
