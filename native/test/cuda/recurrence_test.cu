#include "../check.h"
#include "device.h"

#include <complex>

/* The diagonal recurrence on the emulated device against plain loops in double. */
namespace {

using Z = std::complex<double>;

struct Case {
    int64_t rows, channels, batch;
    bool complex, a_per_step, b, b_per_step, starts, documents, reversed;
    uint64_t seed;

    int64_t width() const { return complex ? 2 * channels : channels; }

    Z at(const float *values, int64_t row, bool per_step, int64_t d) const {
        int64_t i = (per_step ? row : 0) * width() + d;
        return {values[i], complex ? values[i + channels] : 0};
    }

    /* Expects `before` + sums in values. */
    void expect(const char *what, const Guarded<float> &values, const std::vector<float> &before,
                const std::vector<Z> &sums, double bound) const {
        for (int64_t i = 0; i < (int64_t)sums.size(); i++) {
            int64_t re = i / channels * width() + i % channels;
            double size = bound * (2 + std::abs(sums[i]));
            close_to(what, i, values[re], before[re] + sums[i].real(), size);
            if (complex) {
                close_to(what, i, values[re + channels], before[re + channels] + sums[i].imag(), size);
            }
        }
    }

    void check() {
        int64_t cells = batch * rows * width();
        Numbers numbers(seed);
        Guarded<float> a(a_per_step ? cells : width()), gain(b_per_step ? cells : width()), x(cells),
            start(batch * width()), h(cells), dh(cells), da(a.size()), db(gain.size()), dx(cells),
            d_start(start.size());
        Guarded<uint8_t> fresh(batch * rows);
        for (auto *floats : {&a, &gain, &x, &start, &dh, &da, &db, &dx, &d_start}) {
            numbers.fill(*floats);
        }
        for (float &v : a) {
            v *= 0.5f;
        }
        for (float &v : h) {
            v = NAN;
        }
        for (int64_t i = 0; i < batch * rows; i++) {
            fresh[i] = numbers.next() > 1.6 || (i % rows % 64 == 0 && i % 5 < 3);
        }
        auto copy = [](const Guarded<float> &values) { return std::vector<float>(values.begin(), values.end()); };
        std::vector<float> da0 = copy(da), db0 = copy(db), dx0 = copy(dx), d_start0 = copy(d_start);

        ls_cuda_recurrence_params p{};
        p.size = sizeof p;
        p.batch = batch, p.rows = rows, p.channels = channels;
        p.a = a, p.b = b ? gain.begin() : nullptr, p.x = x, p.start = starts ? start.begin() : nullptr;
        p.fresh = documents ? fresh.begin() : nullptr, p.h = h;
        p.complex = complex, p.a_per_step = a_per_step, p.b_per_step = b_per_step, p.reversed = reversed;
        Guarded<double> scratch(ls_cuda_recurrence_scratch(&p) / 8);
        p.scratch = scratch.begin();
        require(ls_cuda_recurrence(&p, nullptr) == LS_OK, ls_cuda_last_error());
        Guarded<double> back(ls_cuda_recurrence_backward_scratch(&p) / 8);
        p.scratch = back.begin();
        p.dh = dh, p.da = da, p.db = b ? db.begin() : nullptr, p.dx = dx,
        p.d_start = starts ? d_start.begin() : nullptr;
        require(ls_cuda_recurrence_backward(&p, nullptr) == LS_OK, ls_cuda_last_error());

        std::vector<Z> hs(batch * rows * channels), d_a(a_per_step ? hs.size() : channels),
            d_b(b_per_step ? hs.size() : channels), d_x(hs.size()), d_s(batch * channels);
        for (int64_t seq = 0; seq < batch; seq++) {
            for (int64_t d = 0; d < channels; d++) {
                auto row = [&](int64_t s) { return seq * rows + (reversed ? rows - 1 - s : s); };
                auto forgets = [&](int64_t s) { return documents && fresh[seq * rows + s]; };
                auto b_at = [&](int64_t r) { return b ? at(gain, r, b_per_step, d) : Z(1); };
                Z now = starts ? at(start, seq, true, d) : Z();
                for (int64_t s = 0; s < rows; s++) {
                    now =
                        (forgets(s) ? Z() : at(a, row(s), a_per_step, d) * now) + b_at(row(s)) * at(x, row(s), true, d);
                    hs[row(s) * channels + d] = now;
                }
                Z behind = 0;
                for (int64_t s = rows - 1; s >= 0; s--) {
                    int64_t i = row(s) * channels + d;
                    behind += at(dh, row(s), true, d);
                    d_x[i] += behind * std::conj(b_at(row(s)));
                    d_b[b_per_step ? i : d] += behind * std::conj(at(x, row(s), true, d));
                    Z before = forgets(s) ? Z()
                               : s > 0    ? hs[row(s - 1) * channels + d]
                               : starts   ? at(start, seq, true, d)
                                          : Z();
                    d_a[a_per_step ? i : d] += behind * std::conj(before);
                    behind = forgets(s) ? Z() : behind * std::conj(at(a, row(s), a_per_step, d));
                }
                d_s[seq * channels + d] = behind;
            }
        }
        expect("h", h, std::vector<float>(cells), hs, 1e-7);
        expect("dx", dx, dx0, d_x, 2e-7);
        expect("da", da, da0, d_a, 5e-7);
        if (b) {
            expect("db", db, db0, d_b, 5e-7);
        }
        if (starts) {
            expect("d_start", d_start, d_start0, d_s, 2e-7);
        }
    }
};

} // namespace

int main() {
    uint64_t seed = 0;
    for (int64_t rows = 0; rows <= 40; rows++, seed++) {
        uint64_t bits = seed * 2654435761u >> 3;
        auto bit = [&](int i) { return (bits >> i & 1) != 0; };
        Case{rows, 1 + rows % 4, 1 + rows % 2, bit(0), bit(1), bit(2), bit(2) && bit(3), bit(4), bit(5), bit(6), seed}
            .check();
    }
    for (int64_t rows : {63, 64, 65, 127, 129, 300, 520}) {
        for (int field = 0; field < 2; field++, seed++) {
            bool odd = rows % 2, third = rows % 3 == 0;
            Case{rows, 3, 2, field == 1, odd, true, third, !third, third || odd, seed % 2 == 1, seed}.check();
            Case{rows, 2, 1, field == 1, !odd, odd, odd, third, !odd, seed % 2 == 0, seed}.check();
        }
    }
    Case{70, 130, 2, true, false, true, false, true, true, false, seed++}.check();
    Case{70, 130, 1, false, false, true, false, false, false, true, seed++}.check();
    std::puts("recurrence: ok");
}
