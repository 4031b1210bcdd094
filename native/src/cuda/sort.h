#pragma once

#include "device.h"

namespace ls::cuda {

/* Keys from 0 on with the places they came from, and room for as many again. */
struct Sorted {
    int32_t *keys, *places, *other_keys, *other_places, *counts;
};

/* Elements of counts for n keys. */
int64_t sort_counts(int64_t n);

/* Sorts by keys of up to `largest`; equal ones keep their order. What is sorted lies in keys and places afterwards. */
ls_status sort(Sorted &sorted, int64_t n, int64_t largest, void *stream);

} // namespace ls::cuda
