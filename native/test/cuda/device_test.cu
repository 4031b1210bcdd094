#include "../check.h"
#include "device.h"

/* The device's primitives against plain loops, and what the emulator must refuse. */
namespace {

using namespace ls::cuda;

/* S = A·Bᵀ + row maxima, of A [16, 16] and B [8, 16], through shared memory as the kernels go. */
LS_KERNEL(32) scores(const bf16 *a, const bf16 *b, float *s, float *max) {
    bf16 *sa = shared_memory<bf16>(), *sb = sa + 256;
    for (int i = lane(); i < 32; i += WARP) {
        copy_async(sa + i * 8, a + i * 8, true);
        copy_async(sb + i * 8, b + i * 8, i < 16);
    }
    commit_copies();
    wait_for_copies<0>();
    barrier();
    uint32_t left[4], right[4];
    load_matrices(left, sa + lane() % 16 * 16 + lane() / 16 * 8);
    load_matrices(right, sb + lane() % 8 * 16 + lane() / 8 % 2 * 8);
    uint32_t pair[2] = {right[0], right[1]};
    float c[4] = {0, 0, 0, 0};
    mma_bf16(c, left, pair);
    int g = lane() / 4, q = lane() % 4;
    for (int i = 0; i < 4; i++) {
        s[(g + i / 2 * 8) * 8 + q * 2 + i % 2] = c[i];
    }
    for (int half = 0; half < 2; half++) {
        float m = fmaxf(c[2 * half], c[2 * half + 1]);
        m = fmaxf(m, shuffle_xor(m, 1));
        m = fmaxf(m, shuffle_xor(m, 2));
        if (q == 0) {
            max[g + half * 8] = m;
        }
    }
}

LS_KERNEL(32) product_tf32(const float *a, const float *b, float *c) {
    int g = lane() / 4, q = lane() % 4;
    uint32_t left[4] = {bits_of(a[g * 8 + q]), bits_of(a[(g + 8) * 8 + q]), bits_of(a[g * 8 + q + 4]), bits_of(a[(g + 8) * 8 + q + 4])};
    uint32_t right[2] = {bits_of(b[q * 8 + g]), bits_of(b[(q + 4) * 8 + g])};
    float sum[4] = {0, 0, 0, 0};
    mma_tf32(sum, left, right);
    for (int i = 0; i < 4; i++) {
        c[(g + i / 2 * 8) * 8 + q * 2 + i % 2] = sum[i];
    }
}

/* B [16, 8] by rows, turned by the load. */
LS_KERNEL(32) transposed(const bf16 *b, float *to) {
    bf16 *shared = shared_memory<bf16>();
    for (int i = lane(); i < 128; i += WARP) {
        shared[i] = b[i];
    }
    warp_barrier();
    uint32_t r[4];
    load_matrices_transposed(r, shared + lane() % 16 * 8);
    for (int m = 0; m < 2; m++) {
        for (int j = 0; j < 2; j++) {
            bf16 v = {(uint16_t)(r[m] >> 16 * j)};
            to[(m * 8 + lane() % 4 * 2 + j) * 8 + lane() / 4] = value(v);
        }
    }
}

/* Each thread reads what its neighbour wrote, with or without a barrier between. */
LS_KERNEL(64) neighbour(float *y, bool waits) {
    float *shared = shared_memory<float>();
    shared[thread_index()] = (float)thread_index();
    if (waits) {
        barrier();
    }
    y[thread_index()] = shared[(thread_index() + 1) % threads()];
}

LS_KERNEL(32) lost_lane(float *y) {
    if (lane() == 7) {
        return;
    }
    y[lane()] = warp_sum(1.0f);
}

LS_KERNEL(32) unlike(float *y) { y[lane()] = lane() < 16 ? shuffle_xor(1.0f, 1) : (float)warp_any(true); }

LS_KERNEL(32) forgets_to_wait(const float *x, float *y) {
    float *shared = shared_memory<float>();
    copy_async_word(shared + lane(), x + lane(), true);
    commit_copies();
    y[lane()] = shared[lane()];
    wait_for_copies<0>();
}


bool starts(const char *text, const char *with) { return std::strncmp(text, with, std::strlen(with)) == 0; }

void products() {
    Guarded<float> a(256), b(128), s(128), max(16);
    Numbers numbers(1);
    numbers.fill(a);
    numbers.fill(b);
    Guarded<bf16> ha(256), hb(128);
    for (int i = 0; i < 256; i++) {
        put(ha[i], a[i]);
    }
    for (int i = 0; i < 128; i++) {
        put(hb[i], b[i]);
    }
    require(LS_LAUNCH(scores, Grid{1}, 32, 1024, nullptr, ha.begin(), hb.begin(), s.begin(), max.begin()) == LS_OK, "scores");
    for (int i = 0; i < 16; i++) {
        double most = -1e30;
        for (int j = 0; j < 8; j++) {
            double sum = 0;
            for (int k = 0; k < 16; k++) {
                sum += (double)value(ha[i * 16 + k]) * value(hb[j * 16 + k]);
            }
            most = sum > most ? sum : most;
            close_to("score", i * 8 + j, s[i * 8 + j], sum, 1e-5);
        }
        close_to("maximum", i, max[i], most, 1e-5);
    }
    require(LS_LAUNCH(product_tf32, Grid{1}, 32, 0, nullptr, a.begin(), b.begin(), s.begin()) == LS_OK, "tf32");
    for (int i = 0; i < 16; i++) {
        for (int j = 0; j < 8; j++) {
            double sum = 0;
            for (int k = 0; k < 8; k++) {
                sum += (double)a[i * 8 + k] * b[k * 8 + j];
            }
            close_to("tf32", i * 8 + j, s[i * 8 + j], sum, 0.05);
        }
    }
    require(LS_LAUNCH(transposed, Grid{1}, 32, 256, nullptr, hb.begin(), s.begin()) == LS_OK, "transposed");
    for (int i = 0; i < 128; i++) {
        close_to("transposed", i, s[i], value(hb[i]), 0);
    }
}

void faults() {
    Guarded<float> y(64), x(32);
    require(LS_LAUNCH(neighbour, Grid{1}, 64, 256, nullptr, y.begin(), true) == LS_OK, "neighbour");
    for (int i = 0; i < 64; i++) {
        close_to("neighbour", i, y[i], (i + 1) % 64, 0);
    }
    require(LS_LAUNCH(neighbour, Grid{1}, 64, 256, nullptr, y.begin(), false) == LS_OK, "a race is no fault");
    bool seen = false;
    for (int i = 0; i < 64; i++) {
        seen |= std::isnan(y[i]);
    }
    require(seen, "a missing barrier must show as NaN");
    require(LS_LAUNCH(forgets_to_wait, Grid{1}, 32, 128, nullptr, x.begin(), y.begin()) == LS_OK, "copies");
    require(std::isnan(y[3]), "a copy that nobody waited for must not have happened");
    require(LS_LAUNCH(lost_lane, Grid{1}, 32, 0, nullptr, y.begin()) == LS_CUDA_FAULT, "a lost lane");
    require(starts(ls_cuda_last_error(), "lost_lane: "), ls_cuda_last_error());
    require(LS_LAUNCH(unlike, Grid{1}, 32, 0, nullptr, y.begin()) == LS_CUDA_FAULT, "unlike collectives");
    require(LS_LAUNCH(neighbour, Grid{1}, 33, 256, nullptr, y.begin(), true) == LS_BAD_ARGUMENT, "threads");
    require(LS_LAUNCH(neighbour, Grid{0}, 64, 256, nullptr, y.begin(), true) == LS_OK, "no block");
    require(LS_LAUNCH(neighbour, Grid{1}, 64, 256, nullptr, y.begin(), true) == LS_OK, "the next launch works");
}

} // namespace

int main() {
    products();
    faults();
    std::puts("device: ok");
}
