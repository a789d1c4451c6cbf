/* The operator TreeEnsembleRegressor of ai.onnx.ml, of float32 with one target, as ONNX Runtime's.

   A node that is not done here is refused when it is created: then the session cannot be opened with
   this library, and is to be opened without it. */
#include "operators.h"
#include "ensemble.h"

#include <stdlib.h>
#include <string.h>

typedef struct { const RuntimeApi *api; Ensemble *ensemble; } Kernel;

/* Rows that were answered here on this thread: the answers cannot show who gave them. */
static _Thread_local uint64_t answered;

uint64_t regressor_rows(void) { return answered; }

/* The attributes as they were read; all of it is to be freed. */
typedef struct {
  TreeAttributes trees;
  int64_t *ints[9];
  float *floats[3];
  uint8_t *is_leaf;
} Read;

static Status *refusal(const RuntimeApi *api, const char *why) {
  return create_status(api, STATUS_NOT_IMPLEMENTED, why);
}

/* Read a list; a list that is not there is empty. */
static Status *read_ints(const RuntimeApi *api, const KernelInfo *info, const char *name, int64_t **to, size_t *count) {
  *count = 0;
  Status *failed = int_attributes(api, info, name, NULL, count);
  if (failed) { release_status(api, failed); *count = 0; return NULL; }
  *to = malloc((*count + 1) * sizeof **to);
  if (!*to) return refusal(api, "no memory");
  return *count ? int_attributes(api, info, name, *to, count) : NULL;
}

static Status *read_floats(const RuntimeApi *api, const KernelInfo *info, const char *name, float **to, size_t *count) {
  *count = 0;
  Status *failed = float_attributes(api, info, name, NULL, count);
  if (failed) { release_status(api, failed); *count = 0; return NULL; }
  *to = malloc((*count + 1) * sizeof **to);
  if (!*to) return refusal(api, "no memory");
  return *count ? float_attributes(api, info, name, *to, count) : NULL;
}

/* Whether a text is not there, or is the only one that is done here. */
static int is_default(const RuntimeApi *api, const KernelInfo *info, const char *name, const char *value) {
  char text[16];
  size_t size = 0;
  Status *missing = string_attribute(api, info, name, NULL, &size);
  if (missing) { release_status(api, missing); return 1; }
  if (size > sizeof text) return 0;
  Status *failed = string_attribute(api, info, name, text, &size);
  if (failed) { release_status(api, failed); return 0; }
  return size == strlen(value) + 1 && !memcmp(text, value, size);
}

static int has_tensor(const RuntimeApi *api, const KernelInfo *info, Allocator *allocator, const char *name) {
  Value *tensor = NULL;
  Status *missing = tensor_attribute(api, info, name, allocator, &tensor);
  if (missing) { release_status(api, missing); return 0; }
  release_value(api, tensor);
  return 1;
}

static Status *check_options(const RuntimeApi *api, const KernelInfo *info, Allocator *allocator) {
  static const char *const tensors[] = {
      "base_values_as_tensor", "nodes_hitrates_as_tensor", "nodes_values_as_tensor", "target_weights_as_tensor"};
  int64_t targets = 1;
  Status *missing = int_attribute(api, info, "n_targets", &targets);
  if (missing) release_status(api, missing);
  if (missing || targets != 1) return refusal(api, "not one target");
  if (!is_default(api, info, "aggregate_function", "SUM")) return refusal(api, "an aggregate other than SUM");
  if (!is_default(api, info, "post_transform", "NONE")) return refusal(api, "a transform of the sum");
  for (size_t i = 0; i < sizeof tensors / sizeof *tensors; i++)
    if (has_tensor(api, info, allocator, tensors[i])) return refusal(api, "values of float64");
  return NULL;
}

static Status *read_modes(const RuntimeApi *api, const KernelInfo *info, Allocator *allocator, Read *read) {
  char **modes = NULL;
  size_t count = 0;
  Status *failed = string_attributes(api, info, "nodes_modes", allocator, &modes, &count);
  if (failed) return failed;
  int others = count != read->trees.nodes;
  read->is_leaf = malloc(count + 1);
  for (size_t i = 0; i < count; i++) {
    const int is_leaf = !strcmp(modes[i], "LEAF");
    others |= !is_leaf && strcmp(modes[i], "BRANCH_LEQ");
    if (read->is_leaf) read->is_leaf[i] = (uint8_t)is_leaf;
    allocator_free(api, allocator, modes[i]);
  }
  if (modes) allocator_free(api, allocator, modes);
  read->trees.is_leaf = read->is_leaf;
  if (!read->is_leaf) return refusal(api, "no memory");
  return others ? refusal(api, "a mode other than BRANCH_LEQ, or not one for each node") : NULL;
}

