#include "families.h"

namespace {

void losses(int64_t classes, bool front) {
    if (classes == 0) {
        return;
    }
    int64_t rows = 3;
    Numbers numbers(classes + 5);
    Guarded<float> logits(rows * classes, front), loss(rows, front), lse(rows, front), d(rows, front);
    Guarded<float> dl(rows * classes, front);
    Guarded<int32_t> targets(rows, front);
    numbers.fill(logits);
    numbers.fill(d);
    targets[0] = 0;
    targets[1] = (int32_t)classes - 1;
    targets[2] = -1;
    ok(ls_cross_entropy(logits, classes, targets, 0, loss, lse, rows, classes));
    ok(ls_cross_entropy_backward(logits, classes, targets, 0, lse, d, dl, classes, rows, classes));
    for (int64_t i = 0; i < rows; i++) {
        double sum = 0;
        for (int64_t j = 0; j < classes; j++) sum += std::exp((double)logits[i * classes + j]);
        close_to("log-sum-exp", i, lse[i], std::log(sum), 3e-6);
        close_to("loss", i, loss[i], targets[i] < 0 ? 0 : std::log(sum) - logits[i * classes + targets[i]], 5e-6);
        for (int64_t j = 0; j < classes; j++) {
            double want = targets[i] < 0 ? 0 : d[i] * (std::exp(logits[i * classes + j] - std::log(sum)) - (j == targets[i]));
            close_to("loss's gradient", i * classes + j, dl[i * classes + j], want, 5e-6);
        }
    }
}

} // namespace

void loss_test() {
    for (int64_t n : sizes()) {
        losses(n, false);
        losses(n, true);
    }
}
