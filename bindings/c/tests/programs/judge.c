/// The judge on callbacks: right ones, wrong ones by name, and ones that fail.

#include <intnacl.h>

#include "check.h"

enum { ABI = INTNACL_ABI_VERSION };

/// The engine itself: as fast as it is, it has to be careful. So arrays and parameters come and go as they should.
static int engine(const intnacl_request *request, intnacl_answer *answer, void *calls) {
    ++*(unsigned long long *)calls;
    return intnacl_evaluate_batch(ABI, request, 1, answer);
}

static void every_loss_of_the_engine_is_careful(void) {
    static const char *losses[] = {"simclr", "debiased", "hard_negative", "adversarial", "nca",
                                   "mix_nca", "robust", "int_cl", "int_nacl"};
    for (uint32_t dtype = INTNACL_DTYPE_F32; dtype <= INTNACL_DTYPE_F64; dtype++) {
        for (size_t i = 0; i < sizeof losses / sizeof *losses; i++) {
            unsigned long long calls = 0;
            intnacl_judge_options options = {0};
            options.dtype = dtype;
            options.standard = INTNACL_STANDARD_CAREFUL;
            options.cases = 8;
            options.seed = 1;
            options.normalize = options.symmetric = INTNACL_CHOICE_ARGUMENT;
            intnacl_verdict verdict;
            intnacl_status status = intnacl_judge(ABI, losses[i], &options, engine, &calls, &verdict);
            if (status != INTNACL_STATUS_OK) fputs(verdict.text, stderr);
            REQUIRE(status == INTNACL_STATUS_OK);
            REQUIRE(verdict.reached >= INTNACL_STANDARD_CAREFUL && verdict.broken == 0 && verdict.laws >= 5);
            REQUIRE(verdict.calls == calls && verdict.cases > 0 && verdict.comparisons > verdict.cases);
            REQUIRE(strncmp(verdict.text, losses[i], strlen(losses[i])) == 0);
            REQUIRE(strstr(verdict.json, "\"standard\":\"careful\"") != NULL);
            intnacl_string_free(verdict.text);
            intnacl_string_free(verdict.json);
        }
    }
}

/// Gradients that are multiplied by the temperature: the values are right.
static int scaled(const intnacl_request *request, intnacl_answer *answer, void *unused) {
    (void)unused;
    int status = intnacl_evaluate_batch(ABI, request, 1, answer);
    double *gradient = answer->views;
    for (size_t i = 0; i < (1 + request->positives) * request->images * request->columns; i++)
        gradient[i] *= request->temperature;
    return status;
}

static int says_no(const intnacl_request *request, intnacl_answer *answer, void *words) {
    (void)request;
    snprintf(answer->message, sizeof answer->message, "%s", (const char *)words);
    return 42;
}

static int speaks_without_end(const intnacl_request *request, intnacl_answer *answer, void *unused) {
    (void)request, (void)unused;
    memset(answer->message, 'x', sizeof answer->message);
    return -1;
}

static int writes_nothing(const intnacl_request *request, intnacl_answer *answer, void *unused) {
    (void)request, (void)answer, (void)unused;
    return 0;
}

/// A value, and nothing else.
static int value_alone(const intnacl_request *request, intnacl_answer *answer, void *unused) {
    (void)unused;
    answer->per_image = NULL;
    answer->views = NULL;
    return intnacl_evaluate_batch(ABI, request, 1, answer);
}

