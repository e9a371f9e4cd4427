/// Values and gradients: closed forms, the exact reference, arrays with any strides, and all that is refused.

#include <intnacl.h>
#include <stdint.h>

#include "check.h"

enum { ABI = INTNACL_ABI_VERSION };

/// Numbers that follow a name in JSON, however they are nested.
static void numbers_after(const char *json, const char *name, double *numbers, size_t count) {
    const char *at = strstr(json, name);
    REQUIRE(at != NULL);
    at += strlen(name);
    for (size_t i = 0; i < count; i++) {
        at += strspn(at, ":[], \"");
        char *end;
        numbers[i] = strtod(at, &end);
        REQUIRE(end != at);
        at = end;
    }
}

static intnacl_array contiguous(const void *entries, size_t images, size_t columns) {
    intnacl_array array = {entries, {(ptrdiff_t)(images * columns), (ptrdiff_t)columns, 1}};
    return array;
}

static intnacl_request simclr(uint32_t dtype, const void *views, size_t images, size_t columns) {
    intnacl_request request = {0};
    request.loss = "simclr";
    request.temperature = 0.5;
    request.symmetric = true;
    request.dtype = dtype;
    request.positives = 1;
    request.images = images;
    request.columns = columns;
    request.views = contiguous(views, images, columns);
    return request;
}

/// Two images along two axes, the same in both views: the positive has score 1/t, both negatives 0.
static void closed_forms(void) {
    const double expected = log1p(2 * exp(-2.0));
    const double wide[8] = {1, 0, 0, 1, 1, 0, 0, 1};
    const float narrow[8] = {1, 0, 0, 1, 1, 0, 0, 1};
    for (uint32_t threads = 0; threads < 4; threads++) {
        double per_image[2], gradient[8];
        intnacl_answer answer = {0};
        answer.per_image = per_image;
        answer.views = gradient;
        intnacl_request request = simclr(INTNACL_DTYPE_F64, wide, 2, 2);
        REQUIRE(intnacl_evaluate_batch(ABI, &request, threads, &answer) == INTNACL_STATUS_OK);
        REQUIRE(strcmp(intnacl_last_error(), "") == 0);
        REQUIRE(fabs(answer.value - expected) < 1e-15);
        REQUIRE(fabs(per_image[0] - expected) < 1e-15 && fabs(per_image[1] - expected) < 1e-15);
        /* Each anchor pulls its positive by p, the share of the negatives, and pushes each of these by p/2; a row is an
           anchor once, a positive once and a negative twice. In all 4 anchors, divided by t. */
        const double share = 2 * exp(-2.0) / (1 + 2 * exp(-2.0));
        REQUIRE(fabs(gradient[0] + 2 * share / 4 / 0.5) < 1e-15);
        REQUIRE(fabs(gradient[1] - 2 * share / 4 / 0.5) < 1e-15);

        float narrow_gradient[8];
        intnacl_answer narrow_answer = {0};
        narrow_answer.views = narrow_gradient;
        request = simclr(INTNACL_DTYPE_F32, narrow, 2, 2);
        REQUIRE(intnacl_evaluate_batch(ABI, &request, threads, &narrow_answer) == INTNACL_STATUS_OK);
        REQUIRE(fabs(narrow_answer.value - expected) < 1e-6);
        REQUIRE(fabs(narrow_gradient[0] - gradient[0]) < 1e-6);
    }
}

