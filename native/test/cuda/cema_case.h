#pragma once

#include "../check.h"
#include "device.h"

#include <complex>

/* One call of CEMA, forward and backward, and what it must give. */
struct CemaCase {
    using Z = std::complex<double>;

    int64_t rows, channels, modes, batch;
    bool documents = false, reversed = false, slow = false;
    uint64_t seed;

    void check() {
        int64_t states = batch * modes * 2 * channels, cells = batch * rows * channels, blocks = (rows + 63) / 64;
        Numbers numbers(seed);
        Guarded<float> x(cells), y(cells), dy(cells), dx(cells), start(states), last(states), d_last(states),
            d_start(states), omega(channels), d_omega(channels), kept(batch * blocks * modes * 2 * channels);
        Guarded<double> q(modes * 2 * channels), c(modes * 2 * channels), dq(modes * 2 * channels),
            dc(modes * 2 * channels);
        Guarded<uint8_t> fresh(batch * rows);
        for (auto *floats : {&x, &dy, &dx, &start, &d_last, &d_start, &omega, &d_omega}) {
            numbers.fill(*floats);
        }
        for (auto *doubles : {&c, &dq, &dc}) {
            numbers.fill(*doubles);
        }
        for (int64_t i = 0; i < modes * channels; i++) {
            int64_t re = i / channels * 2 * channels + i % channels;
            double radius = slow ? 1 - 6e-6 : 1 - 0.2 * std::fabs(numbers.next()), phase = slow ? 1e-5 : numbers.next();
            radius = radius < 0 ? 0 : radius;
            q[re] = radius * std::cos(phase);
            q[re + channels] = radius * std::sin(phase);
        }
        for (int64_t i = 0; i < fresh.size(); i++) {
            // A few documents; some follow each other at once, some begin where chunks do.
            fresh[i] = documents && (numbers.next() > 1.6 || (i % rows % 256 == 0 && i % 5 < 3));
        }
        bool starts = seed % 3 != 1;
        std::vector<float> dx0(dx.begin(), dx.begin() + cells), d_start0(d_start.begin(), d_start.begin() + states),
            d_omega0(d_omega.begin(), d_omega.begin() + channels);
        std::vector<double> dq0(dq.begin(), dq.begin() + dq.size()), dc0(dc.begin(), dc.begin() + dc.size());
        for (auto *outputs : {&y, &last, &kept}) {
            for (int64_t i = 0; i < outputs->size(); i++) {
                (*outputs)[i] = NAN;
            }
        }

        ls_cuda_cema_params p{};
        p.size = sizeof p;
        p.batch = batch, p.rows = rows, p.channels = channels, p.modes = modes;
        p.x = x.begin(), p.q = q.begin(), p.c = c.begin(), p.omega = omega.begin();
        p.start = starts ? start.begin() : nullptr;
        p.fresh = documents ? fresh.begin() : nullptr;
        p.y = y.begin(), p.last = last.begin();
        p.reversed = reversed;
        Guarded<double> scratch(ls_cuda_cema_scratch(&p) / 8 + 1);
        p.scratch = scratch.begin();
        require(ls_cuda_cema(&p, nullptr) == LS_OK, ls_cuda_last_error());
        std::vector<float> without(y.begin(), y.begin() + cells);
        p.kept = kept.begin();
        require(ls_cuda_cema(&p, nullptr) == LS_OK, ls_cuda_last_error());
        for (int64_t i = 0; i < cells; i++) {
            close_to("y with kept states", i, y[i], without[i], 0);
        }

        // In place, as streams do.
        std::vector<float> state0(start.begin(), start.end()), last0(last.begin(), last.end());
        ls_cuda_cema_params stream = p;
        stream.last = start, stream.start = start;
        if (starts) {
            require(ls_cuda_cema(&stream, nullptr) == LS_OK, ls_cuda_last_error());
            for (int64_t i = 0; i < states; i++) {
                close_to("last in place", i, start[i], last0[i], 0);
            }
            std::copy(state0.begin(), state0.end(), start.begin());
        }

        Guarded<double> back(ls_cuda_cema_backward_scratch(&p) / 8 + 1);
        p.scratch = back.begin();
        p.dy = dy.begin(), p.d_last = seed % 4 ? d_last.begin() : nullptr;
        p.dx = dx.begin(), p.dq = dq.begin(), p.dc = dc.begin(), p.d_omega = d_omega.begin();
        p.d_start = starts ? d_start.begin() : nullptr;
        require(ls_cuda_cema_backward(&p, nullptr) == LS_OK, ls_cuda_last_error());

        for (int64_t d = 0; d < channels; d++) {
            std::vector<Z> d_q(modes), d_c(modes);
            double d_w = 0, share_w = 0, shares = 0;
            for (int64_t b = 0; b < batch; b++) {
                auto row = [&](int64_t s) { return (b * rows + (reversed ? rows - 1 - s : s)) * channels + d; };
                std::vector<double> sums(rows), size(rows), d_in(rows), d_size(rows);
                for (int64_t s = 0; s < rows; s++) {
                    sums[s] = (double)omega[d] * x[row(s)];
                    d_in[s] = (double)omega[d] * dy[row(s)];
                    size[s] = std::fabs(sums[s]);
                    d_size[s] = std::fabs(d_in[s]);
                    d_w += (double)x[row(s)] * dy[row(s)];
                    share_w += std::fabs((double)x[row(s)] * dy[row(s)]);
                }
                for (int64_t n = 0; n < modes; n++) {
                    int64_t re = 2 * n * channels + d, outer = b * modes * 2 * channels + re;
                    Z qn(q[re], q[re + channels]), cn(c[re], c[re + channels]),
                        s = starts ? Z(start[outer], start[outer + channels]) : Z();
                    std::vector<Z> before(rows);
                    double most = std::abs(s);
                    for (int64_t t = 0; t < rows; t++) {
                        before[t] = documents && fresh[b * rows + t] ? Z() : s;
                        s = qn * before[t] + (double)x[row(t)];
                        sums[t] += (cn * s).real();
                        most = std::max(most, std::abs(s));
                        size[t] += std::abs(cn) * most;
                        d_c[n] += (double)dy[row(t)] * std::conj(s);
                    }
                    close_to("last", outer, last[outer], s.real(), 1e-6 * (1 + most));
                    close_to("last", outer + channels, last[outer + channels], s.imag(), 1e-6 * (1 + most));
                    Z a = seed % 4 ? Z(d_last[outer], d_last[outer + channels]) : Z();
                    double a_most = std::abs(a);
                    for (int64_t t = rows - 1; t >= 0; t--) {
                        a += std::conj(cn) * (double)dy[row(t)];
                        d_in[t] += a.real();
                        a_most = std::max(a_most, std::abs(a));
                        d_size[t] += a_most;
                        d_q[n] += a * std::conj(before[t]);
                        shares += most * a_most;
                        a = documents && fresh[b * rows + t] ? Z() : std::conj(qn) * a;
                    }
                    if (starts) {
                        close_to("d_start", outer, d_start[outer], d_start0[outer] + a.real(), 2e-6 * (1 + a_most));
                        close_to("d_start", outer + channels, d_start[outer + channels],
                                 d_start0[outer + channels] + a.imag(), 2e-6 * (1 + a_most));
                    }
                }
                for (int64_t s = 0; s < rows; s++) {
                    close_to("y", row(s), y[row(s)], sums[s], 1e-6 * (1 + size[s]));
                    close_to("dx", row(s), dx[row(s)], dx0[row(s)] + d_in[s], 2e-6 * (2 + d_size[s]));
                }
            }
            for (int64_t n = 0; n < modes; n++) {
                int64_t re = 2 * n * channels + d;
                close_to("dq", re, dq[re], dq0[re] + d_q[n].real(), 1e-6 * (1 + shares));
                close_to("dq", re + channels, dq[re + channels], dq0[re + channels] + d_q[n].imag(),
                         1e-6 * (1 + shares));
                close_to("dc", re, dc[re], dc0[re] + d_c[n].real(), 1e-6 * (1 + shares));
                close_to("dc", re + channels, dc[re + channels], dc0[re + channels] + d_c[n].imag(),
                         1e-6 * (1 + shares));
            }
            close_to("d_omega", d, d_omega[d], d_omega0[d] + d_w, 1e-6 * (1 + share_w));
        }
    }
};
