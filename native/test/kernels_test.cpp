/* Every kernel against a naive loop in double; sizes 1 to 40 and tile edges; operands flush against pages of no access. */
#include "longspan.h"

#include "check.h"

#include <algorithm>
#include <cstring>

namespace {

std::vector<int64_t> sizes() {
    std::vector<int64_t> all;
    for (int64_t n = 0; n <= 40; n++) {
        all.push_back(n);
    }
    for (int64_t n : {47, 48, 49, 63, 64, 65, 95, 96, 97, 127, 128, 129, 1000}) {
        all.push_back(n);
    }
    return all;
}

void ok(ls_status status) { require(status == LS_OK, ls_last_error()); }

/* Both sides of a buffer are watched, one after the other. */
template <class Body> void both_ends(Body body) {
    body(false);
    body(true);
}

/* Variants are added up: b across, accumulate, then LS_HALF_A, B, BIAS and C. */
void gemm(int64_t m, int64_t n, int64_t k, int variant, bool front) {
    Numbers numbers(m * 10007 + n * 101 + k);
    bool across = variant & 1, few = m <= 4, accumulate = variant & 2;
    int32_t halves = variant >> 2;
    Operand a(m * k, halves & LS_HALF_A, front), b(k * n, halves & LS_HALF_B, front), c(m * n, halves & LS_HALF_C, front);
    Operand bias(n, halves & LS_HALF_BIAS, front);
    numbers.fill(a.values);
    numbers.fill(b.values);
    numbers.fill(c.values);
    numbers.fill(bias.values);
    int64_t panels = (n + ls_gemm_panel() - 1) / ls_gemm_panel();
    Guarded<float> packed(panels * ls_gemm_panel() * k), scratch(ls_gemm_scratch(m, n, k));
    ls_gemm_params p{};
    p.size = sizeof p;
    p.rows = m;
    p.cols = n;
    p.depth = k;
    p.a = a.written();
    p.a_row = across ? 1 : k;
    p.a_col = across ? m : 1;
    p.b_row = across ? 1 : n;
    p.b_col = across ? k : 1;
    if (few) {
        p.b = b.written();
    } else {
        ok(ls_gemm_pack(b.written(), halves & LS_HALF_B, p.b_row, p.b_col, n, k, packed));
        p.packed = packed;
    }
    void *added = bias.written();
    p.bias = accumulate ? nullptr : added;
    p.c = c.written();
    std::vector<float> before(c.values.begin(), c.values.end());
    p.c_row = n;
    p.scratch = scratch;
    p.accumulate = accumulate;
    p.halves = halves;
    ok(ls_gemm(&p));
    c.read();
    for (int64_t i = 0; i < m; i++) {
        for (int64_t j = 0; j < n; j++) {
            double sum = accumulate ? before[i * n + j] : bias.values[j];
            double size = std::fabs(sum);
            for (int64_t t = 0; t < k; t++) {
                double term = (double)a.values[i * p.a_row + t * p.a_col] * b.values[t * p.b_row + j * p.b_col];
                sum += term;
                size += std::fabs(term);
            }
            double rounding = halves & LS_HALF_C ? std::fabs(sum) * HALF_ROUNDING : 0;
            close_to("gemm", i * n + j, c.values[i * n + j], sum, size * 1.2e-7 * (2 + std::sqrt((double)k)) + rounding);
        }
    }
}

void gemms() {
    for (int64_t m : {1, 2, 4, 5, 6, 11, 12, 13, 24, 25, 40}) {
        for (int64_t n : sizes()) {
            if (n > 0 && n < 200) {
                for (int64_t k : {1, 2, 7, 31, 40}) {
                    gemm(m, n, k, (int)(m + n + k) % 4, n & 1);
                    gemm(m, n, k, (int)(m + 7 * n + 13 * k) % 64, n & 1);
                }
            }
        }
    }
    gemm(97, 65, 513, 0, false);
    gemm(3, 300, 600, 1, true);
    gemm(13, 33, 0, 0, false);
}

/* Against the product of the rounded numbers, which is exact but for the scales; they are off by half a step at most. */
void int8(int64_t rows, int64_t depth, bool half, bool front) {
    Numbers numbers(rows * 17 + depth);
    Operand w(rows * depth, half, front);
    Guarded<float> x(depth, front), bias(rows, front), y(rows, front), scales(rows, front);
    Guarded<int8_t> packed(rows * ls_int8_row(depth), front);
    Guarded<uint8_t> inputs(ls_int8_row(depth), front);
    Guarded<int32_t> sums(rows, front);
    numbers.fill(w.values);
    numbers.fill(x);
    numbers.fill(bias);
    ok(ls_int8_weights(w.written(), half, depth, rows, depth, packed, scales, sums));
    float scale;
    ok(ls_int8_inputs(x, depth, inputs, &scale));
    ok(ls_int8_product(inputs, scale, packed, scales, sums, bias, y, rows, depth));
    for (int64_t r = 0; r < rows; r++) {
        double sum = 0, size = 0;
        for (int64_t k = 0; k < depth; k++) {
            double weight = (double)packed[r * ls_int8_row(depth) + k] * scales[r];
            double input = ((double)inputs[k] - 128) * scale;
            close_to("byte of a weight", r * depth + k, weight, w.values[r * depth + k], 0.5001 * scales[r]);
            close_to("byte of an input", k, input, x[k], 0.5001 * scale);
            sum += weight * input;
            size += std::fabs(weight * input);
        }
        close_to("int8", r, y[r], sum + bias[r], 2e-7 * (size + std::fabs(bias[r])));
    }
    if (depth > 0) {
        x[depth - 1] = NAN;
        ok(ls_int8_inputs(x, depth, inputs, &scale));
        ok(ls_int8_product(inputs, scale, packed, scales, sums, nullptr, y, rows, depth));
        require(std::isnan(y[0]), "NaN is passed on");
    }
}

void int8s() {
    for (int64_t depth : sizes()) {
        int8(1 + depth % 9, depth, depth % 3 == 0, depth & 1);
    }
    int8(7, 4097, false, false);
    /* The largest sums there can be. */
    Guarded<float> most(65536), y(1), scales(1);
    Guarded<int8_t> packed(65536);
    Guarded<uint8_t> inputs(65536);
    Guarded<int32_t> sums(1);
    std::fill(most.begin(), most.end(), 1.0f);
    float scale;
    ok(ls_int8_weights(most, 0, 65536, 1, 65536, packed, scales, sums));
    ok(ls_int8_inputs(most, 65536, inputs, &scale));
    ok(ls_int8_product(inputs, scale, packed, scales, sums, nullptr, y, 1, 65536));
    close_to("int8", 0, y[0], 65536, 0.01);
    require(ls_int8_inputs(most, 65537, inputs, &scale) == LS_BAD_ARGUMENT, "longer rows are refused");
}

void pointwise(int64_t n, bool front) {
    Numbers numbers(n + 1);
    Guarded<float> x(n, front), dy(n, front), y(n, front), old(n, front);
    numbers.fill(x);
    numbers.fill(dy);
    numbers.fill(old);
    auto reset = [&] { std::memcpy(y, old, sizeof(float) * n); };
    ok(ls_fill(0.5f, y, n));
    for (int64_t i = 0; i < n; i++) close_to("fill", i, y[i], 0.5, 0);
    reset();
    ok(ls_axpby(0.3f, x, 0.7f, y, n));
    for (int64_t i = 0; i < n; i++) close_to("axpby", i, y[i], 0.3 * x[i] + 0.7 * old[i], 1e-6);
    reset();
    ok(ls_add(x, dy, y, n));
    for (int64_t i = 0; i < n; i++) close_to("add", i, y[i], (double)x[i] + dy[i], 1e-6);
    reset();
    ok(ls_multiply(x, dy, y, n, 1));
    for (int64_t i = 0; i < n; i++) close_to("multiply", i, y[i], (double)x[i] * dy[i] + old[i], 3e-6);
    reset();
    ok(ls_add_scalar(2, y, n));
    for (int64_t i = 0; i < n; i++) close_to("add scalar", i, y[i], old[i] + 2.0, 1e-6);
    reset();
    ok(ls_clamp(0.5f, y, n));
    for (int64_t i = 0; i < n; i++) close_to("clamp", i, y[i], std::clamp((double)old[i], -0.5, 0.5), 0);
    double sum = 0, squares = 0, total, total_squares;
    for (int64_t i = 0; i < n; i++) {
        sum += x[i];
        squares += (double)x[i] * x[i];
    }
    ok(ls_sum(x, n, &total));
    ok(ls_sum_squares(x, n, &total_squares));
    close_to("sum", 0, total, sum, 1e-12 * (1 + n));
    close_to("sum of squares", 0, total_squares, squares, 1e-12 * (1 + n));
    reset();
    if (n > 2) {
        y[n - 1] = NAN;
        y[0] = INFINITY;
    }
    int64_t found;
    ok(ls_count_non_finite(y, n, &found));
    require(found == (n > 2 ? 2 : 0), "count of NaN and infinities");
    ok(ls_dropout(0.25, 3, 4, 100, x, y, n, 0));
    for (int64_t i = 0; i < n; i++) {
        require(y[i] == 0 || std::fabs(y[i] - x[i] / 0.75) < 1e-5, "dropout keeps or drops");
    }
}

double cdf(double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }

double value(int f, double x) {
    switch (f) {
    case LS_RELU: return x > 0 ? x : 0;
    case LS_GELU: return x * cdf(x);
    case LS_GELU_TANH: return x / 2 * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
    case LS_SILU: return x / (1 + std::exp(-x));
    default: return std::tanh(x);
    }
}

void activations(int64_t n, bool front) {
    Numbers numbers(n + 2);
    for (int f = LS_RELU; f <= LS_TANH; f++) {
        Guarded<float> x(n, front), up(n, front), dy(n, front), y(n, front), dx(n, front), du(n, front);
        numbers.fill(x);
        numbers.fill(up);
        numbers.fill(dy);
        ok(ls_activation(f, x, y, n));
        ok(ls_activation_backward(f, x, dy, dx, n));
        for (int64_t i = 0; i < n; i++) {
            double h = 1e-5;
            double slope = (value(f, x[i] + h) - value(f, x[i] - h)) / (2 * h);
            close_to("activation", i, y[i], value(f, x[i]), 1e-6);
            close_to("its slope", i, dx[i], slope * dy[i], 2e-5);
            dx[i] = 0;
        }
        ok(ls_gated(f, x, up, y, n));
        ok(ls_gated_backward(f, x, up, dy, dx, du, n));
        for (int64_t i = 0; i < n; i++) {
            double h = 1e-5;
            double slope = (value(f, x[i] + h) - value(f, x[i] - h)) / (2 * h);
            close_to("gated", i, y[i], value(f, x[i]) * up[i], 3e-6);
            close_to("its gate's gradient", i, dx[i], slope * dy[i] * up[i], 5e-5);
            close_to("its other gradient", i, du[i], value(f, x[i]) * dy[i], 3e-6);
        }
    }
    require(ls_activation(9, nullptr, nullptr, 0) == LS_BAD_ARGUMENT, "an unknown activation is refused");
}

void norms(int64_t d, bool front) {
    if (d == 0) {
        return;
    }
    int64_t rows = 3;
    Numbers numbers(d + 3);
    Guarded<float> x(rows * d, front), w(d, front), b(d, front), y(rows * d, front), mean(rows, front), rstd(rows, front);
    Guarded<float> dy(rows * d, front), dx(rows * d, front), dw(d, front), db(d, front);
    numbers.fill(x);
    numbers.fill(w);
    numbers.fill(b);
    numbers.fill(dy);
    for (bool centred : {true, false}) {
        ok(ls_norm(x, w, b, 0.25f, 0.01, y, centred ? (float *)mean : nullptr, rstd, rows, d));
        std::memset(dx, 0, sizeof(float) * rows * d);
        std::memset(dw, 0, sizeof(float) * d);
        std::memset(db, 0, sizeof(float) * d);
        ok(ls_norm_backward(x, w, 0.25f, centred ? (float *)mean : nullptr, rstd, 0, dy, dx, dw, db, rows, d));
        std::vector<double> want_dw(d), want_db(d);
        for (int64_t i = 0; i < rows; i++) {
            double m = 0, squares = 0, mg = 0, mgx = 0;
            for (int64_t j = 0; centred && j < d; j++) m += (double)x[i * d + j] / d;
            for (int64_t j = 0; j < d; j++) squares += (x[i * d + j] - m) * (x[i * d + j] - m) / d;
            double r = 1 / std::sqrt(squares + 0.01);
            for (int64_t j = 0; j < d; j++) {
                double g = dy[i * d + j] * (w[j] + 0.25), hat = (x[i * d + j] - m) * r;
                close_to("norm", i * d + j, y[i * d + j], hat * (w[j] + 0.25) + b[j], 3e-5);
                mg += centred ? g / d : 0;
                mgx += g * hat / d;
                want_dw[j] += hat * dy[i * d + j];
                want_db[j] += dy[i * d + j];
            }
            for (int64_t j = 0; j < d; j++) {
                double g = dy[i * d + j] * (w[j] + 0.25), hat = (x[i * d + j] - m) * r;
                close_to("norm's gradient", i * d + j, dx[i * d + j], r * (g - mg - hat * mgx), 3e-4);
            }
        }
        for (int64_t j = 0; j < d; j++) {
            close_to("weight's gradient", j, dw[j], want_dw[j], 1e-4);
            close_to("bias's gradient", j, db[j], want_db[j], 1e-5);
        }
    }
}

void tables(int64_t d, bool front) {
    int64_t vocabulary = 7, n = 11;
    Numbers numbers(d + 4);
    Guarded<float> table(vocabulary * d, front), y(n * d, front), d_table(vocabulary * d, front);
    Guarded<int64_t> ids(n, front);
    numbers.fill(table);
    for (int64_t i = 0; i < n; i++) ids[i] = i * 5 % vocabulary;
    ok(ls_embedding(table, d, vocabulary, ids, 1, 2, y, d, n, d));
    ok(ls_embedding_backward(ids, 1, 2, y, d, d_table, d, vocabulary, n, d));
    for (int64_t i = 0; i < n * d; i++) close_to("embedding", i, y[i], 2.0 * table[ids[i / (d ? d : 1)] * d + i % d], 1e-6);
    for (int64_t v = 0; v < vocabulary; v++) {
        for (int64_t j = 0; j < d; j++) {
            double sum = 0;
            for (int64_t i = 0; i < n; i++) sum += ids[i] == v ? 2.0 * y[i * d + j] : 0;
            close_to("embedding's gradient", v * d + j, d_table[v * d + j], sum, 1e-4);
        }
    }
    ids[3] = vocabulary;
    require(ls_embedding(table, d, vocabulary, ids, 1, 2, y, d, n, d) == LS_BAD_ARGUMENT, "an id outside the table");
}

void losses(int64_t classes, bool front) {
    if (classes == 0) {
        return;
    }
    int64_t rows = 3;
    Numbers numbers(classes + 5);
    Guarded<float> logits(rows * classes, front), loss(rows, front), lse(rows, front), d(rows, front);
    Guarded<float> dl(rows * classes, front);
    Guarded<int32_t> targets(rows, front);
    numbers.fill(logits);
    numbers.fill(d);
    targets[0] = 0;
    targets[1] = (int32_t)classes - 1;
    targets[2] = -1;
    ok(ls_cross_entropy(logits, classes, targets, 0, loss, lse, rows, classes));
    ok(ls_cross_entropy_backward(logits, classes, targets, 0, lse, d, dl, classes, rows, classes));
    for (int64_t i = 0; i < rows; i++) {
        double sum = 0;
        for (int64_t j = 0; j < classes; j++) sum += std::exp((double)logits[i * classes + j]);
        close_to("log-sum-exp", i, lse[i], std::log(sum), 3e-6);
        close_to("loss", i, loss[i], targets[i] < 0 ? 0 : std::log(sum) - logits[i * classes + targets[i]], 5e-6);
        for (int64_t j = 0; j < classes; j++) {
            double want = targets[i] < 0 ? 0 : d[i] * (std::exp(logits[i * classes + j] - std::log(sum)) - (j == targets[i]));
            close_to("loss's gradient", i * classes + j, dl[i * classes + j], want, 5e-6);
        }
    }
}

void optimizer(int64_t n, bool front) {
    Numbers numbers(n + 6);
    Guarded<float> w(n, front), g(n, front), m(n, front), v(n, front);
    numbers.fill(w);
    numbers.fill(g);
    std::vector<float> before(w.begin(), w.end());
    ok(ls_adamw(0.5f, 0.9f, 0.1f, 0.99f, 0.01f, 0.001f, 1e-6f, 0.0001f, w, g, m, v, n));
    for (int64_t i = 0; i < n; i++) {
        double mean = 0.05 * g[i], square = 0.0025 * g[i] * g[i];
        close_to("first moment", i, m[i], mean, 1e-7);
        close_to("weight", i, w[i], before[i] - (0.001 * mean / (std::sqrt(square) + 1e-6) + 0.0001 * before[i]), 1e-6);
    }
}

struct AttentionSize {
    int64_t queries, keys, dim, value_dim;
    bool causal;
};

/* Forward and gradients of one head; causal queries are the last ones. */
void attention(AttentionSize s, bool half, bool front) {
    Numbers numbers(s.queries * 31 + s.keys);
    Operand of_q(s.queries * s.dim, half, front), of_k(s.keys * s.dim, half, front), of_v(s.keys * s.value_dim, half, front);
    Operand of_out(s.queries * s.value_dim, half, front), of_d_out(s.queries * s.value_dim, half, front);
    Guarded<float> &q = of_q.values, &k = of_k.values, &v = of_v.values, &out = of_out.values, &d_out = of_d_out.values;
    Guarded<float> lse(s.queries, front), dq(s.queries * s.dim, front), dk(s.keys * s.dim, front), dv(s.keys * s.value_dim, front);
    Guarded<int32_t> first(s.queries, front), end(s.queries, front);
    Guarded<float> scratch(ls_attention_scratch(s.dim, s.value_dim));
    numbers.fill(q);
    numbers.fill(k);
    numbers.fill(v);
    numbers.fill(d_out);
    for (int64_t i = 0; i < s.queries; i++) {
        lse[i] = -INFINITY;
        end[i] = (int32_t)(s.causal ? s.keys - s.queries + i + 1 : s.keys);
    }
    ls_attention_params p{};
    p.size = sizeof p;
    p.dim = s.dim;
    p.value_dim = s.value_dim;
    p.half = half;
    p.q = of_q.written();
    p.k = of_k.written();
    p.v = of_v.written();
    p.q_row = p.k_row = p.dq_row = p.dk_row = s.dim;
    p.v_row = p.out_row = p.d_out_row = p.dv_row = s.value_dim;
    p.out = of_out.written();
    p.lse = lse;
    p.lse_row = 1;
    p.query_run = p.query_period = p.key_run = p.key_period = p.position_run = p.position_period = 1;
    p.queries_to = s.queries;
    p.keys_to = p.keys = s.keys;
    p.first = first;
    p.end = end;
    p.scale = 1 / std::sqrt((double)s.dim);
    p.scratch = scratch;
    ok(ls_attention(&p));
    of_out.read();
    p.d_out = of_d_out.written();
    p.dq = dq;
    p.dk = dk;
    p.dv = dv;
    p.keys_too = p.queries_too = p.dense = 1;
    ok(ls_attention_backward(&p));
    std::vector<double> want_dk(s.keys * s.dim), want_dv(s.keys * s.value_dim);
    for (int64_t i = 0; i < s.queries; i++) {
        std::vector<double> weights(end[i]);
        double max = -INFINITY, sum = 0, delta = 0;
        for (int64_t j = 0; j < end[i]; j++) {
            for (int64_t d = 0; d < s.dim; d++) weights[j] += p.scale * q[i * s.dim + d] * k[j * s.dim + d];
            max = std::max(max, weights[j]);
        }
        for (double &w : weights) sum += w = std::exp(w - max);
        close_to("lse", i, lse[i], max + std::log(sum), 5e-6);
        std::vector<double> o(s.value_dim), want_dq(s.dim);
        for (int64_t j = 0; j < end[i]; j++) {
            weights[j] /= sum;
            for (int64_t d = 0; d < s.value_dim; d++) o[d] += weights[j] * v[j * s.value_dim + d];
        }
        for (int64_t d = 0; d < s.value_dim; d++) {
            close_to("attention", i * s.value_dim + d, out[i * s.value_dim + d], o[d],
                     5e-6 + (half ? std::fabs(o[d]) * HALF_ROUNDING : 0));
            /* What the kernel was given as its output. */
            delta += (half ? out[i * s.value_dim + d] : o[d]) * d_out[i * s.value_dim + d];
        }
        for (int64_t j = 0; j < end[i]; j++) {
            double dp = 0;
            for (int64_t d = 0; d < s.value_dim; d++) {
                dp += (double)v[j * s.value_dim + d] * d_out[i * s.value_dim + d];
                want_dv[j * s.value_dim + d] += weights[j] * d_out[i * s.value_dim + d];
            }
            double ds = weights[j] * (dp - delta) * p.scale;
            for (int64_t d = 0; d < s.dim; d++) {
                want_dq[d] += ds * k[j * s.dim + d];
                want_dk[j * s.dim + d] += ds * q[i * s.dim + d];
            }
        }
        for (int64_t d = 0; d < s.dim; d++) close_to("dq", i * s.dim + d, dq[i * s.dim + d], want_dq[d], 2e-5);
    }
    for (int64_t i = 0; i < s.keys * s.dim; i++) close_to("dk", i, dk[i], want_dk[i], 5e-5);
    for (int64_t i = 0; i < s.keys * s.value_dim; i++) close_to("dv", i, dv[i], want_dv[i], 5e-5);
    int32_t raised = 1;
    p.cancel = &raised;
    require(s.keys == 0 || ls_attention(&p) == LS_CANCELLED, "a raised flag stops attention");
}

void attentions() {
    for (int64_t n = 1; n <= 40; n++) {
        attention({n, n, 1 + n % 9, 1 + n % 35, true}, n % 3 == 0, n & 1);
        attention({1 + n % 5, n, 8, 17, false}, n % 3 == 1, n & 1);
    }
    for (int64_t n : {95, 96, 97, 200, 300}) {
        attention({n, n, 24, 40, true}, n & 1, false);
        attention({n / 2, n, 33, 65, false}, !(n & 1), true);
    }
}

/* y, the last state and all gradients of CEMA by its definition in double. */
void cema(int64_t rows, int64_t width, int64_t modes, bool front) {
    Numbers numbers(rows * 7 + width);
    int64_t states = 2 * modes * width, blocks = (rows + 63) / 64;
    Guarded<float> x(rows * width, front), y(rows * width, front), omega(width, front), start(states, front);
    Guarded<float> last(states, front), kept(blocks * states, front), dy(rows * width, front), dx(rows * width, front);
    Guarded<double> q(states, front), c(states, front), dq(states, front), dc(states, front);
    Guarded<int64_t> resets(2, front);
    Guarded<float> scratch(ls_cema_scratch(modes) + 16);
    numbers.fill(x);
    numbers.fill(omega);
    numbers.fill(start);
    numbers.fill(dy);
    numbers.fill(c);
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
    ok(ls_cema_backward(&p));
    for (int64_t d = 0; d < width; d++) {
        std::vector<double> want(rows), gradient(rows);
        for (int64_t t = 0; t < rows; t++) {
            want[t] = omega[d] * (double)x[t * width + d];
            gradient[t] = omega[d] * (double)dy[t * width + d];
        }
        for (int64_t n = 0; n < modes; n++) {
            int64_t re = 2 * n * width + d, im = re + width;
            std::vector<double> sr(rows + 1), si(rows + 1);
            double r = start[re], i = start[im];
            for (int64_t t = 0; t < rows; t++) {
                if (t == rows / 2) r = i = 0;
                sr[t] = r;
                si[t] = i;
                double old = r;
                r = q[re] * r - q[im] * i + x[t * width + d];
                i = q[re] * i + q[im] * old;
                want[t] += c[re] * r - c[im] * i;
            }
            close_to("last state", re, last[re], r, 1e-4 * (1 + std::fabs(r)));
            double zr = 0, zi = 0, dqr = 0, dqi = 0;
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
        }
        for (int64_t t = 0; t < rows; t++) {
            close_to("cema", t * width + d, y[t * width + d], want[t], 1e-4 * (1 + std::fabs(want[t])));
            close_to("cema's dx", t * width + d, dx[t * width + d], gradient[t], 1e-4 * (1 + std::fabs(gradient[t])));
        }
    }
}

void cemas() {
    for (int64_t n = 1; n <= 40; n++) {
        cema(n, 1 + n % 19, 1 + n % 5, n & 1);
    }
    cema(200, 33, 16, false);
    cema(65, 16, 3, true);
}

void timestep_norm(int64_t rows, int64_t groups, int64_t d, bool front) {
    Numbers numbers(rows * 5 + d);
    int64_t width = groups * d;
    Guarded<float> x(rows * width, front), y(rows * width, front), w(width, front), b(width, front);
    Guarded<int64_t> counts(rows, front);
    Guarded<uint8_t> fresh(rows, front), padded(rows, front);
    Guarded<double> mean0(groups, front), var0(groups, front), mean(groups, front), var(groups, front);
    Guarded<double> means(rows * groups, front), rstds(rows * groups, front);
    numbers.fill(x);
    numbers.fill(w);
    numbers.fill(b);
    for (int64_t t = 0; t < rows; t++) counts[t] = t + 2;
    for (int64_t g = 0; g < groups; g++) var0[g] = 1;
    ls_timestep_norm_params p{};
    p.size = sizeof p;
    p.rows = rows;
    p.row = width;
    p.d = d;
    p.n = p.groups = groups;
    p.x = x;
    p.weight = w;
    p.bias = b;
    p.eps = 0.01;
    p.counts = counts;
    p.fresh = fresh;
    p.padded = padded;
    p.fresh_mean = p.start_mean = mean0;
    p.fresh_var = p.start_var = var0;
    p.y = y;
    p.last_mean = mean;
    p.last_var = var;
    p.means = means;
    p.rstds = rstds;
    ok(ls_timestep_norm(&p));
    for (int64_t g = 0; g < groups; g++) {
        double m = 0, v = 1;
        for (int64_t t = 0; t < rows; t++) {
            const float *row = x + t * width + g * d;
            double u = 0, own = 0, n = (double)(t + 2);
            for (int64_t j = 0; j < d; j++) u += (double)row[j] / d;
            for (int64_t j = 0; j < d; j++) own += (row[j] - u) * (row[j] - u) / d;
            v = (n - 1) / n * v + own / n + (n - 1) / (n * n) * (u - m) * (u - m);
            m += (u - m) / n;
            for (int64_t j = 0; j < d; j++) {
                double want = (row[j] - m) / std::sqrt(v + 0.01) * w[g * d + j] + b[g * d + j];
                close_to("timestep norm", t * width + g * d + j, y[t * width + g * d + j], want, 1e-5);
            }
        }
        close_to("last mean", g, mean[g], m, 1e-12);
        close_to("last variance", g, var[g], v, 1e-12);
    }
}

} // namespace

int main() {
    const char *wanted = std::getenv("LONGSPAN_TIER");
    if (wanted && std::strcmp(wanted, ls_tier()) != 0) {
        std::fprintf(stderr, "this CPU runs %s, not %s\n", ls_tier(), wanted);
        return 77;
    }
    require(ls_abi_version() == LS_ABI_VERSION, "the library's version is its header's");
    gemms();
    int8s();
    for (int64_t n : sizes()) {
        both_ends([&](bool front) {
            pointwise(n, front);
            activations(n, front);
            norms(n, front);
            tables(n, front);
            losses(n, front);
            optimizer(n, front);
        });
    }
    attentions();
    cemas();
    for (int64_t n = 1; n <= 40; n++) {
        timestep_norm(n, 1 + n % 3, n, n & 1);
    }
    std::printf("all kernels of %s agree with double\n", ls_tier());
    return 0;
}
