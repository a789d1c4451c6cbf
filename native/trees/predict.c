/* Predicting rows: the sums are those of a walk from root to leaf, tree by tree, in float32.

   Many rows: each value becomes a byte, the number of its column's cuts below it. Then 128 rows at a
   time pass every inner node of a tree in pre-order. A row stands at the lowest leaf of the subtree
   that it is in; at the node whose lowest leaf that is, it moves to the right subtree's lowest leaf if
   its byte is above the node's cut. That is two compares, two ands and a sum for 32 rows at once, and
   no branch depends on data.

   Few rows: after Lucchese et al., QuickScorer (SIGIR 2015). Each tree has a word with a bit for each
   leaf; every node that a row goes to the right of takes the leaves on its left away; the lowest bit
   that stays is the row's leaf. The nodes lie by column and cut, so these are the first of each column.

   A row with a value that is not a number passes the nodes alone. Ensembles that are too large for bytes
   are walked. */
#include "ensemble.h"

#include <stdlib.h>
#include <string.h>

/* Only this file is for AVX2: the library's entry must run where there is none. */
#ifdef __x86_64__
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx2,bmi,popcnt"))), apply_to = function)
#else
#pragma GCC target("avx2,bmi,popcnt")
#endif
#endif

#define BLOCK 128 /* rows of a block */
#define VECTOR 32
#define VECTORS (BLOCK / VECTOR)
#define FEW 3 /* so many rows are quicker by masks */
#define LANES 8 /* rows that are walked in step */

typedef int8_t Bytes __attribute__((vector_size(VECTOR)));
typedef uint32_t Words __attribute__((vector_size(VECTOR)));
typedef int32_t Ints __attribute__((vector_size(VECTOR)));
typedef float Floats __attribute__((vector_size(VECTOR)));

static int goes_left(const Step *step, float value) {
  return value <= step->value || (step->nan_goes_left && value != value);
}

static float walk(const Ensemble *e, const float *row) {
  float sum = 0;
  for (size_t t = 0; t < e->trees; t++) {
    const Step *step = e->steps + e->first_step[t];
    while (!step->is_leaf) step += goes_left(step, row[step->column]) ? 1 : step->right;
    sum += step->value;
  }
  return sum + e->base;
}

/* As many rows as there are lanes take as many steps as the tree is deep; at a leaf a step leads nowhere. */
static void walk_in_step(const Ensemble *e, const float *rows, size_t width, float *to) {
  float sum[LANES] = {0};
  for (size_t t = 0; t < e->trees; t++) {
    const Step *at[LANES];
    for (int lane = 0; lane < LANES; lane++) at[lane] = e->steps + e->first_step[t];
    for (uint32_t depth = e->depth[t]; depth; depth--)
      for (int lane = 0; lane < LANES; lane++) {
        const Step *step = at[lane];
        const float value = rows[(size_t)lane * width + step->column];
        const int left = (value <= step->value) | (step->nan_goes_left & (value != value));
        at[lane] += step->right - (-left & step->less);
      }
    for (int lane = 0; lane < LANES; lane++) sum[lane] += at[lane]->value;
  }
  for (int lane = 0; lane < LANES; lane++) to[lane] = sum[lane] + e->base;
}

/* One row, which may have values that are not numbers, by the byte form. */
static float passed(const Ensemble *e, const float *row) {
  float sum = 0;
  for (size_t t = 0; t < e->trees; t++) {
    uint32_t at = 0;
    for (uint32_t i = e->first_byte_node[t]; i < e->first_byte_node[t + 1]; i++) {
      const ByteNode *node = e->byte_nodes + i;
      if ((node->lowest & 255u) != at) continue;
      const float value = row[e->column[node->place]], cut = e->cuts[256 * node->place + (uint8_t)(node->cut + 128u)];
      if (!(value <= cut || (e->nan_goes_left[i] && value != value))) at += node->step & 255u;
    }
    sum += e->leaves[e->first_leaf[t] + at];
  }
  return sum + e->base;
}

static inline unsigned lanes_set(Floats lanes) {
#ifdef __x86_64__
  return (unsigned)__builtin_popcount((unsigned)__builtin_ia32_movmskps256(lanes));
#else
  const Ints set = (Ints)lanes;
  int32_t sum = 0;
  for (int lane = 0; lane < 8; lane++) sum -= set[lane];
  return (unsigned)sum;
#endif
}

/* How many of 16 rising cuts are below a value. */
static inline unsigned below(const float *cuts, Floats value) {
  const Floats *at = (const Floats *)cuts;
  return lanes_set((Floats)(at[0] < value)) + lanes_set((Floats)(at[1] < value));
}

/* How many of a column's 256 rising cuts are below a value: first whole sixteens, by the last of each. */
static inline unsigned cuts_below(const Ensemble *e, size_t column, float value) {
  const Floats all = {value, value, value, value, value, value, value, value};
  const unsigned sixteens = below(e->coarse + 16 * column, all);
  return 16 * sixteens + below(e->cuts + 256 * column + 16 * sixteens, all);
}

