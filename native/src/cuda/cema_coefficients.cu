#include "device.h"

/* CEMA's coefficients and the way back, in double: a thread for each channel and mode, channels neighbours. */
namespace ls::cuda {

namespace {

using Params = ls_cuda_cema_coefficients_params;

constexpr int THREADS = 128;
/* Of the backward, where a channel's modes share θ: channels of a block, and threads of a channel. */
constexpr int CHANNELS = 32, PARTS = 8;

LS_DEVICE double logistic(double x) { return 1 / (1 + exp(-x)); }

constexpr double TURN = 6.283185307179586476925286766559;

/* The phase of a channel's first mode; the others have its multiples. */
LS_DEVICE double phase_step(const Params &p, int64_t d) {
    return p.theta ? TURN / (double)p.modes * logistic(p.theta[d]) : 0;
}

LS_KERNEL(THREADS) cema_coefficients(Params p) {
    int64_t i = (int64_t)block_x() * THREADS + thread_index();
    if (i >= p.channels * p.modes) {
        return;
    }
    int64_t k = i / p.channels, d = i % p.channels, at = d * p.modes + k, re = 2 * k * p.channels + d;
    double pole = logistic(p.alpha[at]), radius = 1 - pole * logistic(p.delta[at]);
    double phase = (double)(k + 1) * phase_step(p, d), scale = pole / sqrt((double)p.modes);
    p.q[re] = radius * cos(phase);
    p.q[re + p.channels] = radius * sin(phase);
    p.p[i] = pole;
    p.c[re] = scale * p.gamma[2 * at];
    p.c[re + p.channels] = scale * p.gamma[2 * at + 1];
}

LS_DEVICE double value_or_0(const double *values, int64_t at) { return values ? values[at] : 0; }

LS_DEVICE void add(float *to, int64_t at, double x) {
    if (to) {
        to[at] = (float)(to[at] + x);
    }
}

LS_KERNEL(CHANNELS *PARTS) cema_coefficients_backward(Params p) {
    double *steps = shared_memory<double>();
    int lane = thread_index() % CHANNELS, part = thread_index() / CHANNELS;
    int64_t d = (int64_t)block_x() * CHANNELS + lane;
    double d_step = 0, root = sqrt((double)p.modes);
    for (int64_t k = part; k < p.modes && d < p.channels; k += PARTS) {
        int64_t at = d * p.modes + k, re = 2 * k * p.channels + d;
        double pole = logistic(p.alpha[at]), damping = logistic(p.delta[at]), radius = 1 - pole * damping;
        double phase = (double)(k + 1) * phase_step(p, d), along = cos(phase), across = sin(phase);
        double dq_re = value_or_0(p.dq, re), dq_im = value_or_0(p.dq, re + p.channels);
        double dc_re = value_or_0(p.dc, re) / root, dc_im = value_or_0(p.dc, re + p.channels) / root;
        double d_radius = dq_re * along + dq_im * across;
        d_step += (double)(k + 1) * radius * (dq_im * along - dq_re * across);
        double d_pole = value_or_0(p.dp, k * p.channels + d) - damping * d_radius + dc_re * p.gamma[2 * at] +
                        dc_im * p.gamma[2 * at + 1];
        add(p.d_alpha, at, d_pole * pole * (1 - pole));
        add(p.d_delta, at, -pole * d_radius * damping * (1 - damping));
        add(p.d_gamma, 2 * at, pole * dc_re);
        add(p.d_gamma, 2 * at + 1, pole * dc_im);
    }
    steps[thread_index()] = d_step;
    barrier();
    if (part == 0 && d < p.channels && p.theta) {
        for (int i = 1; i < PARTS; i++) {
            d_step += steps[i * CHANNELS + lane];
        }
        double s = logistic(p.theta[d]);
        add(p.d_theta, d, TURN / (double)p.modes * s * (1 - s) * d_step);
    }
}

} // namespace

} // namespace ls::cuda

using namespace ls::cuda;

ls_status ls_cuda_cema_coefficients(const ls_cuda_cema_coefficients_params *params, void *stream) {
    LS_NEEDS(params->size == sizeof *params && params->channels >= 0 && params->modes > 0);
    return LS_LAUNCH(cema_coefficients, Grid{(params->channels * params->modes + THREADS - 1) / THREADS}, THREADS, 0,
                     stream, *params);
}

ls_status ls_cuda_cema_coefficients_backward(const ls_cuda_cema_coefficients_params *params, void *stream) {
    LS_NEEDS(params->size == sizeof *params && params->channels >= 0 && params->modes > 0);
    return LS_LAUNCH(cema_coefficients_backward, Grid{(params->channels + CHANNELS - 1) / CHANNELS}, CHANNELS * PARTS,
                     CHANNELS * PARTS * (int64_t)sizeof(double), stream, *params);
}
