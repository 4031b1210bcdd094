#pragma once

#include "attention_visible.h"

/*
 * Tiles of attention for bfloat16 and float32 alike: a panel is some rows of 128 bytes (64 or 32 columns) in shared memory, a step
 * of a product is 32 bytes of them. float32 goes through TF32 three times, x = big + small: big·big + big·small + small·big is
 * off by 2^-22 of the terms. FFMA tiles would be exact to 2^-24, at a third to a half of the rate, with loads of their own.
 */
namespace ls::cuda {

constexpr int COLUMNS = 64;    /* of a tile of scores */
constexpr int ROW_BYTES = 128; /* of a panel */
constexpr int STEPS = 4;       /* of a panel */
constexpr float LOG2_E = 1.44269504f, LN_2 = 0.69314718f;

template <class T> constexpr int WIDTH = ROW_BYTES / (int)sizeof(T);     /* columns of a panel */
template <class T> constexpr int CHUNK = 16 / (int)sizeof(T);            /* elements of one copy */
template <class T> constexpr int DEPTH = WIDTH<T> / STEPS;               /* elements of a step */
template <class T> constexpr int TILES = WIDTH<T> / 8;                   /* fragments of eight columns in a panel */

/* Chunk c of row r: eight rows' same chunk lie in eight different groups of banks. */
LS_DEVICE int chunk_at(int r, int c) { return r * ROW_BYTES + ((c ^ (r & 7)) << 4); }

/* One operand's rows of one head of one batch row, as a task selects them. */
template <class T> struct Operand {
    const T *first;
    int64_t pitch, row; /* from run to run, and within one */
    int run, count, dim;
    bool aligned; /* every chunk can be copied as 16 bytes */

    LS_DEVICE const T *at(int t) const {
        return run == 1 ? first + t * pitch : first + (uint32_t)t / (uint32_t)run * pitch + (uint32_t)t % (uint32_t)run * row;
    }
};

template <class T>
LS_DEVICE Operand<T> operand(const void *base, int64_t at, int64_t row, Rows rows, int64_t count, int64_t dim) {
    const T *first = static_cast<const T *>(base) + at + rows.start * row;
    bool aligned = reinterpret_cast<uintptr_t>(first) % 16 == 0 && row % CHUNK<T> == 0 && dim % CHUNK<T> == 0;
    return {first, rows.period * row, row, (int)rows.run, (int)count, (int)dim, aligned};
}

template <class T> LS_DEVICE int panels(int64_t dim) { return (int)((dim + WIDTH<T> - 1) / WIDTH<T>); }

/* Steps of a panel that hold dimensions. */
template <class T> LS_DEVICE int steps_of(int dim, int panel) {
    int left = (dim - panel * WIDTH<T> + DEPTH<T> - 1) / DEPTH<T>;
    return left < STEPS ? left : STEPS;
}

/* Without 16-byte copies. */
template <class T> LS_DEVICE void load_elements(T *to, const T *from, int there) {
    for (int j = 0; j < CHUNK<T>; j++) {
        if constexpr (sizeof(T) == 4) {
            copy_async_word(to + j, from + (j < there ? j : 0), j < there);
        } else {
            to[j] = j < there ? from[j] : T{};
        }
    }
}

/* Begins to load ROWS rows from `from` on, zeros beyond the operand's rows and columns. */
template <int ROWS, int THREADS, class T> LS_DEVICE void load_panel(unsigned char *to, Operand<T> x, int from, int panel) {
    LS_UNROLL
    for (int i = 0; i < ROWS * 8 / THREADS; i++) {
        int r = (thread_index() + i * THREADS) / 8, c = thread_index() % 8, d = panel * WIDTH<T> + c * CHUNK<T>;
        bool there = from + r < x.count && d < x.dim;
        const T *source = there ? x.at(from + r) + d : x.first;
        unsigned char *at = to + chunk_at(r, c);
        if (x.aligned) {
            copy_async(at, source, there);
        } else {
            load_elements(reinterpret_cast<T *>(at), source, there ? x.dim - d : 0);
        }
    }
}

/* Row r of the panel ⊙ factor(r, dimension); needs barriers around it. */
template <int ROWS, int THREADS, class T, class Factor>
LS_DEVICE void scale_panel(unsigned char *at, Operand<T> x, int from, int panel, Factor factor) {
    LS_ROLLED
    for (int i = thread_index(); i < ROWS * WIDTH<T>; i += THREADS) {
        int r = i / WIDTH<T>, c = i % WIDTH<T>, d = panel * WIDTH<T> + c;
        T &element = reinterpret_cast<T *>(at + chunk_at(r, c / CHUNK<T>))[c % CHUNK<T>];
        if (from + r < x.count && d < x.dim) {
            put(element, value(element) * factor(from + r, d));
        }
    }
}

/* What a lane holds of one operand of a product of warps. */
template <class T> struct Fragment;

template <> struct Fragment<bf16> {
    uint32_t bits[4];

    LS_DEVICE void set(const uint32_t (&loaded)[4]) {
        LS_UNROLL
        for (int i = 0; i < 4; i++) {
            bits[i] = loaded[i];
        }
    }
};

template <> struct Fragment<float> {
    uint32_t big[4], small[4];

    LS_DEVICE void set(const uint32_t (&loaded)[4]) {
        LS_UNROLL
        for (int i = 0; i < 4; i++) {
            big[i] = (loaded[i] + 0x1000u) & 0xffffe000u; /* rounded, so that 11 bits hold what is left */
            small[i] = bits_of(float_of(loaded[i]) - float_of(big[i]));
        }
    }
};

/* c0, c1 += a · the two fragments of b. */
LS_DEVICE void multiply(float (&c0)[4], float (&c1)[4], const Fragment<bf16> &a, const Fragment<bf16> &b) {
    mma_bf16(c0, a.bits, {b.bits[0], b.bits[1]});
    mma_bf16(c1, a.bits, {b.bits[2], b.bits[3]});
}

LS_DEVICE void multiply(float (&c0)[4], float (&c1)[4], const Fragment<float> &a, const Fragment<float> &b) {
    mma_tf32(c0, a.small, {b.big[0], b.big[1]}); /* the small products first: nothing is lost to the big sum */
    mma_tf32(c1, a.small, {b.big[2], b.big[3]});
    mma_tf32(c0, a.big, {b.small[0], b.small[1]});
    mma_tf32(c1, a.big, {b.small[2], b.small[3]});
    mma_tf32(c0, a.big, {b.big[0], b.big[1]});
    mma_tf32(c1, a.big, {b.big[2], b.big[3]});
}

/* Rows r to r + 16 of a panel as left operand. */
template <class T> LS_DEVICE void load_left(Fragment<T> &to, const unsigned char *panel, int r, int step) {
    uint32_t bits[4];
    load_matrices(bits, panel + chunk_at(r + lane() % 16, 2 * step + lane() / 16));
    to.set(bits);
}

/* Rows r to r + 16 of a panel as columns of the right operand. */
template <class T> LS_DEVICE void load_right(Fragment<T> &to, const unsigned char *panel, int r, int step) {
    uint32_t bits[4];
    load_matrices(bits, panel + chunk_at(r + lane() % 8 + lane() / 16 * 8, 2 * step + lane() / 8 % 2));
    to.set(bits);
}

/* A step's rows of a panel, 16 columns from c on, as rows of the right operand. */
LS_DEVICE void load_rows(Fragment<bf16> &to, const unsigned char *panel, int step, int c) {
    uint32_t bits[4];
    load_matrices_transposed(bits, panel + chunk_at(step * 16 + lane() % 16, c / 8 + lane() / 16));
    to.set(bits);
}

/* As weights has the rows: depth i and i + 4 are rows 2i and 2i + 1. */
LS_DEVICE void load_rows(Fragment<float> &to, const unsigned char *panel, int step, int c) {
    uint32_t bits[4];
    LS_UNROLL
    for (int i = 0; i < 4; i++) {
        int r = step * 8 + lane() % 4 * 2 + i % 2, d = c + i / 2 * 8 + lane() / 4;
        bits[i] = *reinterpret_cast<const uint32_t *>(panel + chunk_at(r, d / 4) + d % 4 * 4);
    }
    to.set(bits);
}

/* scores += rows row to row + 16·M of `rows` · (columns column to column + 8·N)ᵀ, over one panel of each. */
template <class T, int M, int N>
LS_DEVICE void add_scores(float (&scores)[M][N][4], const unsigned char *rows, int row, const unsigned char *columns, int column,
                          int steps) {
    LS_UNROLL
    for (int step = 0; step < STEPS; step++) {
        if (step >= steps) {
            break;
        }
        Fragment<T> left[M];
        LS_UNROLL
        for (int m = 0; m < M; m++) {
            load_left(left[m], rows, row + m * 16, step);
        }
        LS_UNROLL
        for (int n = 0; n < N; n += 2) {
            Fragment<T> right;
            load_right(right, columns, column + n * 8, step);
            LS_UNROLL
            for (int m = 0; m < M; m++) {
                multiply(scores[m][n], scores[m][n + 1], left[m], right);
            }
        }
    }
}

/* Greatest and sum over the four lanes that share a row. */
LS_DEVICE float row_max(float v) {
    v = fmaxf(v, shuffle_xor(v, 1));
    return fmaxf(v, shuffle_xor(v, 2));
}

LS_DEVICE float row_sum(float v) {
    v += shuffle_xor(v, 1);
    return v + shuffle_xor(v, 2);
}

LS_DEVICE int warp_least(int v) {
    LS_UNROLL
    for (int mask = WARP / 2; mask > 0; mask /= 2) {
        int other = shuffle_xor(v, mask);
        v = other < v ? other : v;
    }
    return v;
}

LS_DEVICE int warp_greatest(int v) { return -warp_least(-v); }

} // namespace ls::cuda
