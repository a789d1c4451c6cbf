/* An ensemble of regression trees, checked and laid out for prediction. */
#ifndef HOUSING_ENSEMBLE_H
#define HOUSING_ENSEMBLE_H

#include <stddef.h>
#include <stdint.h>

#define MOST_CUTS 255   /* distinct thresholds of a column, if rows are to become bytes */
#define MOST_LEAVES 256 /* of a tree, if its leaves are to be bytes */
#define MASK_LEAVES 64  /* of a tree, if its leaves are to be bits of a word */
#define MASK_TREES (1u << 16)

/* The node's attributes, as the model file has them: nothing of them is trusted. */
typedef struct {
  size_t nodes, missing_count, targets, bases;
  const int64_t *tree, *id, *feature, *left, *right, *missing; /* [nodes]; missing: [missing_count] */
  const float *threshold;                                      /* [nodes] */
  const uint8_t *is_leaf;                                      /* [nodes] */
  const int64_t *target_tree, *target_node, *target;           /* [targets] */
  const float *weight, *base;                                  /* [targets], [bases] */
} TreeAttributes;

/* A node of the walked form. The left child is the next node. At a leaf both steps are 0. */
typedef struct {
  float value;           /* threshold, or the leaf's weight */
  uint16_t column;
  uint8_t is_leaf, nan_goes_left;
  int32_t right;         /* steps to the right child */
  int32_t less;          /* what the steps are less if the row goes to the left */
} Step;

/* An inner node of the byte form; each byte is there four times, for a vector is filled with words. */
typedef struct {
  uint32_t cut;    /* number of its threshold among the column's, minus 128 */
  uint32_t lowest; /* number of the lowest leaf below it */
  uint32_t step;   /* from there to the lowest leaf below its right child */
  uint32_t place;  /* of its column among those that are used */
} ByteNode;

typedef struct {
  size_t trees, width;         /* width: columns that a row must have at least */
  float base;

  Step *steps;                 /* in pre-order; NULL where there are bytes */
  uint32_t *first_step;        /* [trees] */
  uint32_t *depth;             /* [trees] */

  int has_bytes;               /* whether no column has more cuts, and no tree more leaves, than bytes can count */
  size_t columns;              /* that are used */
  uint32_t *column;            /* [columns], rising */
  float *cuts;                 /* [columns][256], rising, then infinite */
  float *coarse;               /* [columns][16]: the last of each sixteen of them */
  ByteNode *byte_nodes;        /* in pre-order */
  uint8_t *nan_goes_left;      /* of each byte node */
  uint32_t *first_byte_node;   /* [trees + 1] */
  float *leaves;               /* from the left */
  uint32_t *first_leaf;        /* [trees + 1] */

  int has_masks;               /* whether no tree has more leaves than a word has bits */
  uint64_t *mask;              /* of each inner node, by column, then by rising cut: all leaves but those on its left */
  uint16_t *mask_tree;         /* whose they are */
  uint32_t *first_mask;        /* [columns][256]: the first whose cut's number is at least so high */
} Ensemble;

/* Return an ensemble, or NULL and why it is not one that is done here (a constant text). */
Ensemble *ensemble_of(const TreeAttributes *attributes, const char **why);
void ensemble_free(Ensemble *ensemble);

/* Predict rows of `width` columns, at least the ensemble's; returns 0 if there was no memory. */
int ensemble_predict(const Ensemble *ensemble, const float *rows, size_t count, size_t width, float *to);

/* Whether it predicts, bit for bit, what a walk of the attributes says, on rows made of its thresholds. */
int ensemble_passes(const Ensemble *ensemble, const TreeAttributes *attributes);

#endif
