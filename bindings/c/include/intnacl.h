/// Contrastive losses: exact values and gradients, fast ones of a batch where it lies, and a judge of your own loss.
///
/// Ownership. The caller owns what it passes, and the library keeps no pointer to it after a call has returned.
/// Strings that the library puts where a pointer leads are the caller's, who frees them by intnacl_string_free.
/// Strings that a function returns stay the library's.
///
/// Errors. Functions that can fail return intnacl_status; intnacl_last_error has the message, one for each thread.
/// Nothing unwinds out of a function. A pointer that leads elsewhere than it should is not found out.
///
/// Version. Functions that can fail take INTNACL_ABI_VERSION first, and refuse where the library has another one.
///
/// Threads. All functions may be called on any threads at once.
///
/// Structs may begin as {0}: options of the judge are then the usual ones, and arrays are absent.

// Made by `cargo run -p intnacl-c --example header`; do not edit.

#ifndef INTNACL_H
#define INTNACL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// The version of structs and functions in this header. Functions that take it refuse a library of another one.
#define INTNACL_ABI_VERSION 1

/// The length of a callback's message, with the 0 at its end.
#define INTNACL_MESSAGE 256

/// How a call ended.
typedef enum intnacl_status {
    /// Done; of a judgement: the standard that was asked for is reached.
    INTNACL_STATUS_OK = 0,
    /// The judged function breaks a law, or nothing could be compared; the verdict says which.
    INTNACL_STATUS_BROKEN = 1,
    /// An argument is out of range, of another shape, not finite, or not JSON of a request.
    INTNACL_STATUS_REFUSED = 2,
    /// A pointer that is needed is NULL.
    INTNACL_STATUS_NULL_POINTER = 3,
    /// The header is of another version than the library.
    INTNACL_STATUS_ABI_VERSION = 4,
    /// A result exists and is beyond the range of its type.
    INTNACL_STATUS_OVERFLOW = 5,
    /// The system gave no memory.
    INTNACL_STATUS_OUT_OF_MEMORY = 6,
    /// A mistake in this library, which it survived. Please report the message.
    INTNACL_STATUS_INTERNAL = 7,
} intnacl_status;

/// A floating type. Arrays are of the first two; the others say what a judged function computes in, on arrays of
/// INTNACL_DTYPE_F32.
typedef enum intnacl_dtype {
    /// float, IEEE binary32.
    INTNACL_DTYPE_F32 = 0,
    /// double, IEEE binary64.
    INTNACL_DTYPE_F64 = 1,
    /// Inputs and gradients in bfloat16, computed in binary32.
    INTNACL_DTYPE_BF16 = 2,
    /// Inputs and gradients in IEEE binary16, computed in binary32.
    INTNACL_DTYPE_F16 = 3,
    /// binary32, with scores rounded to bfloat16.
    INTNACL_DTYPE_BF16_SCORES = 4,
    /// binary32, with scores whose factors have 11 bits, as tensor cores form them in TF32.
    INTNACL_DTYPE_TF32 = 5,
} intnacl_dtype;

/// An estimator of the mean kernel of the true negatives.
typedef enum intnacl_estimator {
    /// The plain mean.
    INTNACL_ESTIMATOR_G0 = 0,
    /// The debiased mean: reads tau_plus.
    INTNACL_ESTIMATOR_G1 = 1,
    /// The debiased and hardened mean: reads tau_plus and beta.
    INTNACL_ESTIMATOR_G2 = 2,
} intnacl_estimator;

/// The weight of an image's robust term.
typedef enum intnacl_weight {
    /// 1.
    INTNACL_WEIGHT_ONE = 0,
    /// The image's clean loss, held constant when the gradient is taken.
    INTNACL_WEIGHT_ADVERSARIAL = 1,
    /// The same, its gradient flowing.
    INTNACL_WEIGHT_ADVERSARIAL_WITH_GRADIENT = 2,
} intnacl_weight;

