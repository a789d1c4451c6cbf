/* From a node's attributes to an ensemble: every number is checked before it is used as a place. */
#include "ensemble.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define VECTOR_BYTES 64
#define MOST_NODES (1u << 24)
#define MOST_COLUMNS (1u << 16)
#define MOST_BYTE_COLUMNS 1024 /* a kilobyte of cuts each, and as much of their nodes' places */

/* What is made of the attributes on the way. */
typedef struct {
  const TreeAttributes *given;
  size_t *first;      /* [trees + 1]: the trees' first nodes */
  uint8_t *parents;   /* [nodes]: how many a node has, up to 2 */
  float *weight;      /* [nodes]: a leaf's */
  uint8_t *has_weight;
  uint32_t *cut;      /* [nodes]: number of an inner node's threshold among its column's */
  uint32_t *place;    /* [width]: of a column among those that are used */
  struct Waiting *waiting;
  size_t leaves, inner;
} Draft;

/* A node that is still to be laid out; its parent waits for its place. */
struct Waiting { uint32_t node, depth, parent_step, parent_byte_node; uint8_t is_right; };

typedef struct { uint32_t column; float value; uint32_t node; } Cut;

static const char NO_MEMORY[] = "no memory";

static const char *check_order(const TreeAttributes *given, Draft *draft, size_t *trees) {
  *trees = 0;
  for (size_t i = 0; i < given->nodes; i++) {
    const int is_first = i == 0 || given->tree[i] != given->tree[i - 1];
    if (is_first) {
      if (given->tree[i] != (int64_t)*trees) return "trees are not numbered 0, 1, 2 in the order of their nodes";
      draft->first[(*trees)++] = i;
    }
    if (given->id[i] != (int64_t)(i - draft->first[*trees - 1])) return "a tree's nodes are not numbered 0, 1, 2 in their order";
  }
  draft->first[*trees] = given->nodes;
  return NULL;
}

static const char *check_nodes(const TreeAttributes *given, Draft *draft, size_t trees, size_t *width) {
  *width = 0;
  for (size_t t = 0; t < trees; t++) {
    const size_t first = draft->first[t], size = draft->first[t + 1] - first;
    for (size_t i = first; i < first + size; i++) {
      if (given->is_leaf[i]) { draft->leaves++; continue; }
      draft->inner++;
      if (given->feature[i] < 0 || given->feature[i] >= MOST_COLUMNS) return "a column's number is out of range";
      if ((size_t)given->feature[i] >= *width) *width = (size_t)given->feature[i] + 1;
      if (isnan(given->threshold[i])) return "a threshold is not a number";
      if (given->missing_count && (uint64_t)given->missing[i] > 1) return "a track of missing values is neither 0 nor 1";
      const int64_t children[2] = {given->left[i], given->right[i]};
      for (int side = 0; side < 2; side++) {
        if (children[side] < 1 || (uint64_t)children[side] >= size) return "a child's number is out of range";
        if (++draft->parents[first + (size_t)children[side]] > 1) return "a node has two parents";
      }
    }
    for (size_t i = first + 1; i < first + size; i++)
      if (!draft->parents[i]) return "a node has no parent";
  }
  return NULL;
}

static const char *check_targets(const TreeAttributes *given, Draft *draft, size_t trees) {
  if (given->targets != draft->leaves) return "not each leaf has one weight";
  for (size_t i = 0; i < given->targets; i++) {
    const int64_t tree = given->target_tree[i], node = given->target_node[i];
    if (tree < 0 || (uint64_t)tree >= trees) return "a weight's tree is out of range";
    const size_t first = draft->first[tree];
    if (node < 0 || (uint64_t)node >= draft->first[tree + 1] - first) return "a weight's node is out of range";
    const size_t at = first + (size_t)node;
    if (!given->is_leaf[at]) return "a weight is no leaf's";
    if (draft->has_weight[at]) return "a leaf has two weights";
    if (given->target[i] != 0) return "a weight is of another target than the first";
    if (!isfinite(given->weight[i])) return "a weight is not finite";
    draft->has_weight[at] = 1;
    draft->weight[at] = given->weight[i];
  }
  return NULL;
}

