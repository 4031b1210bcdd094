#include "sizes.h"

#include <cstring>

/* Pointwise kernels and sums against the formulas in double. */
namespace {

struct Inputs {
    Operand x, z, y;
    void *px, *pz, *py;

    Inputs(int64_t n, int half, bool front) : x(n, half, front), z(n, half, front), y(n, half, front) {
        Numbers numbers(n + 1);
        numbers.fill(x.values);
        numbers.fill(z.values);
        numbers.fill(y.values);
        px = x.written();
        pz = z.written();
        py = y.written();
    }

    void *empty() {
        poison(y.values);
        return py = y.written();
    }
};

template <class Body> void everywhere(bool halves_too, Body body) {
    for (int64_t n : AWKWARD) {
        each_storage(halves_too, [&](int half, bool front) { body(n, half, front); });
    }
}

template <class Call, class Expected>
void check(const char *what, int64_t n, int half, bool front, bool fresh, Call call, Expected expected) {
    Inputs in(n, half, front);
    void *y = fresh ? in.empty() : in.py;
    std::vector<float> before(in.y.values.begin(), in.y.values.end());
    works(call(in, y));
    in.y.read();
    for (int64_t i = 0; i < n; i++) {
        double e = expected(i, (double)in.x.values[i], (double)in.z.values[i], (double)before[i]);
        close_to(what, i, in.y.values[i], e, bound(e, half));
    }
}

void arithmetic(int64_t n, int half, bool front) {
    check("fill", n, half, front, true, [&](Inputs &, void *y) { return ls_cuda_fill(1.5f, y, n, half, nullptr); },
          [](int64_t, double, double, double) { return 1.5; });
    check(
        "scale", n, half, front, true,
        [&](Inputs &in, void *y) { return ls_cuda_axpby(0.5f, in.px, 0, y, n, half, nullptr); },
        [](int64_t, double x, double, double) { return 0.5 * x; });
    check(
        "axpby", n, half, front, false,
        [&](Inputs &in, void *y) { return ls_cuda_axpby(0.5f, in.px, -2, y, n, half, nullptr); },
        [](int64_t, double x, double, double y) { return 0.5 * x - 2 * y; });
    check(
        "add", n, half, front, true,
        [&](Inputs &in, void *y) { return ls_cuda_add(in.px, in.pz, y, n, half, nullptr); },
        [](int64_t, double x, double z, double) { return x + z; });
    check("multiply", n, half, front, true,
          [&](Inputs &in, void *y) { return ls_cuda_multiply(in.px, in.pz, y, n, 0, half, nullptr); },
          [](int64_t, double x, double z, double) { return x * z; });
    check("multiply and add", n, half, front, false,
          [&](Inputs &in, void *y) { return ls_cuda_multiply(in.px, in.pz, y, n, 1, half, nullptr); },
          [](int64_t, double x, double z, double y) { return x * z + y; });
}

void in_place(int64_t n, int, bool front) {
    Guarded<float> scalar(1);
    scalar[0] = 0.75f;
    check("add scalar", n, 0, front, false,
          [&](Inputs &, void *y) { return ls_cuda_add_scalar(2, scalar, static_cast<float *>(y), n, nullptr); },
          [](int64_t, double, double, double y) { return y + 1.5; });
    check(
        "clamp", n, 0, front, false,
        [&](Inputs &, void *y) { return ls_cuda_clamp(0.5f, static_cast<float *>(y), n, nullptr); },
        [](int64_t, double, double, double y) { return std::fmin(std::fmax(y, -0.5), 0.5); });
}

double activation(int f, double x) {
    switch (f) {
    case LS_RELU: return x > 0 ? x : 0;
    case LS_GELU: return x * 0.5 * std::erfc(-x / std::sqrt(2.0));
    case LS_GELU_TANH: return x / (1 + std::exp(-2 * std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
    case LS_SILU: return x / (1 + std::exp(-x));
    default: return std::tanh(x);
    }
}

double slope(int f, double x) {
    if (f == LS_RELU) {
        return x > 0;
    }
    double h = 1e-4;
    return (8 * (activation(f, x + h) - activation(f, x - h)) - (activation(f, x + 2 * h) - activation(f, x - 2 * h))) /
           (12 * h);
}

void activations(int64_t n, int half, bool front) {
    for (int f = LS_RELU; f <= LS_TANH; f++) {
        check(
            "activation", n, half, front, true,
            [&](Inputs &in, void *y) { return ls_cuda_activation(f, in.px, y, n, half, nullptr); },
            [&](int64_t, double x, double, double) { return activation(f, x); });
        check(
            "gated", n, half, front, true,
            [&](Inputs &in, void *y) { return ls_cuda_gated(f, in.px, in.pz, y, n, half, nullptr); },
            [&](int64_t, double x, double z, double) { return activation(f, x) * z; });
        if (half) {
            continue;
        }
        check("activation backward", n, half, front, false,
              [&](Inputs &in, void *y) {
                  return ls_cuda_activation_backward(f, in.x.values, in.z.values, static_cast<float *>(y), n, nullptr);
              },
              [&](int64_t, double x, double z, double y) { return y + slope(f, x) * z; });
        Guarded<float> up(n, front), d_up(n, front), none(0);
        Numbers numbers(n + 7);
        numbers.fill(up);
        numbers.fill(d_up);
        std::vector<float> before(d_up.begin(), d_up.end());
        check("gated backward", n, half, front, false,
              [&](Inputs &in, void *y) {
                  float *d_gate = static_cast<float *>(y);
                  works(ls_cuda_gated_backward(f, in.x.values, up, in.z.values, nullptr, d_up, n, nullptr));
                  for (int64_t i = 0; i < n; i++) {
                      double e = before[i] + activation(f, in.x.values[i]) * in.z.values[i];
                      close_to("gated backward to up", i, d_up[i], e, bound(e, 0));
                  }
                  return ls_cuda_gated_backward(f, in.x.values, up, in.z.values, d_gate, nullptr, n, nullptr);
              },
              [&](int64_t i, double x, double z, double y) { return y + slope(f, x) * z * up[i]; });
    }
}

void random_numbers(int64_t n, int half, bool front) {
    double rate = 0.4;
    Guarded<float> ones(n), kept(n);
    for (int64_t i = 0; i < n; i++) {
        ones[i] = 1;
    }
    works(ls_cuda_dropout(rate, 7, 3, ones, kept, n, 0, 0, nullptr));
    int64_t count = 0;
    for (int64_t i = 0; i < n; i++) {
        require(kept[i] == 0 || kept[i] == (float)(1 / (1 - rate)), "an element is dropped or scaled");
        count += kept[i] != 0;
    }
    require(n < 1000 || std::fabs(count / (double)n - 0.6) < 0.05, "the share of kept elements");
    check("dropout", n, half, front, true,
          [&](Inputs &in, void *y) { return ls_cuda_dropout(rate, 7, 3, in.px, y, n, 0, half, nullptr); },
          [&](int64_t i, double x, double, double) { return x * kept[i]; });
    check("dropout added", n, half, front, false,
          [&](Inputs &in, void *y) { return ls_cuda_dropout(rate, 7, 3, in.px, y, n, 1, half, nullptr); },
          [&](int64_t i, double x, double, double y) { return y + x * kept[i]; });
    Guarded<float> zeros(n), noise(n);
    std::memset(zeros.begin(), 0, n * 4);
    works(ls_cuda_noise(2, 7, 3, zeros, noise, n, 0, nullptr));
    double square = 0;
    for (int64_t i = 0; i < n; i++) {
        square += noise[i] * noise[i];
    }
    require(n < 1000 || std::fabs(square / n - 4) < 0.5, "the noise's variance");
    check(
        "noise", n, half, front, true,
        [&](Inputs &in, void *y) { return ls_cuda_noise(2, 7, 3, in.px, y, n, half, nullptr); },
        [&](int64_t i, double x, double, double) { return x + noise[i]; });
}

void sums(int64_t n, int, bool front) {
    Guarded<float> x(n, front), y(1);
    Guarded<double> squares(1);
    Guarded<int64_t> count(1);
    Guarded<char> scratch(ls_cuda_sum_scratch(n), true);
    Numbers numbers(n + 3);
    numbers.fill(x);
    double sum = 0, square = 0;
    for (int64_t i = 0; i < n; i++) {
        sum += x[i];
        square += (double)x[i] * x[i];
    }
    poison(y);
    works(ls_cuda_sum(0.5, x, n, y, scratch, nullptr));
    close_to("sum", n, y[0], 0.5 * sum, 1e-6 * std::fabs(sum) + 1e-12);
    poison(squares);
    works(ls_cuda_sum_squares(x, n, squares, scratch, nullptr));
    close_to("squares", n, squares[0], square, 1e-12 * square);
    int64_t odd = 0;
    for (int64_t i = 0; i < n; i += 3, odd++) {
        x[i] = odd % 3 == 0 ? NAN : odd % 3 == 1 ? INFINITY : -INFINITY;
    }
    works(ls_cuda_count_non_finite(x, n, count, scratch, nullptr));
    require(count[0] == odd, "the number of NaN and infinities");
}

void refusals() {
    float x = 0;
    require(ls_cuda_activation(5, &x, &x, 1, 0, nullptr) == LS_BAD_ARGUMENT, "an activation that there is not");
    require(std::strstr(ls_cuda_last_error(), "f=5") != nullptr, ls_cuda_last_error());
    require(ls_cuda_fill(0, &x, -1, 0, nullptr) == LS_BAD_ARGUMENT, "a negative size");
    require(ls_cuda_dropout(1, 0, 0, &x, &x, 1, 0, 0, nullptr) == LS_BAD_ARGUMENT, "a rate of 1");
    float odd[3] = {NAN, INFINITY, -INFINITY};
    works(ls_cuda_clamp(2, odd, 3, nullptr));
    require(std::isnan(odd[0]) && odd[1] == 2 && odd[2] == -2, "clamp keeps NaN");
}

} // namespace

int main() {
    everywhere(true, arithmetic);
    everywhere(false, in_place);
    everywhere(true, activations);
    everywhere(true, random_numbers);
    everywhere(false, sums);
    refusals();
    std::puts("pointwise: ok");
}
