#pragma once

#include "check.h"
#include "longspan.h"

/* Lengths 0 to 40 and the edges of tiles and vectors. */
inline std::vector<int64_t> sizes() {
    std::vector<int64_t> all;
    for (int64_t n = 0; n <= 40; n++) {
        all.push_back(n);
    }
    for (int64_t n : {47, 48, 49, 63, 64, 65, 95, 96, 97, 127, 128, 129, 1000}) {
        all.push_back(n);
    }
    return all;
}

inline void ok(ls_status status) { require(status == LS_OK, ls_last_error()); }

/*
 * Each kernel of a family against a naive loop in double, operands flush against pages of no access, at their end or with
 * `front` at their start. The first wrong element ends the process.
 */
void gemm_test();
void int8_test();
void attention_test();
void norm_test();
void elementwise_test();
void activation_test();
void embedding_test();
void loss_test();
void cema_test();
void timestep_norm_test();
void optimizer_test();
