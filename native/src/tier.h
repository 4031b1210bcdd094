#pragma once

#include "kernels.h"

namespace ls {

/* The kernels of the best tier that this CPU has and LONGSPAN_TIER allows; chosen once. */
const Kernels &kernels();

} // namespace ls