/// The neighbourhood loss of int_nacl.
typedef enum intnacl_neighborhood {
    /// All positives in one sum.
    INTNACL_NEIGHBORHOOD_NCA = 0,
    /// One positive and mixed embeddings: reads lambda.
    INTNACL_NEIGHBORHOOD_MIX_NCA = 1,
    /// MIXNCA with its single-positive term replaced by NCA: reads lambda.
    INTNACL_NEIGHBORHOOD_JOINED = 2,
    /// NCA plus MIXNCA: reads lambda.
    INTNACL_NEIGHBORHOOD_SUM = 3,
} intnacl_neighborhood;

/// A setting that a function takes as an argument, or has fixed.
typedef enum intnacl_choice {
    /// The usual value: rows as they are given, both directions.
    INTNACL_CHOICE_USUAL = 0,
    /// Always false.
    INTNACL_CHOICE_NEVER = 1,
    /// Always true.
    INTNACL_CHOICE_ALWAYS = 2,
    /// It is an argument: the function reads it from each request.
    INTNACL_CHOICE_ARGUMENT = 3,
} intnacl_choice;

/// How good the answers of a function are.
typedef enum intnacl_standard {
    /// A law is broken at every standard, or nothing was compared.
    INTNACL_STANDARD_NONE = 0,
    /// Errors as of a program in ordinary style.
    INTNACL_STANDARD_RIGHT = 1,
    /// The digits of a small loss survive.
    INTNACL_STANDARD_CAREFUL = 2,
    /// Right to the last bits.
    INTNACL_STANDARD_EXACT = 3,
} intnacl_standard;

/// An estimator with its parameters.
typedef struct intnacl_negatives {
    /// One of intnacl_estimator.
    uint32_t estimator;
    /// The class prior, in [0, 1).
    double tau_plus;
    /// The hardness, finite and at least 0.
    double beta;
} intnacl_negatives;

/// The robust term of int_cl and int_nacl.
typedef struct intnacl_robust {
    /// Its estimator.
    struct intnacl_negatives negatives;
    /// One of intnacl_weight.
    uint32_t weight;
} intnacl_robust;

/// The parameters of all losses. A loss reads its own, which requests as JSON have by the same names, and no others.
typedef struct intnacl_parameters {
    /// The class prior, in [0, 1).
    double tau_plus;
    /// The hardness, finite and at least 0.
    double beta;
    /// The share of the robust term, finite and at least 0.
    double alpha;
    /// The mixing weight, in [0, 1].
    double lambda;
    /// The estimator.
    struct intnacl_negatives negatives;
    /// The weight of the robust term, one of intnacl_weight.
    uint32_t weight;
    /// The estimator inside an adversarial weight. Unlike in JSON it has no default.
    struct intnacl_negatives weight_negatives;
    /// The robust term.
    struct intnacl_robust robust;
    /// One of intnacl_neighborhood.
    uint32_t neighborhood;
} intnacl_parameters;

/// An array `[views][images][columns]` that lies anywhere in memory.
typedef struct intnacl_array {
    /// The entry `[0][0][0]`, of the request's dtype and aligned for it; NULL for an array that is absent.
    const void *entries;
    /// How many entries further the next view, the next image and the next column lie: of a contiguous array
    /// {images * columns, columns, 1}. May be negative or 0.
    ptrdiff_t strides[3];
} intnacl_array;

