/* Runs the library's operators on cases from a file, in place of ONNX Runtime:

     run_cases FILE [THREADS]

   The functions of runtime_api.h are played here, over memory of exactly the size that a case says, so
   that AddressSanitizer and valgrind see every step beside it; and where there is no ONNX Runtime,
   under an emulator of another processor, its answers can be compared all the same. The file is
   written by tests/fakes/operator_cases.py, its numbers are in this machine's byte order:

     cases; each: expected (0 refused, 1 answered, 2 either), operator, attributes, inputs, outputs
     attribute: name, kind (1 int, 2 ints, 3 floats, 4 text, 5 texts, 6 tensor), count, values
     tensor: element (1 float32, 7 int64), rank, shape, values
     text: length, characters

   Exit status: 0 all as expected, 1 not, 3 the library registered nothing on this processor. */
#include "../operators.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

Status *RegisterCustomOps(SessionOptions *options, const RuntimeApiBase *base);

struct Status { int code; char text[200]; };
struct Value { int element; size_t rank; int64_t *shape; size_t count; void *data; };
typedef struct { char *name; int32_t kind; size_t count; void *values; char **texts; } Attribute;
struct KernelInfo { size_t count; Attribute *attributes; };
struct KernelContext { const Value *inputs; size_t input_count; Value *outputs; size_t output_count; };
struct CustomOpDomain { const CustomOp *ops[4]; size_t count; };
struct SessionOptions { CustomOpDomain *domains[4]; size_t count; };

static Status *status(int code, const char *text) {
  Status *made = calloc(1, sizeof *made);
  made->code = code;
  snprintf(made->text, sizeof made->text, "%s", text);
  return made;
}

static const Attribute *attribute(const KernelInfo *info, const char *name, int32_t kind) {
  for (size_t i = 0; i < info->count; i++)
    if (!strcmp(info->attributes[i].name, name) && info->attributes[i].kind == kind) return info->attributes + i;
  return NULL;
}

static Status *play_create_domain(const char *name, CustomOpDomain **to) { (void)name; *to = calloc(1, sizeof **to); return NULL; }
static Status *play_add_to_domain(CustomOpDomain *domain, const CustomOp *op) { domain->ops[domain->count++] = op; return NULL; }
static Status *play_add_domain(SessionOptions *options, CustomOpDomain *domain) { options->domains[options->count++] = domain; return NULL; }
static Status *play_tensor_data(Value *tensor, void **to) { *to = tensor->data; return NULL; }
static Status *play_free(Allocator *allocator, void *memory) { (void)allocator; free(memory); return NULL; }
static Status *play_allocator(Allocator **to) { *to = NULL; return NULL; }

static Status *play_int(const KernelInfo *info, const char *name, int64_t *to) {
  const Attribute *at = attribute(info, name, 1);
  if (!at) return status(STATUS_FAIL, "no such attribute");
  memcpy(to, at->values, sizeof *to);
  return NULL;
}

static Status *play_text(const KernelInfo *info, const char *name, char *to, size_t *size) {
  const Attribute *at = attribute(info, name, 4);
  if (!at) return status(STATUS_FAIL, "no such attribute");
  const size_t needed = strlen(at->texts[0]) + 1;
  if (to && *size < needed) return status(STATUS_INVALID_ARGUMENT, "no room");
  if (to) memcpy(to, at->texts[0], needed);
  *size = needed;
  return NULL;
}

static Status *list(const KernelInfo *info, const char *name, int32_t kind, void *to, size_t *size, size_t each) {
  const Attribute *at = attribute(info, name, kind);
  if (!at) return status(STATUS_FAIL, "no such attribute");
  if (to && *size < at->count) return status(STATUS_INVALID_ARGUMENT, "no room");
  if (to) memcpy(to, at->values, at->count * each);
  *size = at->count;
  return NULL;
}
static Status *play_floats(const KernelInfo *info, const char *name, float *to, size_t *size) { return list(info, name, 3, to, size, sizeof *to); }
static Status *play_ints(const KernelInfo *info, const char *name, int64_t *to, size_t *size) { return list(info, name, 2, to, size, sizeof *to); }

static Status *play_texts(const KernelInfo *info, const char *name, Allocator *allocator, char ***to, size_t *size) {
  (void)allocator;
  const Attribute *at = attribute(info, name, 5);
  if (!at) return status(STATUS_FAIL, "no such attribute");
  *size = at->count;
  *to = at->count ? malloc(at->count * sizeof **to) : NULL;
  for (size_t i = 0; i < at->count; i++) (*to)[i] = strdup(at->texts[i]);
  return NULL;
}

