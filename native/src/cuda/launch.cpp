#include "launch.h"

#include <cstdarg>
#include <cstdio>

namespace {

thread_local char last_error[512] = "";

} // namespace

namespace ls::cuda {

ls_status fail(ls_status status, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    std::vsnprintf(last_error, sizeof last_error, format, arguments);
    va_end(arguments);
    return status;
}

ls_status launch_checked(const char *name, Grid grid, int threads, int64_t shared_bytes) {
    bool fits = grid.x > 0 && grid.x <= MOST_X && grid.y > 0 && grid.y <= MOST_YZ && grid.z > 0 && grid.z <= MOST_YZ &&
                threads > 0 && threads <= 1024 && threads % 32 == 0 && shared_bytes >= 0;
    return fits ? LS_OK
                : fail(LS_BAD_ARGUMENT, "%s: no launch has %lld x %lld x %lld blocks of %d threads and %lld bytes", name,
                       (long long)grid.x, (long long)grid.y, (long long)grid.z, threads, (long long)shared_bytes);
}

} // namespace ls::cuda

const char *ls_cuda_last_error(void) { return last_error; }