/// A loss of a batch: 1 + positives views of the same images, each a row of so many columns.
///
/// The anchors are view 0 and, if symmetric, view 1. The negatives of an image are views 0 and 1 of all others.
typedef struct intnacl_request {
    /// The name of the loss, such as simclr. The message about one that is not known lists all.
    const char *loss;
    /// Its parameters.
    struct intnacl_parameters parameters;
    /// The temperature t, finite and above 0.
    double temperature;
    /// Whether rows are divided by their norms inside. The gradient is by the rows as given in either case.
    bool normalize;
    /// Whether view 1 is an anchor too (in the robust term: the adversarial view).
    bool symmetric;
    /// The type of all arrays: INTNACL_DTYPE_F32 or INTNACL_DTYPE_F64.
    uint32_t dtype;
    /// M, the number of views less one: at least 1.
    size_t positives;
    /// The number of mixed views, M - 1 in the paper; of no meaning where mixed is absent.
    size_t mixtures;
    /// B, the number of images: at least 2.
    size_t images;
    /// d, the number of columns: at least 1.
    size_t columns;
    /// `[1 + positives][images][columns]`.
    struct intnacl_array views;
    /// `[mixtures][images][columns]`: embeddings of mixed inputs, or absent.
    struct intnacl_array mixed;
    /// `[1][images][columns]`: embeddings of adversarial inputs, or absent.
    struct intnacl_array adversarial;
} intnacl_request;

/// A loss and its gradient. Whoever asks owns all memory.
typedef struct intnacl_answer {
    /// The mean over the images.
    double value;
    /// `[images]`: the loss of each image, the mean over its anchors.
    double *per_image;
    /// The gradient of value by the views, contiguous, in the shape and type of that array; so for the others.
    void *views;
    /// The gradient by the mixed embeddings.
    void *mixed;
    /// The gradient by the adversarial embeddings.
    void *adversarial;
    /// What went wrong in a callback that fails, ended by 0. No other function reads or writes it.
    char message[INTNACL_MESSAGE];
} intnacl_answer;

/// What is asked of a function. All fields may be 0, which stands for what is usual.
typedef struct intnacl_judge_options {
    /// What the function computes in, one of intnacl_dtype. Its requests have arrays of INTNACL_DTYPE_F64 for that
    /// type, and of INTNACL_DTYPE_F32 for all others.
    uint32_t dtype;
    /// The standard that is asked for, one of intnacl_standard; 0: INTNACL_STANDARD_RIGHT.
    uint32_t standard;
    /// How many cases of each law are drawn; 0: 64.
    uint32_t cases;
    /// The seed of the cases: the same seed draws the same cases.
    uint64_t seed;
    /// The lowest temperature that the function is asked; 0: 0.001.
    double lowest_temperature;
    /// The highest one; 0: 10.
    double highest_temperature;
    /// Whether the function normalises rows inside, one of intnacl_choice; usual: never.
    uint32_t normalize;
    /// Whether view 1 is an anchor too, one of intnacl_choice; usual: always.
    uint32_t symmetric;
    /// The only number of positives that the function takes; 0: 1 where the loss reads no others, else any number.
    size_t positives;
} intnacl_judge_options;

/// A loss to be judged: answers a request, and returns 0.
///
/// - The arrays of the request are contiguous. They and the memory for the answer live until the callback returns.
/// - per_image is NaN and the gradients are 0 before. Who does not compute one of them sets its pointer to NULL: it is
///   then not judged. The gradient by an array that the loss does not read is 0.
/// - To fail it returns anything but 0, and may write a message. That breaks the law that asked.
/// - It is called on the thread that called intnacl_judge, and may call any function of this library.
/// - It returns: no exception and no longjmp may leave it.
typedef int (*intnacl_callback)(const struct intnacl_request *request,
                                struct intnacl_answer *answer,
                                void *user);

/// What the judge found.
typedef struct intnacl_verdict {
    /// The highest standard at which all laws hold, one of intnacl_standard.
    uint32_t reached;
    /// How many laws compared something.
    uint32_t laws;
    /// How many of them are broken at the standard that was asked for.
    uint32_t broken;
    /// The cases of these laws that were tried.
    uint64_t cases;
    /// The comparisons that were made.
    uint64_t comparisons;
    /// How often the function was called.
    uint64_t calls;
    /// The verdict in words: what is wrong, and by which law. Freed by intnacl_string_free.
    char *text;
    /// All of it as JSON, with counterexamples as requests that intnacl_evaluate_json reads. Freed likewise.
    char *json;
} intnacl_verdict;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/// The message of the last call on this thread that takes INTNACL_ABI_VERSION: one line that names the argument, what
/// it is and what was expected; empty if that call did not fail.
///
/// The library owns it. It stays until the next such call on this thread, or the thread's end.
const char *intnacl_last_error(void);

