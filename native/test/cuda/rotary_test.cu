#include "sizes.h"

#include <cstring>

/* Turned heads against kernel/Rotary.java's formulas in long double, positions of millions among them. */
namespace {

struct Case {
    int64_t batch, rows, heads, dim, first, period, epoch, origin;
    double scale_base;
    int sign;
    bool halves, backward, heads_first; /* rows of a head lie together */
    int64_t gap;
};

void check(const Case &t, int half, bool front) {
    int64_t head = t.dim + t.gap, between = t.heads_first ? t.rows : t.heads;
    int64_t head_stride = t.heads_first ? between * head : head, row_stride = t.heads_first ? head : between * head;
    int64_t n = t.batch * t.rows * t.heads * head - t.gap;
    Operand x(n, half, front), y(n, half, front);
    Numbers numbers(n);
    numbers.fill(x.values);
    numbers.fill(y.values);
    if (!t.backward) {
        poison(y.values);
    }
    ls_cuda_rotary_params p{};
    p.size = sizeof p;
    p.batch = t.batch, p.rows = t.rows, p.heads = t.heads, p.head_dim = t.dim;
    p.x = x.written(), p.y = y.written();
    p.x_batch = p.y_batch = t.rows * t.heads * head;
    p.x_row = p.y_row = row_stride, p.x_head = p.y_head = head_stride;
    p.first = t.first, p.base = 10000, p.period = t.period, p.scale_base = t.scale_base, p.epoch = t.epoch,
    p.origin = t.origin;
    p.sign = t.sign, p.halves = t.halves, p.backward = t.backward, p.half = half;
    std::vector<float> before(y.values.begin(), y.values.end());
    works(ls_cuda_rotary(&p, nullptr));
    y.read();
    for (int64_t i = 0; i < t.batch * t.rows * t.heads * t.dim / 2; i++) {
        int64_t m = i % (t.dim / 2), h = i / (t.dim / 2) % t.heads, r = i / (t.dim / 2) / t.heads % t.rows;
        int64_t b = i / (t.dim / 2) / t.heads / t.rows, at = b * p.x_batch + r * row_stride + h * head_stride;
        int64_t one = at + (t.halves ? m : 2 * m), other = one + (t.halves ? t.dim / 2 : 1), position = t.first + r;
        long double angle = (t.period ? position % t.period : position) * powl(10000, -m / (t.dim / 2.0L));
        long double scale = 1;
        if (t.scale_base != 0) {
            int64_t from = t.epoch ? position / t.epoch * t.epoch : t.origin;
            scale =
                powl((2 * m + 0.4L * t.dim) / (1.4L * t.dim), t.sign * (position - from) / (long double)t.scale_base);
        }
        long double cos = scale * cosl(angle), sin = scale * sinl(t.backward ? -angle : angle);
        float v = x.values[one], w = x.values[other];
        double e = (double)(v * cos - w * sin), f = (double)(v * sin + w * cos),
               size = (double)scale * (std::fabs(v) + std::fabs(w));
        e += t.backward ? before[one] : 0;
        f += t.backward ? before[other] : 0;
        close_to("first of a pair", one, y.values[one], e, 3e-7 * (size + std::fabs(e)) + (half ? bound(e, 1) : 0));
        close_to("second of a pair", other, y.values[other], f,
                 3e-7 * (size + std::fabs(f)) + (half ? bound(f, 1) : 0));
    }
    for (int64_t i = 0; i < n; i++) {
        require(i % head < t.dim || std::memcmp(&y.values[i], &before[i], 4) == 0,
                "what lies between heads must be left alone");
    }
}

} // namespace

int main() {
    for (int64_t dim : {2, 4, 6, 8, 10, 16, 20, 32, 64, 80, 256}) {
        for (int flags = 0; flags < 8; flags++) {
            bool halves = flags & 1, backward = flags & 2, heads_first = flags & 4;
            each_storage(!backward, [&](int half, bool front) {
                check({2, 3, 3, dim, 0, 0, 0, 0, 0, 1, halves, backward, heads_first, flags % 4 ? 0 : 3}, half, front);
                check({1, 5, 2, dim, 7, 4, 0, 0, 0, 1, halves, backward, heads_first, 8}, half, front);
                check({1, 7, 1, dim, 8189, 0, 8192, 0, 512, -1, halves, backward, heads_first, 0}, half, front);
                check({1, 2, 2, dim, 9000000, 0, 0, 8999000, 512, 1, halves, backward, heads_first, 0}, half, front);
            });
        }
    }
    check({1, 600, 1, 4, 0, 0, 0, 0, 0, 1, false, false, false, 0}, 0, true); /* more rows than a block's table holds */
    ls_cuda_rotary_params odd{};
    odd.size = sizeof odd;
    odd.head_dim = 3;
    require(ls_cuda_rotary(&odd, nullptr) == LS_BAD_ARGUMENT, "an odd head");
    std::puts("rotary: ok");
}
