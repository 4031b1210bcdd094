#pragma once

#include <cstdint>
#include <cstdlib>
#include <new>
#include <sys/mman.h>
#include <unistd.h>

/* An array whose end, or with `front` whose start, lies flush against a page that nobody may touch. */
template <class T> class Guarded {
  public:
    explicit Guarded(int64_t n, bool front = false) : n_(n) {
        page_ = sysconf(_SC_PAGESIZE);
        int64_t bytes = n * (int64_t)sizeof(T);
        pages_ = (bytes + page_ - 1) / page_ + 2;
        base_ = static_cast<char *>(mmap(nullptr, pages_ * page_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
        if (base_ == MAP_FAILED) {
            throw std::bad_alloc();
        }
        if (pages_ > 2) {
            mprotect(base_ + page_, (pages_ - 2) * page_, PROT_READ | PROT_WRITE);
        }
        data_ = reinterpret_cast<T *>(front ? base_ + page_ : base_ + (pages_ - 1) * page_ - bytes);
    }

    ~Guarded() { munmap(base_, pages_ * page_); }
    Guarded(const Guarded &) = delete;
    Guarded &operator=(const Guarded &) = delete;

    operator T *() const { return data_; }
    T *begin() const { return data_; }
    T *end() const { return data_ + n_; }
    int64_t size() const { return n_; }

  private:
    int64_t n_, page_, pages_;
    char *base_;
    T *data_;
};