static int by_cut(const void *a, const void *b) {
  const Cut *p = a, *q = b;
  if (p->column != q->column) return p->column < q->column ? -1 : 1;
  if (p->value != q->value) return p->value < q->value ? -1 : 1;
  return p->node < q->node ? -1 : p->node > q->node; /* qsort is not stable */
}

static Cut *sorted_cuts(const TreeAttributes *given, size_t inner) {
  Cut *cuts = malloc((inner + 1) * sizeof *cuts);
  if (!cuts) return NULL;
  size_t count = 0;
  for (size_t i = 0; i < given->nodes; i++)
    if (!given->is_leaf[i]) cuts[count++] = (Cut){(uint32_t)given->feature[i], given->threshold[i], (uint32_t)i};
  qsort(cuts, count, sizeof *cuts, by_cut);
  return cuts;
}

/* Number the columns that are used and their distinct cuts; says whether bytes can count them. */
static int number_cuts(Ensemble *e, const Draft *draft, const Cut *cuts) {
  int fit = 1;
  uint32_t number = 0;
  for (size_t i = 0; i < draft->inner; i++) {
    const int is_new = i == 0 || cuts[i].column != cuts[i - 1].column;
    if (is_new) {
      draft->place[cuts[i].column] = (uint32_t)e->columns;
      e->column[e->columns++] = cuts[i].column;
      number = 0;
    } else if (cuts[i].value != cuts[i - 1].value) {
      number++;
    }
    draft->cut[cuts[i].node] = number;
    if (number >= MOST_CUTS) fit = 0;
  }
  return fit;
}

static const char *fill_cuts(Ensemble *e, const Draft *draft, const Cut *cuts) {
  const size_t cells = e->columns * 256;
  e->cuts = aligned_alloc(VECTOR_BYTES, (cells + 256) * sizeof *e->cuts);
  e->coarse = aligned_alloc(VECTOR_BYTES, (cells / 16 + 16) * sizeof *e->coarse);
  e->byte_nodes = calloc(draft->inner + 1, sizeof *e->byte_nodes);
  e->nan_goes_left = calloc(draft->inner + 1, 1);
  if (!e->cuts || !e->coarse || !e->byte_nodes || !e->nan_goes_left) return NO_MEMORY;
  for (size_t i = 0; i < cells; i++) e->cuts[i] = INFINITY;
  for (size_t i = 0; i < draft->inner; i++)
    e->cuts[256 * draft->place[cuts[i].column] + draft->cut[cuts[i].node]] = cuts[i].value;
  for (size_t i = 0; i < cells / 16; i++) e->coarse[i] = e->cuts[16 * i + 15];
  return NULL;
}

static uint32_t four_times(uint32_t byte) { return 0x01010101u * (byte & 255u); }