/// Frees a string that this library handed out; NULL is left alone.
///
/// The caller promises:
/// The string comes from this library, has its length still, and is not used afterwards.
void intnacl_string_free(char *string);

/// The INTNACL_ABI_VERSION of the library that runs.
uint32_t intnacl_abi_version(void);

/// The version of the library that runs, such as "0.1.0". The library owns it; it stays.
const char *intnacl_version(void);

/// Evaluates a request exactly: values are right within 4 units in the last place of a double, gradients within 8
/// units of the norm of their array.
///
/// request: JSON, an object with a loss, its parameters, a temperature, and data as tuples, as a batch, or for
/// supervised_nca. Rows have norm 1 within 1e-6, unless it says "normalize": true.
///
/// answer: on INTNACL_STATUS_OK a string, {"value": ..., "per_anchor": [...], "gradient": {...}}, which the caller
/// frees by intnacl_string_free; otherwise NULL.
///
/// Errors: REFUSED, with the path of the field; OVERFLOW; NULL_POINTER; ABI_VERSION.
///
/// The caller promises:
/// request ends with 0; answer leads to a pointer that may be written.
enum intnacl_status intnacl_evaluate_json(uint32_t abi,
                                          const char *request,
                                          char **answer);

/// Evaluates a loss of a batch by the engine that production trains with: in the arrays' type, accurate and finite at
/// temperatures from 0.001 to 10.
///
/// The arrays are read where they lie, by their strides, a few rows at a time; they are not copied first. What the
/// engine works on is memory of its own, of the order images * columns. Rows are taken as they are, of whatever norm,
/// unless normalize is true.
///
/// threads: how many to compute on; 0: one a core. The results have the same bits for any number.
///
/// answer: the caller sets its pointers before. per_image: memory for so many doubles as there are images, or NULL.
/// views, mixed, adversarial: contiguous memory for a gradient, in the shape and type of the request's array, or NULL
/// where it is not wanted; of an array that is absent it is left alone. After an error the content says nothing.
///
/// Errors: REFUSED: a parameter out of range, an array that is missing, too large or not aligned, an entry that is not
/// finite, a row of zeros that is to be normalised. OVERFLOW: a result that the type cannot hold. OUT_OF_MEMORY,
/// NULL_POINTER, ABI_VERSION.
///
/// The caller promises:
/// The arrays of the request hold what their shapes and strides reach, and nobody writes to them meanwhile. The
/// answer's pointers lead to as much memory as was said, which overlaps neither these arrays nor itself.
enum intnacl_status intnacl_evaluate_batch(uint32_t abi,
                                           const struct intnacl_request *request,
                                           uint32_t threads,
                                           struct intnacl_answer *answer);

/// Judges a function: tries every law that speaks of a loss of batches on it, at drawn cases, half of which are
/// embeddings of real images. Takes seconds, and as long as the calls take.
///
/// loss: a name, as in intnacl_request. options: what the function computes in and takes; NULL: all of it is usual.
/// callback: the function; user is handed to it.
///
/// verdict: filled on INTNACL_STATUS_OK, where the standard that was asked for is reached, and on
/// INTNACL_STATUS_BROKEN, where a law is broken or nothing could be compared. The caller frees its two strings by
/// intnacl_string_free. Otherwise they are NULL.
///
/// Errors: REFUSED: a loss or an option that is not known; NULL_POINTER, ABI_VERSION.
///
/// The caller promises:
/// loss ends with 0; options is NULL or leads to options; verdict may be written; callback keeps what intnacl_callback
/// says.
enum intnacl_status intnacl_judge(uint32_t abi,
                                  const char *loss,
                                  const struct intnacl_judge_options *options,
                                  intnacl_callback callback,
                                  void *user,
                                  struct intnacl_verdict *verdict);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* INTNACL_H */
