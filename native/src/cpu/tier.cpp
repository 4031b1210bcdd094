#include "kernels.h"

namespace ls::LS_TIER {

#define LS_ENTRY(name) name,
const Kernels table = {LS_KERNELS(LS_ENTRY)};
#undef LS_ENTRY

} // namespace ls::LS_TIER