static Status *read_attributes(const RuntimeApi *api, const KernelInfo *info, Read *read) {
  static const char *const nodes[] = {
      "nodes_treeids", "nodes_nodeids", "nodes_featureids", "nodes_truenodeids", "nodes_falsenodeids"};
  static const char *const targets[] = {"target_treeids", "target_nodeids", "target_ids"};
  TreeAttributes *trees = &read->trees;
  Allocator *allocator;
  Status *failed = default_allocator(api, &allocator);
  size_t count;
  if (failed || (failed = check_options(api, info, allocator))) return failed;
  if ((failed = read_floats(api, info, "nodes_values", &read->floats[0], &trees->nodes))) return failed;
  for (int i = 0; i < 5; i++) {
    if ((failed = read_ints(api, info, nodes[i], &read->ints[i], &count))) return failed;
    if (count != trees->nodes) return refusal(api, "lists of nodes differ in length");
  }
  if ((failed = read_floats(api, info, "target_weights", &read->floats[1], &trees->targets))) return failed;
  for (int i = 0; i < 3; i++) {
    if ((failed = read_ints(api, info, targets[i], &read->ints[5 + i], &count))) return failed;
    if (count != trees->targets) return refusal(api, "lists of weights differ in length");
  }
  if ((failed = read_ints(api, info, "nodes_missing_value_tracks_true", &read->ints[8], &trees->missing_count))) return failed;
  if ((failed = read_floats(api, info, "base_values", &read->floats[2], &trees->bases))) return failed;
  trees->tree = read->ints[0];
  trees->id = read->ints[1];
  trees->feature = read->ints[2];
  trees->left = read->ints[3];
  trees->right = read->ints[4];
  trees->target_tree = read->ints[5];
  trees->target_node = read->ints[6];
  trees->target = read->ints[7];
  trees->missing = read->ints[8];
  trees->threshold = read->floats[0];
  trees->weight = read->floats[1];
  trees->base = read->floats[2];
  return read_modes(api, info, allocator, read);
}

static Status *create(const CustomOp *op, const RuntimeApi *api, const KernelInfo *info, void **to) {
  (void)op;
  const char *why = NULL;
  Read read = {.trees = {0}};
  Kernel *kernel = NULL;
  Status *failed = read_attributes(api, info, &read);
  Ensemble *ensemble = failed ? NULL : ensemble_of(&read.trees, &why);
  if (ensemble && !ensemble_passes(ensemble, &read.trees)) why = "the trees fail their own test on this processor";
  if (ensemble && !why && !(kernel = malloc(sizeof *kernel))) why = "no memory";
  for (size_t i = 0; i < sizeof read.ints / sizeof *read.ints; i++) free(read.ints[i]);
  for (size_t i = 0; i < sizeof read.floats / sizeof *read.floats; i++) free(read.floats[i]);
  free(read.is_leaf);
  if (kernel) *kernel = (Kernel){api, ensemble};
  else ensemble_free(ensemble);
  *to = kernel;
  return why ? refusal(api, why) : failed;
}

static Status *compute(void *state, KernelContext *context) {
  const Kernel *kernel = state;
  const RuntimeApi *api = kernel->api;
  const Value *rows;
  Value *sums;
  const int64_t *shape;
  size_t rank;
  int element;
  void *from, *to;
  Status *failed = input(api, context, 0, &rows);
  if (failed || (failed = tensor_shape(api, rows, &element, &shape, &rank))) return failed;
  if (element != ELEMENT_FLOAT || rank != 2 || shape[0] < 0 || shape[1] < 0 || (uint64_t)shape[1] < kernel->ensemble->width)
    return create_status(api, STATUS_INVALID_ARGUMENT, "rows are not float32 [n, m] with the columns of the trees");
  const int64_t count = shape[0], width = shape[1], sums_shape[2] = {count, 1};
  if ((failed = output(api, context, 0, sums_shape, 2, &sums))) return failed;
  if (count == 0) return NULL;
  if ((failed = tensor_data(api, rows, &from)) || (failed = tensor_data(api, sums, &to))) return failed;
  if (!ensemble_predict(kernel->ensemble, from, (size_t)count, (size_t)width, to))
    return create_status(api, STATUS_FAIL, "no memory");
  answered += (uint64_t)count;
  return NULL;
}

static void destroy(void *state) {
  Kernel *kernel = state;
  if (kernel) ensemble_free(kernel->ensemble);
  free(kernel);
}

static const char *name(const CustomOp *op) { (void)op; return "TreeEnsembleRegressor"; }
static size_t one(const CustomOp *op) { (void)op; return 1; }
static int type(const CustomOp *op, size_t index) { (void)op; (void)index; return ELEMENT_FLOAT; }
static int last_opset(const CustomOp *op) { (void)op; return 3; } /* 5 has another operator for trees */

const CustomOp REGRESSOR = {
    CUSTOM_OP_OF_CPU,
    .name = name, .input_type = type, .input_count = one, .output_type = type, .output_count = one,
    .last_opset = last_opset, .create = create, .compute = compute, .destroy = destroy};