/* Lay one tree out in pre-order; return its number of leaves, or 0 if some node is not below its root. */
static size_t lay_out(Ensemble *e, const Draft *draft, size_t tree, size_t *steps, size_t *byte_nodes, size_t *leaves) {
  const TreeAttributes *given = draft->given;
  const size_t first = draft->first[tree], first_leaf = *leaves, first_step = *steps;
  size_t waiting = 0;
  draft->waiting[waiting++] = (struct Waiting){.node = 0};
  while (waiting) {
    const struct Waiting now = draft->waiting[--waiting];
    const size_t at = first + now.node, step = (*steps)++;
    if (now.depth > e->depth[tree]) e->depth[tree] = now.depth;
    if (now.is_right) {
      Step *parent = e->steps + now.parent_step;
      parent->right = (int32_t)(step - now.parent_step);
      parent->less = parent->right - 1;
      if (e->has_bytes) {
        ByteNode *node = e->byte_nodes + now.parent_byte_node;
        node->step = four_times((uint32_t)(*leaves - first_leaf) - (node->lowest & 255u));
      }
    }
    if (given->is_leaf[at]) {
      e->steps[step] = (Step){.value = draft->weight[at], .is_leaf = 1};
      e->leaves[(*leaves)++] = draft->weight[at];
      continue;
    }
    const uint8_t nan_goes_left = given->missing_count && given->missing[at];
    e->steps[step] = (Step){
        .value = given->threshold[at], .column = (uint16_t)given->feature[at], .nan_goes_left = nan_goes_left};
    const size_t byte_node = *byte_nodes;
    if (e->has_bytes) {
      e->nan_goes_left[byte_node] = nan_goes_left;
      e->byte_nodes[(*byte_nodes)++] = (ByteNode){
          .cut = four_times(draft->cut[at] - 128u),
          .lowest = four_times((uint32_t)(*leaves - first_leaf)),
          .place = draft->place[given->feature[at]]};
    }
    draft->waiting[waiting++] = (struct Waiting){
        (uint32_t)given->right[at], now.depth + 1, (uint32_t)step, (uint32_t)byte_node, 1};
    draft->waiting[waiting++] = (struct Waiting){.node = (uint32_t)given->left[at], .depth = now.depth + 1};
  }
  return *steps - first_step == draft->first[tree + 1] - first ? *leaves - first_leaf : 0;
}

/* The mask form, of the byte form: a node takes the leaves of its left side away from a row that goes right. */
static const char *fill_masks(Ensemble *e, const Draft *draft) {
  const size_t cells = e->columns * 256;
  e->first_mask = calloc(cells + 1, sizeof *e->first_mask);
  e->mask = malloc((draft->inner + 1) * sizeof *e->mask);
  e->mask_tree = malloc((draft->inner + 1) * sizeof *e->mask_tree);
  uint32_t *next = malloc((cells + 1) * sizeof *next);
  if (!e->first_mask || !e->mask || !e->mask_tree || !next) { free(next); return NO_MEMORY; }
  for (size_t i = 0; i < draft->inner; i++)
    e->first_mask[256 * e->byte_nodes[i].place + (uint8_t)(e->byte_nodes[i].cut + 128u) + 1]++;
  for (size_t i = 0; i < cells; i++) e->first_mask[i + 1] += e->first_mask[i];
  memcpy(next, e->first_mask, cells * sizeof *next);
  for (size_t t = 0; t < e->trees; t++)
    for (uint32_t i = e->first_byte_node[t]; i < e->first_byte_node[t + 1]; i++) {
      const ByteNode *node = e->byte_nodes + i;
      const uint64_t left = ((UINT64_C(1) << (node->step & 255u)) - 1) << (node->lowest & 255u);
      const uint32_t to = next[256 * node->place + (uint8_t)(node->cut + 128u)]++;
      e->mask[to] = ~left;
      e->mask_tree[to] = (uint16_t)t;
    }
  free(next);
  return NULL;
}

/* Free the form that is not predicted with. */
static void keep_one_form(Ensemble *e) {
  if (e->has_bytes) {
    free(e->steps); free(e->first_step); free(e->depth);
    e->steps = NULL; e->first_step = e->depth = NULL;
  } else {
    free(e->byte_nodes); free(e->nan_goes_left); free(e->cuts); free(e->coarse);
    e->byte_nodes = NULL; e->nan_goes_left = NULL; e->cuts = e->coarse = NULL;
  }
}

