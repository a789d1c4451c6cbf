/* The k first of a row without a branch that depends on data: numbers beyond a bound are left out, and
   of each that stays the ones before it are counted. That is its place in the order. */
#include "top_k.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#ifdef __x86_64__
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx2,bmi"))), apply_to = function)
#else
#pragma GCC target("avx2,bmi")
#endif
#endif

#define LANES 8
#define VECTORS 4
#define GROUP (LANES * VECTORS) /* numbers whose places are counted at a time */
#define MOST_GUESSES 6

typedef float Floats __attribute__((vector_size(4 * LANES)));
typedef int32_t Ints __attribute__((vector_size(4 * LANES)));

static inline Floats filled(float value) {
  const Floats all = {value, value, value, value, value, value, value, value};
  return all;
}

static inline Floats chosen(Ints where, Floats one, Floats other) {
  return (Floats)((where & (Ints)one) | (~where & (Ints)other));
}

static inline size_t total(Ints counts) {
  int32_t sum = 0;
  for (int lane = 0; lane < LANES; lane++) sum += counts[lane];
  return (size_t)sum;
}

static size_t count_up_to(const Floats *row, size_t vectors, float bound) {
  const Floats all = filled(bound);
  Ints counts = {0};
  for (size_t v = 0; v < vectors; v++) counts -= (Ints)(row[v] <= all);
  return total(counts);
}

/* A number that at least k of the row, and not many more, are at most as large as. The row ends in infinities. */
static float bound_of(const Floats *row, size_t vectors, size_t size, size_t k) {
  Floats least = row[0], most = filled(-INFINITY);
  for (size_t v = 0; v < vectors; v++) {
    least = chosen((Ints)(row[v] < least), row[v], least);
    const Floats finite = chosen((Ints)(row[v] < filled(INFINITY)), row[v], filled(-INFINITY));
    most = chosen((Ints)(finite > most), finite, most);
  }
  float low = least[0], high = most[0];
  for (int lane = 1; lane < LANES; lane++) {
    low = least[lane] < low ? least[lane] : low;
    high = most[lane] > high ? most[lane] : high;
  }
  if (!(low < high) || count_up_to(row, vectors, high) < k) return INFINITY;
  float bound = high, share = 1.15f * (float)k / (float)size;
  for (int guess = 0; guess < MOST_GUESSES; guess++) {
    const float between = low + (high - low) * share;
    if (!(between > low && between < high)) break;
    const size_t count = count_up_to(row, vectors, between);
    if (count < k) low = between;
    else {
      bound = high = between;
      if (count <= k + k / 4 + LANES) break;
    }
    share = 0.5f;
  }
  return bound;
}

/* Of each of a group of numbers, count the ones that come before it. The group's own are told apart by their lanes. */
static inline void count_before(const float *row, size_t size, size_t from, int32_t *before) {
  static const Ints lanes = {0, 1, 2, 3, 4, 5, 6, 7};
  const Floats *at = (const Floats *)(row + from);
  Ints counts[VECTORS] = {{0}};
  size_t other = 0;
  for (; other < from; other++)
    for (int v = 0; v < VECTORS; v++) counts[v] -= (Ints)(filled(row[other]) <= at[v]);
  for (; other < from + GROUP && other < size; other++) {
    const Floats all = filled(row[other]);
    const int32_t own = (int32_t)(other - from);
    for (int v = 0; v < VECTORS; v++) {
      const Ints is_later = lanes + v * LANES > own;
      counts[v] -= (Ints)(all < at[v]) | ((Ints)(all == at[v]) & is_later);
    }
  }
  for (; other < size; other++)
    for (int v = 0; v < VECTORS; v++) counts[v] -= (Ints)(filled(row[other]) < at[v]);
  memcpy(before, counts, sizeof counts);
}

static int of_short_row(const float *row, size_t size, size_t k, int largest, float *values, int64_t *places) {
  _Alignas(32) float all[SHORT_ROW + LANES], kept[SHORT_ROW + GROUP];
  _Alignas(32) int32_t before[SHORT_ROW + GROUP];
  int32_t place[SHORT_ROW + 1], order[SHORT_ROW + GROUP];
  const size_t vectors = size / LANES + 1; /* the last holds infinities at least */
  int has_nan = 0;
  for (size_t i = 0; i < size; i++) {
    all[i] = largest ? -row[i] : row[i];
    has_nan |= row[i] != row[i];
  }
  if (has_nan) return 0;
  for (size_t i = size; i < vectors * LANES; i++) all[i] = INFINITY;
  const float bound = bound_of((const Floats *)all, vectors, size, k);
  size_t count = 0;
  for (size_t i = 0; i < size; i++) {
    kept[count] = all[i];
    place[count] = (int32_t)i;
    count += all[i] <= bound;
  }
  for (size_t i = count; i < count + GROUP; i++) kept[i] = INFINITY;
  for (size_t from = 0; from < count; from += GROUP) count_before(kept, count, from, before + from);
  for (size_t i = 0; i < count; i++) order[before[i]] = place[i];
  for (size_t i = 0; i < k; i++) {
    places[i] = order[i];
    values[i] = row[order[i]];
  }
  return 1;
}

static int by_key(const void *a, const void *b) {
  const uint64_t p = *(const uint64_t *)a, q = *(const uint64_t *)b;
  return p < q ? -1 : p > q;
}

/* A number's bits in the order of the numbers, with its place behind them. */
static int of_long_row(const float *row, size_t size, size_t k, int largest, uint64_t *keys, float *values, int64_t *places) {
  for (size_t i = 0; i < size; i++) {
    uint32_t bits;
    const float value = (largest ? -row[i] : row[i]) + 0.0f; /* -0 is 0 */
    if (value != value) return 0;
    memcpy(&bits, &value, sizeof bits);
    bits = bits >> 31 ? ~bits : bits | 0x80000000u;
    keys[i] = (uint64_t)bits << 32 | (uint32_t)i;
  }
  qsort(keys, size, sizeof *keys, by_key);
  for (size_t i = 0; i < k; i++) {
    places[i] = (int64_t)(uint32_t)keys[i];
    values[i] = row[places[i]];
  }
  return 1;
}

int top_k(const float *row, size_t size, size_t k, int largest, uint64_t *keys, float *values, int64_t *places) {
  if (size <= SHORT_ROW) return of_short_row(row, size, k, largest, values, places);
  return of_long_row(row, size, k, largest, keys, values, places);
}

#if defined(__x86_64__) && defined(__clang__)
#pragma clang attribute pop
#endif
