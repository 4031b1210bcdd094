#pragma once

#include "device.h"

namespace ls::cuda {

template <class T> struct Complex {
    T re, im;
};

/* a·b + c. */
template <class T> LS_DEVICE Complex<T> times_plus(Complex<T> a, Complex<T> b, Complex<T> c) {
    return {a.re * b.re + (c.re - a.im * b.im), a.re * b.im + (a.im * b.re + c.im)};
}

/* ā·b + c. */
template <class T> LS_DEVICE Complex<T> conjugate_times_plus(Complex<T> a, Complex<T> b, Complex<T> c) {
    return {a.re * b.re + (a.im * b.im + c.re), a.re * b.im + (c.im - a.im * b.re)};
}

template <class T> LS_DEVICE Complex<T> times(Complex<T> a, Complex<T> b) {
    return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}

template <class To, class T> LS_DEVICE Complex<To> as(Complex<T> a) { return {(To)a.re, (To)a.im}; }

/* 1 in the field. */
template <class N> LS_DEVICE N one() {
    if constexpr (sizeof(N) == sizeof(double)) {
        return 1;
    } else {
        return {1, 0};
    }
}

/* aⁿ by squaring. */
LS_DEVICE Complex<double> power(Complex<double> a, int64_t n) {
    Complex<double> result = {1, 0};
    for (; n > 0; n /= 2) {
        result = n % 2 ? times(result, a) : result;
        a = times(a, a);
    }
    return result;
}

/* The same of real numbers, for kernels of either field. */
LS_DEVICE double times_plus(double a, double b, double c) { return a * b + c; }
LS_DEVICE double conjugate_times_plus(double a, double b, double c) { return a * b + c; }

} // namespace ls::cuda
