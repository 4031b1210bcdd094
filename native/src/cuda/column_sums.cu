#include "column_sums.h"

/* Sums over rows: of blocks of rows, then of those, both in a fixed order. */
namespace ls::cuda {

namespace {

constexpr int THREADS = 128;
/* Rows that one block sums. */
constexpr int64_t ROWS = 64;

int64_t row_blocks(int64_t rows) { return (rows + ROWS - 1) / ROWS; }

LS_KERNEL(THREADS) sum_rows(const float *x, int64_t x_row, int64_t rows, int64_t cols, float *parts) {
    int64_t first = block_x() * ROWS, end = first + ROWS < rows ? first + ROWS : rows;
    for (int64_t j = (int64_t)block_y() * THREADS + thread_index(); j < cols; j += (int64_t)MOST_YZ * THREADS) {
        float sum = 0;
        for (int64_t i = first; i < end; i++) {
            sum += x[i * x_row + j];
        }
        parts[block_x() * cols + j] = sum;
    }
}

} // namespace

} // namespace ls::cuda

using namespace ls::cuda;

int64_t ls_cuda_add_column_sums_scratch(int64_t rows, int64_t cols) { return row_blocks(rows) * cols * 4; }

ls_status ls_cuda_add_column_sums(const float *x, int64_t x_row, int64_t rows, int64_t cols, float *sums, void *scratch,
                                  void *stream) {
    LS_NEEDS(rows >= 0 && cols >= 0);
    if (rows == 0 || cols == 0) {
        return LS_OK;
    }
    LS_NEEDS(x && sums && scratch);
    float *parts = static_cast<float *>(scratch);
    int64_t across = (cols + THREADS - 1) / THREADS;
    if (ls_status bad = launch("column_sums", sum_rows, Grid{row_blocks(rows), across < MOST_YZ ? across : MOST_YZ},
                               THREADS, 0, stream, x, x_row, rows, cols, parts)) {
        return bad;
    }
    return add_column_sums(parts, row_blocks(rows), cols, Neighbours<float>{sums}, stream);
}
