/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_POLICY_BPF_GRAPH_H
#define SBX_POLICY_BPF_GRAPH_H

/*
 * Decisions as a graph without circles: a node tests one word of struct seccomp_data and
 * goes on to one of two nodes, or returns. Equal nodes are one node, so that what calls,
 * and ABIs, have in common is in the program once. The instructions are laid out from the
 * end of the program to its beginning, because a jump of classic BPF only goes forward and
 * its length must be known.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/rules.h"

struct arena;
struct error;
struct seccomp_program;

/*
 * How deep conditions may lie in each other, and how many tests are looked at: bounds of
 * the stack and of the time that an expression costs.
 */
enum { CONDITION_DEPTH_MAX = 4096, GRAPH_WORK_MAX = 1 << 20 };

/*
 * The ABI of a call by its struct seccomp_data; ABI_COUNT: none that is known. x32 has the
 * numbers from X32_BIT on, but for the last one: a tracer that skips a call leaves -1
 * there (ptrace(2)).
 */
enum abi abi_of(uint32_t audit, uint32_t number);

struct graph_node {
	uint16_t jump;   /* BPF_JEQ, BPF_JGT, BPF_JGE, BPF_JSET; 0: returns k */
	uint8_t offset;  /* of the word in struct seccomp_data */
	uint8_t entries; /* where it is entered, while instructions are laid out */
	uint32_t mask;   /* of the word, before it is compared */
	uint32_t k;
	uint32_t yes, no; /* nodes */
};

struct graph {
	struct arena *arena;
	struct graph_node *nodes;
	size_t count, room;
	uint32_t *table; /* of node indices + 1, by hash */
	size_t table_size;
};

void graph_init(struct graph *graph, struct arena *arena);

/* Each returns the index of a node that exists, or of a new one. */
uint32_t graph_return(struct graph *graph, uint32_t value);
uint32_t graph_test(struct graph *graph, const struct graph_node *test);

static inline const struct graph_node *graph_node(const struct graph *graph,
						  uint32_t index)
{
	return &graph->nodes[index];
}

/* Lays out the instructions of what root leads to. Fails beyond 4096. */
int graph_emit(struct graph *graph, uint32_t root, struct seccomp_program *ret_program,
	       struct error *err);

#endif