static const char *build(Ensemble *e, Draft *draft) {
  const TreeAttributes *given = draft->given;
  const char *why;
  if ((why = check_order(given, draft, &e->trees))) return why;
  if ((why = check_nodes(given, draft, e->trees, &e->width))) return why;
  if ((why = check_targets(given, draft, e->trees))) return why;
  draft->place = calloc(e->width + 1, sizeof *draft->place);
  e->column = calloc(e->width + 1, sizeof *e->column);
  e->steps = calloc(given->nodes, sizeof *e->steps);
  e->leaves = calloc(draft->leaves + 1, sizeof *e->leaves);
  e->first_step = calloc(e->trees + 1, sizeof *e->first_step);
  e->first_byte_node = calloc(e->trees + 1, sizeof *e->first_byte_node);
  e->first_leaf = calloc(e->trees + 1, sizeof *e->first_leaf);
  e->depth = calloc(e->trees + 1, sizeof *e->depth);
  if (!draft->place || !e->column || !e->steps || !e->leaves || !e->first_step || !e->first_byte_node || !e->first_leaf || !e->depth)
    return NO_MEMORY;
  Cut *cuts = sorted_cuts(given, draft->inner);
  if (!cuts) return NO_MEMORY;
  e->has_bytes = number_cuts(e, draft, cuts) && e->columns <= MOST_BYTE_COLUMNS;
  if (e->has_bytes) why = fill_cuts(e, draft, cuts);
  free(cuts);
  if (why) return why;
  size_t steps = 0, byte_nodes = 0, leaves = 0, most = 0;
  for (size_t t = 0; t < e->trees; t++) {
    e->first_step[t] = (uint32_t)steps;
    const size_t here = lay_out(e, draft, t, &steps, &byte_nodes, &leaves);
    if (!here) return "a tree has a circle";
    e->first_byte_node[t + 1] = (uint32_t)byte_nodes;
    e->first_leaf[t + 1] = (uint32_t)leaves;
    if (here > most) most = here;
  }
  e->has_bytes = e->has_bytes && most <= MOST_LEAVES;
  e->has_masks = e->has_bytes && most <= MASK_LEAVES && e->trees <= MASK_TREES;
  keep_one_form(e);
  e->base = given->bases ? given->base[0] : 0;
  return e->has_masks ? fill_masks(e, draft) : NULL;
}

Ensemble *ensemble_of(const TreeAttributes *given, const char **why) {
  *why = NULL;
  if (!given->nodes) *why = "there are no nodes";
  else if (given->nodes > MOST_NODES) *why = "there are too many nodes";
  else if (given->missing_count && given->missing_count != given->nodes) *why = "not each node has a track of missing values";
  else if (given->bases > 1) *why = "there is more than one base value";
  else if (given->bases && !isfinite(given->base[0])) *why = "the base value is not finite";
  if (*why) return NULL;
  const size_t n = given->nodes;
  Ensemble *e = calloc(1, sizeof *e);
  Draft draft = {
      .given = given,
      .first = malloc((n + 1) * sizeof *draft.first),
      .parents = calloc(n, 1),
      .weight = malloc(n * sizeof *draft.weight),
      .has_weight = calloc(n, 1),
      .cut = malloc(n * sizeof *draft.cut),
      .waiting = malloc((n + 1) * sizeof *draft.waiting)};
  if (!e || !draft.first || !draft.parents || !draft.weight || !draft.has_weight || !draft.cut || !draft.waiting) *why = NO_MEMORY;
  else *why = build(e, &draft);
  free(draft.first); free(draft.parents); free(draft.weight); free(draft.has_weight);
  free(draft.cut); free(draft.place); free(draft.waiting);
  if (!*why) return e;
  ensemble_free(e);
  return NULL;
}

void ensemble_free(Ensemble *e) {
  if (!e) return;
  free(e->steps); free(e->first_step); free(e->depth); free(e->column); free(e->cuts); free(e->coarse);
  free(e->byte_nodes); free(e->first_byte_node); free(e->leaves); free(e->first_leaf);
  free(e->nan_goes_left); free(e->mask); free(e->mask_tree); free(e->first_mask); free(e);
}
