/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/bpf_graph.h"

#include "base/arena.h"
#include "base/error.h"
#include "policy/policy.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <string.h>

void graph_init(struct graph *graph, struct arena *arena)
{
	*graph = (struct graph){
		.arena = arena,
		.room = 256,
		.table_size = 512,
	};
	graph->nodes = arena_alloc_array(arena, graph->room, sizeof(*graph->nodes));
	graph->table = arena_alloc_array(arena, graph->table_size, sizeof(*graph->table));
}

static bool is_same(const struct graph_node *a, const struct graph_node *b)
{
	return a->jump == b->jump && a->offset == b->offset && a->mask == b->mask &&
	       a->k == b->k && a->yes == b->yes && a->no == b->no;
}

static size_t hash_of(const struct graph_node *node)
{
	uint64_t hash =
		(uint64_t)node->k << 16 ^ node->jump ^ (uint64_t)node->offset << 8;

	hash = (hash ^ node->mask) * 0x9e3779b97f4a7c15U;
	hash = (hash ^ (hash >> 29) ^ ((uint64_t)node->yes << 32 | node->no)) *
	       0xbf58476d1ce4e5b9U;
	return (size_t)(hash >> 20);
}

/* The place of this node in the table, or the free one where it belongs. */
static uint32_t *find_slot(struct graph *graph, const struct graph_node *node)
{
	size_t mask = graph->table_size - 1;
	size_t at = hash_of(node) & mask;

	while (graph->table[at] && !is_same(&graph->nodes[graph->table[at] - 1], node))
		at = (at + 1) & mask;
	return &graph->table[at];
}

static void make_room(struct graph *graph)
{
	struct graph_node *nodes;

	if (graph->count < graph->room)
		return;
	graph->room *= 2;
	nodes = arena_alloc_array(graph->arena, graph->room, sizeof(*nodes));
	memcpy(nodes, graph->nodes, graph->count * sizeof(*nodes));
	graph->nodes = nodes;

	graph->table_size *= 2;
	graph->table =
		arena_alloc_array(graph->arena, graph->table_size, sizeof(*graph->table));
	for (size_t i = 0; i < graph->count; i++)
		*find_slot(graph, &nodes[i]) = (uint32_t)i + 1;
}

static uint32_t find_or_add(struct graph *graph, const struct graph_node *node)
{
	uint32_t *slot;

	make_room(graph);
	slot = find_slot(graph, node);
	if (!*slot) {
		graph->nodes[graph->count++] = *node;
		*slot = (uint32_t)graph->count;
	}
	return *slot - 1;
}

uint32_t graph_return(struct graph *graph, uint32_t value)
{
	const struct graph_node node = { .k = value };

	return find_or_add(graph, &node);
}

uint32_t graph_test(struct graph *graph, const struct graph_node *test)
{
	if (test->yes == test->no)
		return test->yes;
	return find_or_add(graph, test);
}

/*
 * Where a test can be entered, by what the accumulator holds already. Each place before
 * the jump is laid out only if somebody enters there or above.
 */
enum entry { ENTER_LOAD, ENTER_MASK, ENTER_JUMP, ENTRY_COUNT };

/* Positions count from the end of the program; 0 is none, 1 the last instruction. */
struct places {
	uint32_t home[ENTRY_COUNT]; /* the instruction itself */
	uint32_t near[ENTRY_COUNT]; /* the nearest way to it: it, or a jump to it */
};

struct layout {
	const struct graph *graph;
	struct places *places; /* for each node */
	uint32_t *order;       /* of nodes, what they lead to before them */
	size_t order_count;
	struct sock_filter *instructions; /* the last one first */
	size_t count, room;
	struct arena *arena;
};

/* A conditional jump passes over at most 255; one JA may still come between. */
enum { REACH = 255 };

static uint32_t put(struct layout *layout, struct sock_filter instruction)
{
	if (layout->count == layout->room) {
		struct sock_filter *larger;

		layout->room *= 2;
		larger = arena_alloc_array(layout->arena, layout->room, sizeof(*larger));
		memcpy(larger, layout->instructions, layout->count * sizeof(*larger));
		layout->instructions = larger;
	}
	layout->instructions[layout->count++] = instruction;
	return (uint32_t)layout->count;
}

static bool is_masked(const struct graph_node *node)
{
	return node->mask != UINT32_MAX;
}

/* How the target of a test is entered, with the word in the accumulator. */
static enum entry entry_from(const struct graph_node *from, const struct graph_node *to)
{
	if (from->offset != to->offset)
		return ENTER_LOAD;
	if (from->mask == to->mask)
		return ENTER_JUMP;
	return is_masked(from) ? ENTER_LOAD : ENTER_MASK;
}

/*
 * The order: from each node first to yes, then to no, then itself. Laid out from the end,
 * no follows its test directly.
 */