/// int_nacl with everything, beside the exact answer to the same request as JSON.
static void the_reference_agrees(void) {
    enum { IMAGES = 3, COLUMNS = 2, ROWS = 5 * IMAGES };
    double rows[ROWS][COLUMNS];
    for (int i = 0; i < ROWS; i++) {
        rows[i][0] = cos(1.7 * i);
        rows[i][1] = sin(1.7 * i);
    }
    /* Three views, one of mixed inputs, one of adversarial ones. */
    char json[4096];
    int length = snprintf(json, sizeof json,
        "{\"loss\": \"int_nacl\", \"temperature\": 0.25, \"norm_tolerance\": 1e-12, \"parameters\": {\"negatives\": "
        "{\"estimator\": \"g2\", \"tau_plus\": 0.1, \"beta\": 2}, \"alpha\": 0.5, \"robust\": {\"negatives\": "
        "{\"estimator\": \"g1\", \"tau_plus\": 0.05}, \"weight\": \"adversarial\"}, \"neighborhood\": \"combined\", "
        "\"lambda\": 0.75, \"joined\": false}, \"data\": {\"layout\": \"batch\", \"symmetric\": true");
    for (int i = 0; i < ROWS; i++) {
        static const char *before[5] = {", \"views\": [[", "], [", "], [", "]], \"mixed\": [[", "]], \"adversarial\": ["};
        length += snprintf(json + length, sizeof json - (size_t)length, "%s[%.17g, %.17g]",
            i % IMAGES == 0 ? before[i / IMAGES] : ", ", rows[i][0], rows[i][1]);
    }
    snprintf(json + length, sizeof json - (size_t)length, "]}}");
    char *exact;
    REQUIRE(intnacl_evaluate_json(ABI, json, &exact) == INTNACL_STATUS_OK);
    double value, per_image[IMAGES], expected[ROWS * COLUMNS];
    numbers_after(exact, "\"value\"", &value, 1);
    numbers_after(exact, "\"per_anchor\"", per_image, IMAGES);
    numbers_after(exact, "\"views\"", expected, 9 * COLUMNS);
    numbers_after(exact, "\"mixed\"", expected + 9 * COLUMNS, 3 * COLUMNS);
    numbers_after(exact, "\"adversarial\"", expected + 12 * COLUMNS, 3 * COLUMNS);
    intnacl_string_free(exact);

    intnacl_request request = simclr(INTNACL_DTYPE_F64, rows, IMAGES, COLUMNS);
    request.loss = "int_nacl";
    request.temperature = 0.25;
    request.positives = 2;
    request.mixtures = 1;
    request.mixed = contiguous(rows[9], IMAGES, COLUMNS);
    request.adversarial = contiguous(rows[12], IMAGES, COLUMNS);
    intnacl_parameters *parameters = &request.parameters;
    parameters->negatives.estimator = INTNACL_ESTIMATOR_G2;
    parameters->negatives.tau_plus = 0.1;
    parameters->negatives.beta = 2;
    parameters->alpha = 0.5;
    parameters->robust.negatives.estimator = INTNACL_ESTIMATOR_G1;
    parameters->robust.negatives.tau_plus = 0.05;
    parameters->robust.weight = INTNACL_WEIGHT_ADVERSARIAL;
    parameters->neighborhood = INTNACL_NEIGHBORHOOD_SUM;
    parameters->lambda = 0.75;

    /* As it lies, and scattered: columns outermost and the images backwards, with gaps. */
    double scattered[COLUMNS][ROWS][3], gradient[ROWS * COLUMNS];
    for (int way = 0; way < 2; way++) {
        if (way == 1) {
            for (int i = 0; i < ROWS; i++)
                for (int k = 0; k < COLUMNS; k++)
                    scattered[k][i / IMAGES * IMAGES + (IMAGES - 1 - i % IMAGES)][1] = rows[i][k];
            intnacl_array *arrays[3] = {&request.views, &request.mixed, &request.adversarial};
            for (int a = 0; a < 3; a++) {
                const int first[3] = {0, 9, 12};
                arrays[a]->entries = &scattered[0][first[a] + IMAGES - 1][1];
                arrays[a]->strides[0] = 3 * IMAGES;
                arrays[a]->strides[1] = -3;
                arrays[a]->strides[2] = 3 * ROWS;
            }
        }
        double each[IMAGES];
        intnacl_answer answer = {0};
        answer.per_image = each;
        answer.views = gradient;
        answer.mixed = gradient + 9 * COLUMNS;
        answer.adversarial = gradient + 12 * COLUMNS;
        REQUIRE(intnacl_evaluate_batch(ABI, &request, 1, &answer) == INTNACL_STATUS_OK);
        REQUIRE(fabs(answer.value - value) < 1e-13 * fabs(value));
        for (int i = 0; i < IMAGES; i++) REQUIRE(fabs(each[i] - per_image[i]) < 1e-13 * fabs(value));
        double norm = 0, difference = 0;
        for (int i = 0; i < ROWS * COLUMNS; i++) {
            norm += expected[i] * expected[i];
            difference += (gradient[i] - expected[i]) * (gradient[i] - expected[i]);
        }
        REQUIRE(sqrt(difference) < 1e-13 * sqrt(norm));
        /* The value alone, without a gradient. */
        intnacl_answer alone = {0};
        REQUIRE(intnacl_evaluate_batch(ABI, &request, 1, &alone) == INTNACL_STATUS_OK);
        REQUIRE(alone.value == answer.value);
    }
}

