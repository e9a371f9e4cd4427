/// intnacl.h for C++17: exceptions for errors, strings that free themselves, and any callable as the function to judge.

#ifndef INTNACL_HPP
#define INTNACL_HPP

#include "intnacl.h"

#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>
#include <type_traits>

namespace intnacl {

/// A call that failed, with its code.
class error : public std::runtime_error {
public:
    error(intnacl_status status, const char *message) : std::runtime_error(message), status(status) {}
    intnacl_status status;
};

namespace detail {

/// A string of the library's, which is freed whatever happens.
struct handed_out {
    char *string = nullptr;
    handed_out() = default;
    handed_out(const handed_out &) = delete;
    handed_out &operator=(const handed_out &) = delete;
    ~handed_out() { intnacl_string_free(string); }
    std::string copy() const { return string ? string : ""; }
};

inline void require(intnacl_status status) {
    if (status != INTNACL_STATUS_OK && status != INTNACL_STATUS_BROKEN)
        throw error(status, intnacl_last_error());
}

/// Calls a callable from C; what it throws becomes a message.
template <class Function>
int call(const intnacl_request *request, intnacl_answer *answer, void *user) {
    try {
        (*static_cast<Function *>(user))(*request, *answer);
        return 0;
    } catch (const std::exception &thrown) {
        std::snprintf(answer->message, sizeof answer->message, "%s", thrown.what());
    } catch (...) {
        std::snprintf(answer->message, sizeof answer->message, "something that is no std::exception was thrown");
    }
    return 1;
}

} // namespace detail

/// intnacl_evaluate_json: the answer as JSON.
inline std::string evaluate_json(const std::string &request) {
    detail::handed_out answer;
    detail::require(intnacl_evaluate_json(INTNACL_ABI_VERSION, request.c_str(), &answer.string));
    return answer.copy();
}

/// intnacl_evaluate_batch.
inline void evaluate(const intnacl_request &request, intnacl_answer &answer, uint32_t threads = 0) {
    detail::require(intnacl_evaluate_batch(INTNACL_ABI_VERSION, &request, threads, &answer));
}

/// What the judge found: intnacl_verdict, with strings of its own.
struct verdict {
    /// Whether the standard that was asked for is reached.
    bool holds;
    /// One of intnacl_standard.
    uint32_t reached;
    uint32_t laws, broken;
    uint64_t cases, comparisons, calls;
    std::string text, json;
};

/// intnacl_judge, on anything that is called with (const intnacl_request &, intnacl_answer &). An exception that it throws is an
/// answer that fails, with its message.
template <class Function>
verdict judge(const char *loss, Function &&function, const intnacl_judge_options &options = {}) {
    using Callable = std::remove_reference_t<Function>;
    static_assert(!std::is_const_v<Callable>, "hand over a callable that is not const, or a lambda where it is called");
    intnacl_verdict found = {};
    auto status = intnacl_judge(INTNACL_ABI_VERSION, loss, &options, detail::call<Callable>, &function, &found);
    detail::handed_out text, json;
    text.string = found.text;
    json.string = found.json;
    detail::require(status);
    return {status == INTNACL_STATUS_OK, found.reached, found.laws, found.broken, found.cases, found.comparisons,
            found.calls, text.copy(), json.copy()};
}

} // namespace intnacl

#endif // INTNACL_HPP
