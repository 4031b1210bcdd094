#pragma once

#include "longspan.h"

namespace ls {

/* Keeps the text for ls_last_error and gives LS_BAD_ARGUMENT. */
ls_status bad(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Whether the caller wants the kernel to stop. */
inline bool cancelled(const int32_t *cancel) { return cancel && __atomic_load_n(cancel, __ATOMIC_RELAXED) != 0; }

} // namespace ls
