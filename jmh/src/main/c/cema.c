/* s = q*s + x, y = sum over modes of Re(c*s) + omega*x, as one would write it in C for a CPU with wide registers.
 * x, y: [rows, width]; q, c, state: [modes, 2, width], real parts before imaginary ones; omega: [width].
 * width is a multiple of LANES, modes of GROUP.
 *
 * Blocks of STEPS steps of one vector of channels stay in the first cache; GROUP modes at a time keep their coefficients
 * and states in registers. GCC turns the vector types into what the machine has. */
#include <stdint.h>
#include <string.h>

enum { LANES = 16, GROUP = 4, STEPS = 64 };

typedef float vec __attribute__((vector_size(4 * LANES)));

static inline vec load(const float *from) {
    vec v;
    memcpy(&v, from, sizeof v);
    return v;
}

static inline void store(float *to, vec v) {
    memcpy(to, &v, sizeof v);
}

static void group(int64_t steps, int64_t width, const vec *x, vec *y, const float *q, const float *c, float *state) {
    vec qr[GROUP], qi[GROUP], cr[GROUP], ci[GROUP], sr[GROUP], si[GROUP];
    for (int k = 0; k < GROUP; k++) {
        qr[k] = load(q + 2 * k * width);
        qi[k] = load(q + (2 * k + 1) * width);
        cr[k] = load(c + 2 * k * width);
        ci[k] = load(c + (2 * k + 1) * width);
        sr[k] = load(state + 2 * k * width);
        si[k] = load(state + (2 * k + 1) * width);
    }
    for (int64_t t = 0; t < steps; t++) {
        vec re = y[t], im = {0};
        for (int k = 0; k < GROUP; k++) {
            vec r = (x[t] + qr[k] * sr[k]) - qi[k] * si[k];
            si[k] = qr[k] * si[k] + qi[k] * sr[k];
            sr[k] = r;
            re += cr[k] * sr[k];
            im += ci[k] * si[k];
        }
        y[t] = re - im;
    }
    for (int k = 0; k < GROUP; k++) {
        store(state + 2 * k * width, sr[k]);
        store(state + (2 * k + 1) * width, si[k]);
    }
}

void peer_cema(int64_t rows, int64_t width, int64_t modes, const float *x, const float *q, const float *c,
        const float *omega, float *y, float *state) {
    vec in[STEPS], out[STEPS];
    memset(state, 0, sizeof(float) * 2 * modes * width);
    for (int64_t from = 0; from < rows; from += STEPS) {
        int64_t steps = rows - from < STEPS ? rows - from : STEPS;
        for (int64_t d = 0; d < width; d += LANES) {
            vec w = load(omega + d);
            for (int64_t t = 0; t < steps; t++) {
                in[t] = load(x + (from + t) * width + d);
                out[t] = w * in[t];
            }
            for (int64_t k = 0; k < modes; k += GROUP) {
                group(steps, width, in, out, q + 2 * k * width + d, c + 2 * k * width + d, state + 2 * k * width + d);
            }
            for (int64_t t = 0; t < steps; t++) {
                store(y + (from + t) * width + d, out[t]);
            }
        }
    }
}