/// A gradient that the loss does not have is 0, whatever lay there before.
static void what_is_not_read_has_no_gradient(void) {
    const double rows[12] = {1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1};
    double views[12], adversarial[4];
    for (int i = 0; i < 12; i++) views[i] = adversarial[i % 4] = NAN;
    intnacl_request request = simclr(INTNACL_DTYPE_F64, rows, 2, 2);
    request.positives = 2;
    request.adversarial = contiguous(rows, 2, 2);
    intnacl_answer answer = {0};
    answer.views = views;
    answer.adversarial = adversarial;
    REQUIRE(intnacl_evaluate_batch(ABI, &request, 1, &answer) == INTNACL_STATUS_OK);
    for (int i = 0; i < 4; i++) REQUIRE(views[8 + i] == 0 && adversarial[i] == 0);
    REQUIRE(views[0] < 0);
}

static void bad_batches_are_refused(void) {
    double rows[8] = {1, 0, 0, 1, 1, 0, 0, 1}, gradient[8];
    intnacl_answer answer = {0};
    answer.views = gradient;
    const intnacl_request good = simclr(INTNACL_DTYPE_F64, rows, 2, 2);
    intnacl_request request = good;
#define BATCH intnacl_evaluate_batch(ABI, &request, 1, &answer)
    REFUSED(intnacl_evaluate_batch(ABI + 1, &request, 1, &answer), INTNACL_STATUS_ABI_VERSION, "the header has version 2");
    REFUSED(intnacl_evaluate_batch(ABI, NULL, 1, &answer), INTNACL_STATUS_NULL_POINTER, "request is NULL");
    REFUSED(intnacl_evaluate_batch(ABI, &request, 1, NULL), INTNACL_STATUS_NULL_POINTER, "answer is NULL");
#define WITH(field, given, code, words) \
    request = good;                     \
    request.field = (given);            \
    REFUSED(BATCH, code, words)
    WITH(loss, NULL, INTNACL_STATUS_NULL_POINTER, "loss is NULL");
    WITH(loss, "simclear", INTNACL_STATUS_REFUSED, "loss = \"simclear\": expected one of simclr, debiased");
    WITH(loss, "\xff", INTNACL_STATUS_REFUSED, "loss is not UTF-8 from byte 0 on");
    WITH(loss, "robust", INTNACL_STATUS_REFUSED, "adversarial is missing");
    WITH(dtype, INTNACL_DTYPE_BF16, INTNACL_STATUS_REFUSED, "dtype = 2: expected INTNACL_DTYPE_F32 (0)");
    WITH(temperature, 0, INTNACL_STATUS_REFUSED, "temperature = 0");
    WITH(temperature, NAN, INTNACL_STATUS_REFUSED, "temperature = NaN");
    WITH(temperature, 1e-310, INTNACL_STATUS_REFUSED, "temperature = ");
    WITH(positives, 0, INTNACL_STATUS_REFUSED, "views has shape [1, 2, 2]: expected at least 2 in dimension 0");
    WITH(images, 1, INTNACL_STATUS_REFUSED, "views has shape [2, 1, 2]: expected at least 2 in dimension 1");
    WITH(columns, 0, INTNACL_STATUS_REFUSED, "views has shape [2, 2, 0]: expected at least 1 in dimension 2");
    WITH(images, SIZE_MAX, INTNACL_STATUS_REFUSED, "views has shape [2, 18446744073709551615, 2] and strides [4, 2, 1]");
    WITH(positives, SIZE_MAX, INTNACL_STATUS_REFUSED, "views has shape");
    WITH(views.strides[1], PTRDIFF_MIN, INTNACL_STATUS_REFUSED, "views has shape [2, 2, 2] and strides");
    WITH(views.entries, NULL, INTNACL_STATUS_NULL_POINTER, "views.entries is NULL");
    WITH(views.entries, (const char *)rows + 1, INTNACL_STATUS_REFUSED, "views lies at address");
    request = good;
    request.loss = "hard_negative";
    request.parameters.tau_plus = 1;
    REFUSED(BATCH, INTNACL_STATUS_REFUSED, "tau_plus = 1: expected a number in [0, 1)");
    request.loss = "nca";
    request.parameters.negatives.estimator = 3;
    REFUSED(BATCH, INTNACL_STATUS_REFUSED, "negatives.estimator = 3: expected a number from 0 to 2");
    request = good;
    /* Entries that all are the same one need no memory; the gradient would. */
    request.images = SIZE_MAX / 8;
    request.views.strides[0] = request.views.strides[1] = request.views.strides[2] = 0;
    REFUSED(BATCH, INTNACL_STATUS_REFUSED, "views has shape");
    request = good;
    rows[5] = INFINITY;
    REFUSED(BATCH, INTNACL_STATUS_REFUSED, "views[1][0][1] = inf");
    rows[5] = 0;
    rows[4] = 0;
    request.normalize = true;
    REFUSED(BATCH, INTNACL_STATUS_REFUSED, "views[1][0] has norm 0");
    rows[4] = 1e200;
    request.normalize = false;
    REFUSED(BATCH, INTNACL_STATUS_OVERFLOW, "");
    REQUIRE(strlen(intnacl_last_error()) > 0);
    request = good;
    rows[4] = 1;
    answer.views = (char *)gradient + 1;
    REFUSED(BATCH, INTNACL_STATUS_REFUSED, "answer.views lies at address");
}

