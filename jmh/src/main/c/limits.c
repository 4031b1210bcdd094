/* What the machine gives just now: the best of several tries. */
#include <stdint.h>
#include <string.h>

#if defined(__AVX512F__)
enum { LANES = 16 };
#else
enum { LANES = 8 };
#endif

typedef float vec __attribute__((vector_size(4 * LANES)));

/* A multiply-add of each of 12 registers a step: latency 4, at most two a cycle. Returns a sum that depends on all.
 * Each starts elsewhere, so that none is another, and none's address is taken, so that all stay in registers. */
double peer_multiply_add(int64_t steps) {
    vec s[12], x, y;
    for (int i = 0; i < LANES; i++) {
        x[i] = 0.999f;
        y[i] = 0.001f;
    }
    for (int i = 0; i < 12; i++) {
        s[i] = y * (float)i;
    }
    for (int64_t t = 0; t < steps; t++) {
        for (int i = 0; i < 12; i++) {
            s[i] = s[i] * x + y;
        }
    }
    double sum = 0;
    for (int i = 0; i < 12; i++) {
        for (int j = 0; j < LANES; j++) {
            sum += s[i][j];
        }
    }
    return sum;
}

/* Floating-point operations of a step above. */
double peer_multiply_add_flops(void) {
    return 2.0 * 12 * LANES;
}

/* Sum of values, read once. n is a multiple of 8 * LANES. */
double peer_read(int64_t n, const float *values) {
    vec s[8];
    memset(s, 0, sizeof s);
    for (int64_t i = 0; i < n; i += 8 * LANES) {
        for (int j = 0; j < 8; j++) {
            vec v;
            memcpy(&v, values + i + j * LANES, sizeof v);
            s[j] += v;
        }
    }
    double sum = 0;
    for (int j = 0; j < 8; j++) {
        for (int i = 0; i < LANES; i++) {
            sum += s[j][i];
        }
    }
    return sum;
}
