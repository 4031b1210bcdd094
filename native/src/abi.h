#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>

/* A library's ABI as it was compiled, for a test that compares it with the Java bindings. */
namespace ls {

/* What Java sees of a C type: i32, i64, f32, f64 or ptr. */
template <class T> inline std::string type_name() {
    if constexpr (std::is_pointer_v<T>) {
        return "ptr";
    } else {
        return std::string(std::is_floating_point_v<T> ? "f" : "i").append(std::to_string(8 * sizeof(T)));
    }
}

/* function name result arguments… */
template <class R, class... A> inline std::string signature(const char *name, R (*)(A...)) {
    std::string line = std::string("function ") + name + " " + type_name<R>();
    (line.append(" ").append(type_name<A>()), ...);
    return line.append("\n");
}

inline std::string member(const char *name, const std::string &type, size_t offset) {
    return std::string(" ") + name + ":" + type + "@" + std::to_string(offset);
}

/* struct name size, then each field:type@offset. */
#define LS_MEMBER(field) +::ls::member(#field, ::ls::type_name<decltype(P::field)>(), offsetof(P, field))

} // namespace ls