static void order_nodes(struct layout *layout, uint32_t root)
{
	const struct graph_node *nodes = layout->graph->nodes;
	size_t count = layout->graph->count, depth = 0;
	uint32_t *stack = arena_alloc_array(layout->arena, count, sizeof(*stack));
	uint8_t *visits = arena_alloc(layout->arena, count);

	stack[depth++] = root;
	while (depth > 0) {
		uint32_t index = stack[depth - 1];
		uint8_t visit = nodes[index].jump ? visits[index]++ : 2;

		if (visit < 2) {
			uint32_t next = visit ? nodes[index].no : nodes[index].yes;

			if (!visits[next])
				stack[depth++] = next;
			continue;
		}
		depth--;
		visits[index] = UINT8_MAX;
		layout->order[layout->order_count++] = index;
	}
}

static void note_entries(struct layout *layout, uint32_t root)
{
	struct graph_node *nodes = layout->graph->nodes;

	nodes[root].entries |= 1 << ENTER_LOAD;
	for (size_t i = layout->order_count; i > 0; i--) {
		const struct graph_node *node = &nodes[layout->order[i - 1]];

		if (!node->jump)
			continue;
		nodes[node->yes].entries |=
			(uint8_t)(1 << entry_from(node, &nodes[node->yes]));
		nodes[node->no].entries |=
			(uint8_t)(1 << entry_from(node, &nodes[node->no]));
	}
}

/* A position within reach of the jump that is laid out next, or next but one. */
static uint32_t bring_near(struct layout *layout, const struct graph_node *from,
			   uint32_t target)
{
	const struct graph_node *to = graph_node(layout->graph, target);
	enum entry entry = to->jump ? entry_from(from, to) : ENTER_JUMP;
	struct places *places = &layout->places[target];
	uint32_t *near = &places->near[entry];

	if (*near && layout->count - *near < REACH)
		return *near;
	if (!to->jump) {
		*near = put(layout, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, to->k));
		return *near;
	}
	*near = put(layout, (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA,
							 (uint32_t)layout->count -
								 places->home[entry]));
	return *near;
}

static void lay_test(struct layout *layout, uint32_t index)
{
	const struct graph_node *node = graph_node(layout->graph, index);
	struct places *places = &layout->places[index];
	uint32_t yes = bring_near(layout, node, node->yes);
	uint32_t no = bring_near(layout, node, node->no);
	uint32_t here = (uint32_t)layout->count;

	places->home[ENTER_JUMP] =
		put(layout, (struct sock_filter)BPF_JUMP(BPF_JMP | node->jump | BPF_K,
							 node->k, (uint8_t)(here - yes),
							 (uint8_t)(here - no)));
	places->home[ENTER_MASK] = places->home[ENTER_JUMP];
	if (is_masked(node) && (node->entries & (1 << ENTER_MASK | 1 << ENTER_LOAD)) != 0)
		places->home[ENTER_MASK] =
			put(layout, (struct sock_filter)BPF_STMT(
					    BPF_ALU | BPF_AND | BPF_K, node->mask));
	if (node->entries & 1 << ENTER_LOAD)
		places->home[ENTER_LOAD] =
			put(layout, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
								 node->offset));
	memcpy(places->near, places->home, sizeof(places->near));
}

static struct sock_filter *reverse(const struct layout *layout)
{
	struct sock_filter *forward =
		arena_alloc_array(layout->arena, layout->count, sizeof(*forward));

	for (size_t i = 0; i < layout->count; i++)
		forward[i] = layout->instructions[layout->count - 1 - i];
	return forward;
}

int graph_emit(struct graph *graph, uint32_t root, struct seccomp_program *ret_program,
	       struct error *err)
{
	struct layout layout = { .graph = graph, .room = 256, .arena = graph->arena };

	layout.places =
		arena_alloc_array(graph->arena, graph->count, sizeof(*layout.places));
	layout.order =
		arena_alloc_array(graph->arena, graph->count, sizeof(*layout.order));
	layout.instructions = arena_alloc_array(graph->arena, layout.room,
						sizeof(*layout.instructions));

	order_nodes(&layout, root);
	note_entries(&layout, root);
	for (size_t i = 0; i < layout.order_count; i++) {
		if (graph->nodes[layout.order[i]].jump)
			lay_test(&layout, layout.order[i]);
	}
	if (layout.count == 0)
		put(&layout,
		    (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, graph->nodes[root].k));
	if (layout.count > BPF_MAXINSNS)
		return error_set(err, ERROR_POLICY,
				 "compile the policy: it needs %zu instructions, the "
				 "kernel takes %d",
				 layout.count, BPF_MAXINSNS);
	*ret_program = (struct seccomp_program){ reverse(&layout), layout.count };
	return 0;
}
