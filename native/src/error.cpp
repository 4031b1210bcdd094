#include "error.h"

#include <cstdarg>
#include <cstdio>

namespace {

thread_local char last_error[256] = "";

} // namespace

namespace ls {

ls_status bad(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    std::vsnprintf(last_error, sizeof last_error, format, arguments);
    va_end(arguments);
    return LS_BAD_ARGUMENT;
}

} // namespace ls

const char *ls_last_error(void) { return last_error; }
