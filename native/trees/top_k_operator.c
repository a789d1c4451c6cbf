/* The operator TopK of float32 along the last axis, sorted, as ONNX Runtime's.

   Another axis, another type and an order that is not asked for are refused when a node is created, or
   when it runs. So is a row with NaN: it has no order, and ONNX Runtime's answer hangs on its algorithm. */
#include "operators.h"
#include "top_k.h"

#include <stdlib.h>

#define MOST_RANK 8
#define MOST_SIZE (INT64_C(1) << 31)

typedef struct { const RuntimeApi *api; int64_t axis, largest; } Kernel;

static int64_t attribute_or(const RuntimeApi *api, const KernelInfo *info, const char *name, int64_t otherwise) {
  int64_t value;
  Status *missing = int_attribute(api, info, name, &value);
  if (!missing) return value;
  release_status(api, missing);
  return otherwise;
}

static Status *create(const CustomOp *op, const RuntimeApi *api, const KernelInfo *info, void **to) {
  (void)op;
  const int64_t largest = attribute_or(api, info, "largest", 1);
  *to = NULL;
  if (attribute_or(api, info, "sorted", 1) != 1) return create_status(api, STATUS_NOT_IMPLEMENTED, "TopK without an order");
  if (largest != 0 && largest != 1) return create_status(api, STATUS_NOT_IMPLEMENTED, "TopK that is neither of the largest nor of the smallest");
  Kernel *kernel = malloc(sizeof *kernel);
  if (!kernel) return create_status(api, STATUS_FAIL, "no memory");
  *kernel = (Kernel){api, attribute_or(api, info, "axis", -1), largest};
  *to = kernel;
  return NULL;
}

static Status *invalid(const RuntimeApi *api, const char *why) { return create_status(api, STATUS_INVALID_ARGUMENT, why); }

/* Read how many are asked for. */
static Status *read_k(const RuntimeApi *api, KernelContext *context, int64_t *k) {
  const Value *given;
  const int64_t *shape;
  size_t rank;
  int element;
  void *data;
  Status *failed = input(api, context, 1, &given);
  if (failed || (failed = tensor_shape(api, given, &element, &shape, &rank))) return failed;
  if (element != ELEMENT_INT64 || rank != 1 || shape[0] != 1) return invalid(api, "k is not int64 [1]");
  if ((failed = tensor_data(api, given, &data))) return failed;
  *k = *(const int64_t *)data;
  return NULL;
}

static Status *compute(void *state, KernelContext *context) {
  const Kernel *kernel = state;
  const RuntimeApi *api = kernel->api;
  const Value *given;
  Value *first, *second;
  const int64_t *shape;
  int64_t k = 0, rows = 1, to_shape[MOST_RANK];
  size_t rank;
  int element;
  void *from, *values, *places;
  Status *failed = input(api, context, 0, &given);
  if (failed || (failed = tensor_shape(api, given, &element, &shape, &rank)) || (failed = read_k(api, context, &k))) return failed;
  if (element != ELEMENT_FLOAT || rank < 1 || rank > MOST_RANK) return invalid(api, "TopK of other than float32, or of too many axes");
  if (kernel->axis != -1 && kernel->axis != (int64_t)rank - 1) return invalid(api, "TopK along another axis than the last");
  const int64_t size = shape[rank - 1];
  if (k < 0 || k > size || size > MOST_SIZE) return invalid(api, "k is more than there are");
  for (size_t i = 0; i + 1 < rank; i++) rows *= to_shape[i] = shape[i];
  to_shape[rank - 1] = k;
  if ((failed = output(api, context, 0, to_shape, rank, &first)) || (failed = output(api, context, 1, to_shape, rank, &second))) return failed;
  if (rows == 0 || k == 0) return NULL;
  if ((failed = tensor_data(api, given, &from)) || (failed = tensor_data(api, first, &values)) || (failed = tensor_data(api, second, &places))) return failed;
  uint64_t *keys = size > SHORT_ROW ? malloc((size_t)size * sizeof *keys) : NULL;
  if (size > SHORT_ROW && !keys) return create_status(api, STATUS_FAIL, "no memory");
  int has_nan = 0;
  for (int64_t r = 0; r < rows && !has_nan; r++)
    has_nan = !top_k((const float *)from + r * size, (size_t)size, (size_t)k, (int)kernel->largest, keys, (float *)values + r * k, (int64_t *)places + r * k);
  free(keys);
  return has_nan ? invalid(api, "TopK of a value that is not a number") : NULL;
}

static const char *name(const CustomOp *op) { (void)op; return "TopK"; }
static size_t two(const CustomOp *op) { (void)op; return 2; }
static int type(const CustomOp *op, size_t index) { (void)op; return index ? ELEMENT_INT64 : ELEMENT_FLOAT; }
static int last_known_opset(const CustomOp *op) { (void)op; return 24; }

const CustomOp TOP_K = {
    CUSTOM_OP_OF_CPU,
    .name = name, .input_type = type, .input_count = two, .output_type = type, .output_count = two,
    .last_opset = last_known_opset, .create = create, .compute = compute, .destroy = free};