static Status *play_tensor_attribute(const KernelInfo *info, const char *name, Allocator *allocator, Value **to) {
  (void)allocator;
  if (!attribute(info, name, 6)) return status(STATUS_FAIL, "no such attribute");
  *to = calloc(1, sizeof **to);
  return NULL;
}

static Status *play_input(const KernelContext *context, size_t index, const Value **to) {
  if (index >= context->input_count) return status(STATUS_FAIL, "no such input");
  *to = context->inputs + index;
  return NULL;
}

static Status *play_output(KernelContext *context, size_t index, const int64_t *shape, size_t rank, Value **to) {
  if (index >= context->output_count) return status(STATUS_FAIL, "no such output");
  Value *made = context->outputs + index;
  *made = (Value){.element = made->element, .rank = rank, .count = 1, .shape = malloc((rank + 1) * sizeof *shape)};
  for (size_t i = 0; i < rank; i++) made->count *= (size_t)(made->shape[i] = shape[i]);
  made->data = malloc(made->count * (made->element == ELEMENT_FLOAT ? 4 : 8));
  *to = made;
  return NULL;
}

static Status *play_shape(const Value *tensor, int *element, const int64_t **shape, size_t *rank) {
  *element = tensor->element; *shape = tensor->shape; *rank = tensor->rank;
  return NULL;
}
static void play_release_value(Value *value) { free(value); }
static void play_release_domain(CustomOpDomain *domain) { free(domain); }
static void play_release_status(Status *gone) { free(gone); }

static RuntimeApi played;
static const RuntimeApi *play_api(uint32_t version) { return version == RUNTIME_API_VERSION ? &played : NULL; }
static const char *play_version(void) { return "played"; }

static void play(void) {
#define PLAY(place_, function) played.place[place_] = (void (*)(void))(function)
  PLAY(0, status); PLAY(26, play_create_domain); PLAY(27, play_add_to_domain); PLAY(28, play_add_domain);
  PLAY(51, play_tensor_data); PLAY(76, play_free); PLAY(78, play_allocator); PLAY(86, play_int);
  PLAY(87, play_text); PLAY(90, play_input); PLAY(91, play_output); PLAY(93, play_release_status);
  PLAY(96, play_release_value); PLAY(101, play_release_domain); PLAY(162, play_floats);
  PLAY(163, play_ints); PLAY(236, play_tensor_attribute); PLAY(414, play_shape); PLAY(417, play_texts);
}

/* ---- the file ---- */
static FILE *file;
static void get(void *to, size_t size) {
  if (size && fread(to, size, 1, file) != 1) { fprintf(stderr, "the file of cases is cut off\n"); exit(2); }
}
static int64_t number(void) { int64_t read; get(&read, sizeof read); return read; }
static char *text(void) {
  const size_t length = (size_t)number();
  char *read = calloc(length + 1, 1);
  get(read, length);
  return read;
}
static void *block(size_t size) { void *read = malloc(size); get(read, size); return read; }

static Value tensor(void) {
  Value read = {.element = (int)number(), .rank = (size_t)number(), .count = 1};
  read.shape = malloc((read.rank + 1) * sizeof *read.shape);
  for (size_t i = 0; i < read.rank; i++) read.count *= (size_t)(read.shape[i] = number());
  read.data = block(read.count * (read.element == ELEMENT_FLOAT ? 4 : 8));
  return read;
}
static void free_tensor(Value *gone) { free(gone->shape); free(gone->data); }

typedef struct {
  int64_t expected;
  char *operator;
  KernelInfo info;
  size_t input_count, output_count;
  Value inputs[2], outputs[2];
} Case;

static Case read_case(void) {
  Case read = {.expected = number(), .operator = text()};
  read.info.count = (size_t)number();
  read.info.attributes = calloc(read.info.count + 1, sizeof *read.info.attributes);
  for (size_t i = 0; i < read.info.count; i++) {
    Attribute *at = read.info.attributes + i;
    at->name = text();
    at->kind = (int32_t)number();
    at->count = (size_t)number();
    if (at->kind == 4 || at->kind == 5) {
      at->texts = calloc(at->count + 1, sizeof *at->texts);
      for (size_t k = 0; k < at->count; k++) at->texts[k] = text();
    } else {
      at->values = block(at->count * (at->kind == 3 ? 4 : 8));
    }
  }
  read.input_count = (size_t)number();
  for (size_t i = 0; i < read.input_count; i++) read.inputs[i] = tensor();
  read.output_count = (size_t)number();
  for (size_t i = 0; i < read.output_count; i++) read.outputs[i] = tensor();
  return read;
}

