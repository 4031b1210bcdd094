#pragma once

#include "device.h"

namespace ls::cuda {

/* Ids or targets of either width. */
struct Ids {
    const void *values;
    int32_t wide;

    LS_DEVICE int64_t operator[](int64_t i) const {
        return wide ? static_cast<const int64_t *>(values)[i] : static_cast<const int32_t *>(values)[i];
    }
};

} // namespace ls::cuda