static void judged(intnacl_callback callback, void *user, intnacl_status status, const char *text, const char *json) {
    intnacl_judge_options options = {0};
    options.dtype = INTNACL_DTYPE_F64;
    intnacl_verdict verdict;
    REQUIRE(intnacl_judge(ABI, "simclr", &options, callback, user, &verdict) == status);
    if (strstr(verdict.text, text) == NULL || strstr(verdict.json, json) == NULL)
        fprintf(stderr, "%s%s\n", verdict.text, verdict.json);
    REQUIRE(strstr(verdict.text, text) != NULL);
    REQUIRE(strstr(verdict.json, json) != NULL);
    REQUIRE((verdict.reached == INTNACL_STANDARD_NONE) == (status == INTNACL_STATUS_BROKEN));
    REQUIRE((verdict.broken > 0) == (status == INTNACL_STATUS_BROKEN));
    /* A counterexample is a request that the exact reference answers. */
    const char *request = strstr(verdict.json, "\"request\":{");
    if (status == INTNACL_STATUS_BROKEN) {
        REQUIRE(request != NULL);
        request += strlen("\"request\":");
        size_t length = 0, depth = 0;
        do {
            depth += request[length] == '{';
            depth -= request[length] == '}';
            length++;
        } while (depth > 0);
        char *copy = malloc(length + 1), *answer;
        REQUIRE(copy != NULL);
        memcpy(copy, request, length);
        copy[length] = 0;
        REQUIRE(intnacl_evaluate_json(ABI, copy, &answer) == INTNACL_STATUS_OK);
        intnacl_string_free(answer);
        free(copy);
    }
    intnacl_string_free(verdict.text);
    intnacl_string_free(verdict.json);
}

static void bad_arguments_are_refused(void) {
    intnacl_verdict verdict;
    intnacl_judge_options options = {0};
    unsigned long long calls = 0;
    REFUSED(intnacl_judge(2, "simclr", NULL, engine, &calls, &verdict), INTNACL_STATUS_ABI_VERSION, "the header has version 2");
    REFUSED(intnacl_judge(ABI, "simclr", NULL, engine, &calls, NULL), INTNACL_STATUS_NULL_POINTER, "verdict is NULL");
    REFUSED(intnacl_judge(ABI, NULL, NULL, engine, &calls, &verdict), INTNACL_STATUS_NULL_POINTER, "loss is NULL");
    REFUSED(intnacl_judge(ABI, "simclr", NULL, NULL, &calls, &verdict), INTNACL_STATUS_NULL_POINTER, "callback is NULL");
    REQUIRE(verdict.text == NULL && verdict.json == NULL);
    REFUSED(intnacl_judge(ABI, "supervised_nca", NULL, engine, &calls, &verdict), INTNACL_STATUS_REFUSED, "loss = \"supervised_nca\"");
#define OPTION(field, given, words)                                                                              \
    memset(&options, 0, sizeof options);                                                                         \
    options.field = (given);                                                                                     \
    REFUSED(intnacl_judge(ABI, "simclr", &options, engine, &calls, &verdict), INTNACL_STATUS_REFUSED, words)
    OPTION(dtype, 6, "options.dtype = 6: expected a number from 0 to 5");
    OPTION(standard, 4, "options.standard = 4: expected a number from 0 to 3");
    OPTION(normalize, 4, "options.normalize = 4");
    OPTION(symmetric, 0xffffffff, "options.symmetric = 4294967295");
    OPTION(lowest_temperature, -1, "options.lowest_temperature = -1");
    OPTION(highest_temperature, NAN, "options.highest_temperature = NaN");
    OPTION(lowest_temperature, 11, "options.highest_temperature = 10: expected at least the lowest, 11");
    OPTION(positives, 65, "options.positives = 65: expected at most 64");
    REQUIRE(calls == 0);
}

int main(void) {
    every_loss_of_the_engine_is_careful();
    char no[] = "no device";
    judged(value_alone, NULL, INTNACL_STATUS_OK, "simclr in f64 is ", "\"holds\":true");
    judged(scaled, NULL, INTNACL_STATUS_BROKEN, "Gradients are t times the right ones.", "\"values_are_right\":true");
    judged(says_no, no, INTNACL_STATUS_BROKEN, "the callback returned 42: no device", "\"holds\":false");
    judged(speaks_without_end, NULL, INTNACL_STATUS_BROKEN, "the callback returned -1: xxx", "\"holds\":false");
    judged(writes_nothing, NULL, INTNACL_STATUS_BROKEN, "value is NaN", "\"holds\":false");
    bad_arguments_are_refused();
    puts("judge: all as expected");
    return 0;
}