static void free_case(Case *gone) {
  for (size_t i = 0; i < gone->info.count; i++) {
    Attribute *at = gone->info.attributes + i;
    for (size_t k = 0; at->texts && k < at->count; k++) free(at->texts[k]);
    free(at->texts); free(at->values); free(at->name);
  }
  free(gone->info.attributes); free(gone->operator);
  for (size_t i = 0; i < gone->input_count; i++) free_tensor(gone->inputs + i);
  for (size_t i = 0; i < gone->output_count; i++) free_tensor(gone->outputs + i);
}

/* ---- running ---- */
typedef struct { const CustomOp *op; void *kernel; const Case *given; int outcome; char why[200]; } Run;

static int is_same(const Value *a, const Value *b) {
  return a->element == b->element && a->rank == b->rank && !memcmp(a->shape, b->shape, a->rank * sizeof *a->shape) &&
         !memcmp(a->data, b->data, a->count * (a->element == ELEMENT_FLOAT ? 4 : 8));
}

/* Outcome: 0 refused, 1 answered as expected, 2 answered otherwise. */
static void *compute(void *argument) {
  Run *run = argument;
  Value outputs[2] = {{0}};
  for (size_t i = 0; i < 2; i++) outputs[i].element = run->op->output_count(run->op) > i ? run->op->output_type(run->op, i) : 0;
  KernelContext context = {run->given->inputs, run->given->input_count, outputs, run->op->output_count(run->op)};
  Status *failed = run->op->compute(run->kernel, &context);
  if (failed) snprintf(run->why, sizeof run->why, "%s", failed->text);
  run->outcome = !failed;
  for (size_t i = 0; !failed && i < run->given->output_count; i++)
    if (!is_same(outputs + i, run->given->outputs + i)) run->outcome = 2;
  for (size_t i = 0; i < 2; i++) free_tensor(outputs + i);
  free(failed);
  return NULL;
}

static const CustomOp *operator_named(const SessionOptions *options, const char *name) {
  for (size_t i = 0; i < options->count; i++)
    for (size_t k = 0; k < options->domains[i]->count; k++)
      if (!strcmp(options->domains[i]->ops[k]->name(NULL), name)) return options->domains[i]->ops[k];
  fprintf(stderr, "no operator %s\n", name);
  exit(2);
}

static int run_case(const SessionOptions *options, const Case *given, int threads, int64_t index) {
  Run runs[16] = {{0}};
  pthread_t thread[16];
  const CustomOp *op = operator_named(options, given->operator);
  void *kernel = NULL;
  Status *failed = op->create(op, &played, &given->info, &kernel);
  if (failed) snprintf(runs[0].why, sizeof runs[0].why, "%s", failed->text);
  else {
    for (int i = 0; i < threads; i++) runs[i] = (Run){.op = op, .kernel = kernel, .given = given};
    for (int i = 1; i < threads; i++) pthread_create(thread + i, NULL, compute, runs + i);
    compute(runs);
    for (int i = 1; i < threads; i++) pthread_join(thread[i], NULL);
    op->destroy(kernel);
  }
  int wrong = 0;
  for (int i = 0; i < (failed ? 1 : threads); i++)
    if (given->expected == 2 ? runs[i].outcome > 2 : runs[i].outcome != given->expected) {
      fprintf(stderr, "case %lld: %s%s\n", (long long)index, runs[i].outcome ? "answered otherwise than expected" : "refused: ", runs[i].why);
      wrong = 1;
    }
  free(failed);
  return wrong;
}

int main(int count, char **arguments) {
  const RuntimeApiBase base = {play_api, play_version};
  SessionOptions options = {.count = 0};
  const int threads = count > 2 ? atoi(arguments[2]) : 1;
  if (count < 2 || threads < 1 || threads > 16 || !(file = fopen(arguments[1], "rb"))) return 2;
  play();
  for (int again = 0; again < 2; again++) { /* as for two sessions */
    options.count = 0;
    Status *failed = RegisterCustomOps(&options, &base);
    if (failed) { fprintf(stderr, "%s\n", failed->text); return 2; }
  }
  if (!options.count) { printf("nothing is registered on this processor\n"); return 3; }
  const int64_t cases = number();
  int wrong = 0;
  for (int64_t i = 0; i < cases; i++) {
    Case given = read_case();
    wrong |= run_case(&options, &given, threads, i);
    free_case(&given);
  }
  fclose(file);
  printf("%lld cases, %d at once\n", (long long)cases, threads);
  return wrong;
}