static void bad_json_is_refused(void) {
    char *answer = (char *)1;
    REFUSED(intnacl_evaluate_json(ABI, NULL, &answer), INTNACL_STATUS_NULL_POINTER, "request is NULL");
    REQUIRE(answer == NULL);
    REFUSED(intnacl_evaluate_json(ABI, "{}", NULL), INTNACL_STATUS_NULL_POINTER, "answer is NULL");
    REFUSED(intnacl_evaluate_json(0, "{}", &answer), INTNACL_STATUS_ABI_VERSION, "the header has version 0");
    REFUSED(intnacl_evaluate_json(ABI, "", &answer), INTNACL_STATUS_REFUSED, "the request: ");
    REFUSED(intnacl_evaluate_json(ABI, "{\"loss\": \"\xc3\x28\"}", &answer), INTNACL_STATUS_REFUSED, "request is not UTF-8");
    REFUSED(intnacl_evaluate_json(ABI, "{\"loss\": \"simclr\", \"temperature\": 1, \"taw_plus\": 1}", &answer),
            INTNACL_STATUS_REFUSED, "taw_plus: unknown field");
    const char *long_row = "{\"loss\": \"simclr\", \"temperature\": 1, \"data\": {\"layout\": \"tuples\", \"anchor\": [[2]], "
                           "\"positives\": [[[1]]], \"negatives\": [[[1]]]}}";
    REFUSED(intnacl_evaluate_json(ABI, long_row, &answer), INTNACL_STATUS_REFUSED, "data.anchor[0] has norm 2");
    REQUIRE(answer == NULL);
    intnacl_string_free(NULL);
}

int main(void) {
    REQUIRE(intnacl_abi_version() == INTNACL_ABI_VERSION);
    REQUIRE(strchr(intnacl_version(), '.') != NULL);
    closed_forms();
    the_reference_agrees();
    what_is_not_read_has_no_gradient();
    bad_batches_are_refused();
    bad_json_is_refused();
    puts("values: all as expected");
    return 0;
}
