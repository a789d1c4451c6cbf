/* The operators of this library. */
#ifndef HOUSING_OPERATORS_H
#define HOUSING_OPERATORS_H

#include "runtime_api.h"

extern const CustomOp REGRESSOR, TOP_K;
uint64_t regressor_rows(void);

/* What all of them answer alike. */
const char *cpu_provider(const CustomOp *op);
int required(const CustomOp *op, size_t index);
int default_memory(const CustomOp *op, size_t index);
int one_of_variadic(const CustomOp *op);
int first_opset(const CustomOp *op);

#define CUSTOM_OP_OF_CPU                                                              \
  .version = RUNTIME_API_VERSION, .provider = cpu_provider, .input_kind = required,   \
  .output_kind = required, .input_memory = default_memory,                            \
  .variadic_input_arity = one_of_variadic, .variadic_input_is_homogeneous = one_of_variadic,   \
  .variadic_output_arity = one_of_variadic, .variadic_output_is_homogeneous = one_of_variadic, \
  .first_opset = first_opset

#endif
