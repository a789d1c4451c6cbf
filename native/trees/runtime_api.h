/* The part of ONNX Runtime's C API that this library calls: version 25, first in ONNX Runtime 1.25.

   ONNX Runtime hands out a table of functions that only ever grows at its end: a function keeps its
   place in every later version. So a function is declared here by its place and its type; the test
   tests/unit/native/test_runtime_api.py calls each of them in the installed ONNX Runtime. */
#ifndef HOUSING_RUNTIME_API_H
#define HOUSING_RUNTIME_API_H

#include <stddef.h>
#include <stdint.h>

#define RUNTIME_API_VERSION 25

typedef struct Status Status; /* NULL is success */
typedef struct Value Value;
typedef struct Allocator Allocator;
typedef struct KernelInfo KernelInfo;
typedef struct KernelContext KernelContext;
typedef struct CustomOpDomain CustomOpDomain;
typedef struct SessionOptions SessionOptions;

typedef struct { void (*place[418])(void); } RuntimeApi;

typedef struct {
  const RuntimeApi *(*api)(uint32_t version); /* NULL for a version that is not there */
  const char *(*version)(void);
} RuntimeApiBase;

enum { STATUS_FAIL = 1, STATUS_INVALID_ARGUMENT = 2, STATUS_NOT_IMPLEMENTED = 9, STATUS_INVALID_GRAPH = 10 };
enum { ELEMENT_FLOAT = 1, ELEMENT_INT64 = 7 };
enum { INPUT_REQUIRED = 0 };
enum { MEMORY_DEFAULT = 0 };

#define AT(api, place_, ...) ((Status *(*)(__VA_ARGS__))(api)->place[place_])

static inline Status *create_status(const RuntimeApi *api, int code, const char *message) {
  return AT(api, 0, int, const char *)(code, message);
}
static inline Status *create_domain(const RuntimeApi *api, const char *name, CustomOpDomain **to) {
  return AT(api, 26, const char *, CustomOpDomain **)(name, to);
}
static inline Status *add_to_domain(const RuntimeApi *api, CustomOpDomain *domain, const void *op) {
  return AT(api, 27, CustomOpDomain *, const void *)(domain, op);
}
static inline Status *add_domain(const RuntimeApi *api, SessionOptions *to, CustomOpDomain *domain) {
  return AT(api, 28, SessionOptions *, CustomOpDomain *)(to, domain);
}
static inline Status *tensor_data(const RuntimeApi *api, const Value *tensor, void **data) {
  return AT(api, 51, Value *, void **)((Value *)tensor, data);
}
static inline void allocator_free(const RuntimeApi *api, Allocator *allocator, void *memory) {
  (void)AT(api, 76, Allocator *, void *)(allocator, memory);
}
static inline Status *default_allocator(const RuntimeApi *api, Allocator **to) {
  return AT(api, 78, Allocator **)(to);
}
static inline Status *int_attribute(const RuntimeApi *api, const KernelInfo *info, const char *name, int64_t *to) {
  return AT(api, 86, const KernelInfo *, const char *, int64_t *)(info, name, to);
}
/* With its size: first the room, then what it takes, the closing NUL included. */
static inline Status *string_attribute(const RuntimeApi *api, const KernelInfo *info, const char *name, char *to, size_t *size) {
  return AT(api, 87, const KernelInfo *, const char *, char *, size_t *)(info, name, to, size);
}
static inline Status *input(const RuntimeApi *api, const KernelContext *context, size_t index, const Value **to) {
  return AT(api, 90, const KernelContext *, size_t, const Value **)(context, index, to);
}
static inline Status *output(const RuntimeApi *api, KernelContext *context, size_t index, const int64_t *shape, size_t rank, Value **to) {
  return AT(api, 91, KernelContext *, size_t, const int64_t *, size_t, Value **)(context, index, shape, rank, to);
}
static inline void release_status(const RuntimeApi *api, Status *status) {
  ((void (*)(Status *))api->place[93])(status);
}
static inline void release_value(const RuntimeApi *api, Value *value) {
  ((void (*)(Value *))api->place[96])(value);
}
static inline void release_domain(const RuntimeApi *api, CustomOpDomain *domain) {
  ((void (*)(CustomOpDomain *))api->place[101])(domain);
}
/* With no room to write to, only the size is set. */
static inline Status *float_attributes(const RuntimeApi *api, const KernelInfo *info, const char *name, float *to, size_t *size) {
  return AT(api, 162, const KernelInfo *, const char *, float *, size_t *)(info, name, to, size);
}
static inline Status *int_attributes(const RuntimeApi *api, const KernelInfo *info, const char *name, int64_t *to, size_t *size) {
  return AT(api, 163, const KernelInfo *, const char *, int64_t *, size_t *)(info, name, to, size);
}
static inline Status *tensor_attribute(const RuntimeApi *api, const KernelInfo *info, const char *name, Allocator *allocator, Value **to) {
  return AT(api, 236, const KernelInfo *, const char *, Allocator *, Value **)(info, name, allocator, to);
}
/* The shape stays the tensor's own. */
static inline Status *tensor_shape(const RuntimeApi *api, const Value *tensor, int *element, const int64_t **shape, size_t *rank) {
  return AT(api, 414, const Value *, int *, const int64_t **, size_t *)(tensor, element, shape, rank);
}
/* The strings, and the array of them, are to be freed with the allocator. */
static inline Status *string_attributes(const RuntimeApi *api, const KernelInfo *info, const char *name, Allocator *allocator, char ***to, size_t *size) {
  return AT(api, 417, const KernelInfo *, const char *, Allocator *, char ***, size_t *)(info, name, allocator, to, size);
}

#undef AT

/* What ONNX Runtime asks of a custom operator; an entry that is NULL is one it does not call for it. */
typedef struct CustomOp CustomOp;
struct CustomOp {
  uint32_t version;
  void *create_kernel_v1;
  const char *(*name)(const CustomOp *);
  const char *(*provider)(const CustomOp *);
  int (*input_type)(const CustomOp *, size_t);
  size_t (*input_count)(const CustomOp *);
  int (*output_type)(const CustomOp *, size_t);
  size_t (*output_count)(const CustomOp *);
  void *compute_v1;
  void (*destroy)(void *kernel);
  int (*input_kind)(const CustomOp *, size_t);
  int (*output_kind)(const CustomOp *, size_t);
  int (*input_memory)(const CustomOp *, size_t);
  int (*variadic_input_arity)(const CustomOp *);
  int (*variadic_input_is_homogeneous)(const CustomOp *);
  int (*variadic_output_arity)(const CustomOp *);
  int (*variadic_output_is_homogeneous)(const CustomOp *);
  Status *(*create)(const CustomOp *, const RuntimeApi *, const KernelInfo *, void **kernel);
  Status *(*compute)(void *kernel, KernelContext *);
  void *infer_shape;
  int (*first_opset)(const CustomOp *);
  int (*last_opset)(const CustomOp *);
  void *may_inplace, *release_may_inplace, *alias_map, *release_alias_map;
};

#endif