static int has_nan(const Ensemble *e, const float *row) {
  int has = 0;
  for (size_t c = 0; c < e->columns; c++) has |= row[e->column[c]] != row[e->column[c]];
  return has;
}

static float masked(const Ensemble *e, const float *row, uint64_t *live) {
  memset(live, 0xff, e->trees * sizeof *live);
  for (size_t c = 0; c < e->columns; c++) {
    const uint32_t *first = e->first_mask + 256 * c;
    const uint32_t end = first[cuts_below(e, c, row[e->column[c]])];
    for (uint32_t i = first[0]; i < end; i++) live[e->mask_tree[i]] &= e->mask[i];
  }
  float sum = 0;
  for (size_t t = 0; t < e->trees; t++) sum += e->leaves[e->first_leaf[t] + (unsigned)__builtin_ctzll(live[t])];
  return sum + e->base;
}

static void to_bytes(const Ensemble *e, const float *rows, size_t count, size_t width, int8_t (*bytes)[BLOCK]) {
  for (size_t c = 0; c < e->columns; c++) {
    const float *column = rows + e->column[c];
    for (size_t r = 0; r < count; r++) bytes[c][r] = (int8_t)((int)cuts_below(e, c, column[r * width]) - 128);
  }
}

static inline Bytes filled(uint32_t word) {
  const Words words = {word, word, word, word, word, word, word, word};
  return (Bytes)words;
}

static inline __attribute__((always_inline)) void find_leaves(
    const ByteNode *node, const ByteNode *end, int8_t (*bytes)[BLOCK], Bytes *leaf, const int vectors) {
  Bytes at[VECTORS] = {{0}};
  for (; node < end; node++) {
    const Bytes cut = filled(node->cut), lowest = filled(node->lowest), step = filled(node->step);
    const Bytes *values = (const Bytes *)bytes[node->place];
    for (int v = 0; v < vectors; v++) at[v] += step & (Bytes)(values[v] > cut) & (Bytes)(at[v] == lowest);
  }
  for (int v = 0; v < vectors; v++) leaf[v] = at[v];
}

static void predict_block(const Ensemble *e, const float *rows, size_t count, size_t width, int8_t (*bytes)[BLOCK], float *to) {
  Bytes leaf[VECTORS];
  float sum[BLOCK] = {0};
  const size_t vectors = (count + VECTOR - 1) / VECTOR;
  to_bytes(e, rows, count, width, bytes);
  for (size_t t = 0; t < e->trees; t++) {
    const ByteNode *node = e->byte_nodes + e->first_byte_node[t], *end = e->byte_nodes + e->first_byte_node[t + 1];
    switch (vectors) {
      case 1: find_leaves(node, end, bytes, leaf, 1); break;
      case 2: find_leaves(node, end, bytes, leaf, 2); break;
      case 3: find_leaves(node, end, bytes, leaf, 3); break;
      default: find_leaves(node, end, bytes, leaf, VECTORS);
    }
    const float *weights = e->leaves + e->first_leaf[t];
    const uint8_t *number = (const uint8_t *)leaf;
    for (size_t r = 0; r < count; r++) sum[r] += weights[number[r]];
  }
  for (size_t r = 0; r < count; r++) {
    const float *row = rows + r * width;
    to[r] = has_nan(e, row) ? passed(e, row) : sum[r] + e->base;
  }
}

static int predict_by_bytes(const Ensemble *e, const float *rows, size_t count, size_t width, float *to) {
  const size_t size = (e->columns + 1) * BLOCK;
  int8_t (*bytes)[BLOCK] = aligned_alloc(64, size);
  if (!bytes) return 0;
  memset(bytes, 0, size);
  for (size_t r = 0; r < count; r += BLOCK)
    predict_block(e, rows + r * width, count - r < BLOCK ? count - r : BLOCK, width, bytes, to + r);
  free(bytes);
  return 1;
}

static int predict_by_masks(const Ensemble *e, const float *rows, size_t count, size_t width, float *to) {
  uint64_t *live = malloc(e->trees * sizeof *live);
  if (!live) return 0;
  for (size_t r = 0; r < count; r++) {
    const float *row = rows + r * width;
    to[r] = has_nan(e, row) ? passed(e, row) : masked(e, row, live);
  }
  free(live);
  return 1;
}

int ensemble_predict(const Ensemble *e, const float *rows, size_t count, size_t width, float *to) {
  if (e->has_masks && count <= FEW) return predict_by_masks(e, rows, count, width, to);
  if (e->has_bytes) return predict_by_bytes(e, rows, count, width, to);
  size_t r = 0;
  for (; r + LANES <= count; r += LANES) walk_in_step(e, rows + r * width, width, to + r);
  for (; r < count; r++) to[r] = walk(e, rows + r * width);
  return 1;
}

#if defined(__x86_64__) && defined(__clang__)
#pragma clang attribute pop
#endif
