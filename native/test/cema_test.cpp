#include "families.h"

namespace {

/* y, the last state and all gradients of CEMA by its definition in double. */
void cema(int64_t rows, int64_t width, int64_t modes, bool front) {
    Numbers numbers(rows * 7 + width);
    int64_t states = 2 * modes * width, blocks = (rows + 63) / 64;
    Guarded<float> x(rows * width, front), y(rows * width, front), omega(width, front), start(states, front);
    Guarded<float> last(states, front), kept(blocks * states, front), dy(rows * width, front), dx(rows * width, front);
    Guarded<double> q(states, front), c(states, front), dq(states, front), dc(states, front);
    Guarded<float> d_last(states, front), d_start(states, front), d_omega(width, front);
    Guarded<int64_t> resets(2, front);
    Guarded<float> scratch(ls_cema_scratch(modes, width) + 16);
    numbers.fill(x);
    numbers.fill(omega);
    numbers.fill(start);
    numbers.fill(dy);
    numbers.fill(c);
    numbers.fill(d_last);
    for (int64_t i = 0; i < states; i++) q[i] = 0.35 * numbers.next();
    resets[0] = rows / 2;
    resets[1] = rows;
    ls_cema_params p{};
    p.size = sizeof p;
    p.rows = rows;
    p.width = p.channels = width;
    p.modes = modes;
    p.x = x;
    p.q = q;
    p.c = c;
    p.omega = omega;
    p.start = start;
    p.y = y;
    p.last = last;
    p.kept = kept;
    p.resets = resets;
    p.scratch = reinterpret_cast<float *>((reinterpret_cast<uintptr_t>(scratch.begin()) + 63) & ~(uintptr_t)63);
    ok(ls_cema(&p));
    p.dy = dy;
    p.dx = dx;
    p.dq = dq;
    p.dc = dc;
    p.d_last = d_last;
    p.d_start = d_start;
    p.d_omega = d_omega;
    ok(ls_cema_backward(&p));
    for (int64_t d = 0; d < width; d++) {
        std::vector<double> want(rows), gradient(rows);
        double want_omega = 0;
        for (int64_t t = 0; t < rows; t++) {
            want[t] = omega[d] * (double)x[t * width + d];
            gradient[t] = omega[d] * (double)dy[t * width + d];
            want_omega += (double)x[t * width + d] * dy[t * width + d];
        }
        close_to("dω", d, d_omega[d], want_omega, 1e-4 * (1 + std::fabs(want_omega)));
        for (int64_t n = 0; n < modes; n++) {
            int64_t re = 2 * n * width + d, im = re + width;
            std::vector<double> sr(rows + 1), si(rows + 1);
            double r = start[re], i = start[im], dcr = 0, dci = 0;
            for (int64_t t = 0; t < rows; t++) {
                if (t == rows / 2) r = i = 0;
                sr[t] = r;
                si[t] = i;
                double old = r;
                r = q[re] * r - q[im] * i + x[t * width + d];
                i = q[re] * i + q[im] * old;
                want[t] += c[re] * r - c[im] * i;
                dcr += dy[t * width + d] * r;
                dci -= dy[t * width + d] * i;
            }
            close_to("last state", re, last[re], r, 1e-4 * (1 + std::fabs(r)));
            close_to("dc", re, dc[re], dcr, 1e-4 * (1 + std::fabs(dcr)));
            close_to("dc", im, dc[im], dci, 1e-4 * (1 + std::fabs(dci)));
            double zr = d_last[re], zi = d_last[im], dqr = 0, dqi = 0;
            for (int64_t t = rows - 1; t >= 0; t--) {
                double ar = zr + c[re] * dy[t * width + d], ai = zi - c[im] * dy[t * width + d];
                gradient[t] += ar;
                dqr += ar * sr[t] + ai * si[t];
                dqi += ai * sr[t] - ar * si[t];
                zr = t == rows / 2 ? 0 : q[re] * ar + q[im] * ai;
                zi = t == rows / 2 ? 0 : q[re] * ai - q[im] * ar;
            }
            close_to("dq", re, dq[re], dqr, 1e-4 * (1 + std::fabs(dqr)));
            close_to("dq", im, dq[im], dqi, 1e-4 * (1 + std::fabs(dqi)));
            close_to("first state's gradient", re, d_start[re], zr, 1e-4 * (1 + std::fabs(zr)));
            close_to("first state's gradient", im, d_start[im], zi, 1e-4 * (1 + std::fabs(zi)));
        }
        for (int64_t t = 0; t < rows; t++) {
            close_to("cema", t * width + d, y[t * width + d], want[t], 1e-4 * (1 + std::fabs(want[t])));
            close_to("cema's dx", t * width + d, dx[t * width + d], gradient[t], 1e-4 * (1 + std::fabs(gradient[t])));
        }
    }
}

} // namespace

void cema_test() {
    for (int64_t n = 1; n <= 40; n++) {
        cema(n, 1 + n % 19, 1 + n % 5, n & 1);
    }
    cema(200, 33, 16, false);
    cema(65, 16, 3, true);
}
