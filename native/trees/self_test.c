/* Whether an ensemble predicts what its attributes say: on this processor, by every way through it. */
#include "ensemble.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ROWS 130u /* a block of them, and some */
#define WALKED 26u /* of them differ; the others are the same rows in other places */
#define ALONE 8u  /* of them one by one, and in threes */

/* Walk the attributes themselves: nothing of what was laid out is used. */
static float walked(const TreeAttributes *given, const size_t *first, size_t trees, const float *weights, const float *row) {
  float sum = 0;
  for (size_t t = 0; t < trees; t++) {
    size_t at = first[t];
    while (!given->is_leaf[at]) {
      const float value = row[given->feature[at]];
      const int left = value <= given->threshold[at] || (given->missing_count && given->missing[at] && isnan(value));
      at = first[t] + (size_t)(left ? given->left[at] : given->right[at]);
    }
    sum += weights[at];
  }
  return sum + (given->bases ? given->base[0] : 0);
}

/* Rows on the ensemble's own thresholds and beside them; the last are not finite. */
static void fill(const TreeAttributes *given, float *rows, size_t width) {
  for (size_t i = 0; i < given->nodes; i++) {
    if (given->is_leaf[i]) continue;
    const uint32_t mixed = ((uint32_t)i * 2654435761u) >> 16;
    const float cut = given->threshold[i];
    const float around[3] = {cut, cut * 1.0000001f, cut * 0.9999999f};
    rows[mixed % WALKED * width + (size_t)given->feature[i]] = around[mixed / WALKED % 3];
  }
  for (size_t c = 0; c < width; c++) {
    rows[(WALKED - 1) * width + c] = NAN;
    rows[(WALKED - 2) * width + c] = INFINITY;
    rows[(WALKED - 3) * width + c] = -INFINITY;
  }
  for (size_t r = WALKED; r < ROWS; r++) memcpy(rows + r * width, rows + (r - WALKED) * width, width * sizeof *rows);
}

int ensemble_passes(const Ensemble *ensemble, const TreeAttributes *given) {
  static const size_t counts[] = {1, 3, ROWS}; /* by masks, by masks, and by bytes or steps */
  const size_t width = ensemble->width ? ensemble->width : 1;
  float *weights = calloc(given->nodes, sizeof *weights), *rows = calloc(ROWS * width, sizeof *rows);
  size_t *first = malloc((ensemble->trees + 1) * sizeof *first);
  float expected[ROWS], predicted[ROWS];
  int passes = weights && rows && first;
  for (size_t i = given->nodes; passes && i-- > 0;) first[given->tree[i]] = i;
  for (size_t i = 0; passes && i < given->targets; i++)
    weights[first[given->target_tree[i]] + (size_t)given->target_node[i]] = given->weight[i];
  if (passes) fill(given, rows, width);
  for (size_t r = 0; passes && r < ROWS; r++)
    expected[r] = r < WALKED ? walked(given, first, ensemble->trees, weights, rows + r * width) : expected[r - WALKED];
  for (size_t i = 0; passes && i < sizeof counts / sizeof *counts; i++)
    for (size_t r = 0; passes && r + counts[i] <= (counts[i] < ROWS ? ALONE : ROWS); r += counts[i])
      passes = ensemble_predict(ensemble, rows + r * width, counts[i], width, predicted) &&
               !memcmp(predicted, expected + r, counts[i] * sizeof *predicted);
  free(first);
  free(weights);
  free(rows);
  return passes;
}
