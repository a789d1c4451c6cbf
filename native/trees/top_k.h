/* The k smallest, or largest, of a row, in order. */
#ifndef HOUSING_TOP_K_H
#define HOUSING_TOP_K_H

#include <stddef.h>
#include <stdint.h>

#define SHORT_ROW 256 /* numbers of a row that needs no memory of its own */

/* Write the k first numbers of a row in order, and their places; of equal ones the first place is first.
   `keys` has room for the row, and is not needed for a short one. Returns 0 if a number is NaN. */
int top_k(const float *row, size_t size, size_t k, int largest, uint64_t *keys, float *values, int64_t *places);

#endif
