/* y = (x - mean)/sqrt(var + eps)*weight + bias with the moments of each group of channels over all rows so far, in double:
 * the loop one would write in C. x, y: [rows, groups*size]; mean, var: [groups], their start and their end; count: rows
 * seen before. size is a multiple of LANES. The square root is taken in float. */
#include <math.h>
#include <stdint.h>
#include <string.h>

enum { LANES = 16 };

typedef float vec __attribute__((vector_size(4 * LANES)));
typedef float half __attribute__((vector_size(2 * LANES)));
typedef float quarter __attribute__((vector_size(LANES)));

static inline vec load(const float *from) {
    vec v;
    memcpy(&v, from, sizeof v);
    return v;
}

static inline void store(float *to, vec v) {
    memcpy(to, &v, sizeof v);
}

static inline float sum(vec v) {
    half h = __builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7) + __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15);
    quarter q = __builtin_shufflevector(h, h, 0, 1, 2, 3) + __builtin_shufflevector(h, h, 4, 5, 6, 7);
    return (q[0] + q[2]) + (q[1] + q[3]);
}

/* Inlined with a constant size, so that the loops over a group unroll. */
static inline __attribute__((always_inline)) void norm(int64_t rows, int64_t groups, int64_t size, const float *x,
        const float *weight, const float *bias, double eps, int64_t count, float *y, double *mean, double *var) {
    float per = 1.0f / (float) size;
    for (int64_t t = 0; t < rows; t++) {
        double c2 = 1.0 / (double) (++count), c1 = 1 - c2;
        for (int64_t g = 0; g < groups; g++) {
            const float *from = x + (t * groups + g) * size;
            float *to = y + (t * groups + g) * size;
            vec all = {0}, squares = {0};
            for (int64_t i = 0; i < size; i += LANES) {
                all += load(from + i);
            }
            float m = sum(all) * per;
            for (int64_t i = 0; i < size; i += LANES) {
                vec off = load(from + i) - m;
                squares += off * off;
            }
            double delta = m - mean[g];
            var[g] = c1 * var[g] + c2 * (sum(squares) * per) + c1 * c2 * delta * delta;
            mean[g] += c2 * delta;
            float r = 1 / sqrtf((float) (var[g] + eps)), center = (float) mean[g];
            for (int64_t i = 0; i < size; i += LANES) {
                store(to + i, (load(from + i) - center) * r * load(weight + g * size + i) + load(bias + g * size + i));
            }
        }
    }
}

void peer_timestep_norm(int64_t rows, int64_t groups, int64_t size, const float *x, const float *weight, const float *bias,
        double eps, int64_t count, float *y, double *mean, double *var) {
    switch (size) {
        case 16: norm(rows, groups, 16, x, weight, bias, eps, count, y, mean, var); break;
        case 32: norm(rows, groups, 32, x, weight, bias, eps, count, y, mean, var); break;
        case 64: norm(rows, groups, 64, x, weight, bias, eps, count, y, mean, var); break;
        default: norm(rows, groups, size, x, weight, bias, eps, count, y, mean, var);
    }
}
