/* What ONNX Runtime, and the service, call of this library by name. */
#include "operators.h"

#include <stdatomic.h>
#ifdef __x86_64__
#include <cpuid.h>
#include <immintrin.h>
#endif

#define EXPORTED __attribute__((visibility("default")))

const char *cpu_provider(const CustomOp *op) { (void)op; return "CPUExecutionProvider"; }
int required(const CustomOp *op, size_t index) { (void)op; (void)index; return INPUT_REQUIRED; }
int default_memory(const CustomOp *op, size_t index) { (void)op; (void)index; return MEMORY_DEFAULT; }
int one_of_variadic(const CustomOp *op) { (void)op; return 1; }
int first_opset(const CustomOp *op) { (void)op; return 1; }

/* Whether processor and system know AVX2. Asked by hand: zig's __builtin_cpu_supports says no to all. */
static int processor_is_known(void) {
#ifdef __x86_64__
  unsigned a, b, c, d, low, high;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE)) return 0;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  if ((low & 6u) != 6u) return 0; /* the system keeps the registers that are wider */
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & bit_AVX2);
#else
  return 1; /* NEON is part of arm64 */
#endif
}

/* One domain of each name for all sessions, for as long as the process lives. */
typedef struct { const char *name; const CustomOp *op; _Atomic(CustomOpDomain *) made; } Domain;
static Domain domains[] = {{"ai.onnx.ml", &REGRESSOR, NULL}, {"", &TOP_K, NULL}};

static Status *made_domain(const RuntimeApi *api, Domain *domain, CustomOpDomain **to) {
  if ((*to = atomic_load(&domain->made))) return NULL;
  CustomOpDomain *made = NULL, *none = NULL;
  Status *failed = create_domain(api, domain->name, &made);
  if (!failed && (failed = add_to_domain(api, made, domain->op))) release_domain(api, made);
  if (failed) return failed;
  if (atomic_compare_exchange_strong(&domain->made, &none, made)) *to = made;
  else { release_domain(api, made); *to = none; } /* another thread was first */
  return NULL;
}

/* ONNX Runtime's entry. Where it or the processor is too old nothing is registered, and its own operators answer. */
EXPORTED Status *RegisterCustomOps(SessionOptions *options, const RuntimeApiBase *base) {
  const RuntimeApi *api = base->api(RUNTIME_API_VERSION);
  CustomOpDomain *domain;
  Status *failed = NULL;
  if (!api || !processor_is_known()) return NULL;
  for (size_t i = 0; !failed && i < sizeof domains / sizeof *domains; i++) {
    failed = made_domain(api, domains + i, &domain);
    if (!failed) failed = add_domain(api, options, domain);
  }
  return failed;
}

#ifndef TREES_SOURCE
#define TREES_SOURCE "" /* not built by native/trees/build */
#endif

/* The digest of the sources, the same for all processors. */
EXPORTED const char *housing_trees_source(void) { return TREES_SOURCE; }

/* Rows of ensembles that the calling thread had answered here. */
EXPORTED uint64_t housing_trees_rows(void) { return regressor_rows(); }
