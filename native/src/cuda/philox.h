#pragma once

#include "device.h"

#define LS_TIER cuda
#define LS_EVERYWHERE LS_DEVICE
#include "../philox.h"
#undef LS_TIER
#undef LS_EVERYWHERE
