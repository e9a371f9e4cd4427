/// intnacl.hpp: exceptions in both directions, and callables with a state.

#include <intnacl.hpp>
#include <vector>

#include "check.h"

int main() {
    const std::string request =
        R"({"loss": "simclr", "temperature": 0.5, "data": {"layout": "tuples", "anchor": [[1, 0]],
            "positives": [[[1, 0]]], "negatives": [[[0, 1]]]}})";
    REQUIRE(intnacl::evaluate_json(request).rfind("{\"value\":0.126928", 0) == 0);
    try {
        intnacl::evaluate_json("[]");
        REQUIRE(!"refused");
    } catch (const intnacl::error &refused) {
        REQUIRE(refused.status == INTNACL_STATUS_REFUSED && *refused.what() != 0);
    }

    const std::vector<double> rows = {1, 0, 0, 1, 1, 0, 0, 1};
    intnacl_request batch = {};
    batch.loss = "simclr";
    batch.temperature = 0.5;
    batch.symmetric = true;
    batch.dtype = INTNACL_DTYPE_F64;
    batch.positives = 1;
    batch.images = batch.columns = 2;
    batch.views = {rows.data(), {4, 2, 1}};
    intnacl_answer answer = {};
    intnacl::evaluate(batch, answer);
    REQUIRE(std::fabs(answer.value - std::log1p(2 * std::exp(-2.0))) < 1e-15);
    batch.images = 1;
    try {
        intnacl::evaluate(batch, answer);
        REQUIRE(!"refused");
    } catch (const std::runtime_error &refused) {
        REQUIRE(std::string(refused.what()).find("at least 2 in dimension 1") != std::string::npos);
    }

    uint64_t calls = 0;
    auto engine = [&calls](const intnacl_request &asked, intnacl_answer &given) {
        calls++;
        intnacl::evaluate(asked, given, 1);
    };
    intnacl_judge_options options = {};
    options.standard = INTNACL_STANDARD_CAREFUL;
    const auto careful = intnacl::judge("debiased", engine, options);
    REQUIRE(careful.holds && careful.calls == calls && careful.reached >= INTNACL_STANDARD_CAREFUL && careful.broken == 0);

    const auto thrown = intnacl::judge("simclr", [](auto &, auto &) { throw std::runtime_error("no device"); });
    REQUIRE(!thrown.holds && thrown.text.find("the callback returned 1: no device") != std::string::npos);
    const auto odd = intnacl::judge("simclr", [](auto &, auto &) { throw 7; });
    REQUIRE(!odd.holds && odd.json.find("no std::exception") != std::string::npos);
    try {
        intnacl::judge("simclear", engine);
        REQUIRE(!"refused");
    } catch (const intnacl::error &refused) {
        REQUIRE(refused.status == INTNACL_STATUS_REFUSED);
    }
    std::puts("wrapper: all as expected");
}
