/// What the programs for tests have in common.

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REQUIRE(condition)                                                                   \
    do {                                                                                     \
        if (!(condition)) {                                                                  \
            fprintf(stderr, "%s:%d: %s (%s)\n", __FILE__, __LINE__, #condition, intnacl_last_error()); \
            exit(1);                                                                         \
        }                                                                                    \
    } while (0)

/// Whether a call was refused with a code, in words that begin so.
#define REFUSED(call, code, words)                                    \
    do {                                                              \
        REQUIRE((call) == (code));                                    \
        REQUIRE(strncmp(intnacl_last_error(), words, strlen(words)) == 0); \
    } while (0)
