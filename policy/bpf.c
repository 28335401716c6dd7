/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules to a program. What a call is answered is a node of a graph (bpf_graph.h); the
 * numbers of an ABI are segments of equal answers, and a balanced tree over their limits
 * finds the segment. Segments that are one number, between two that are equal, are
 * compared with that number and do not part the tree.
 */
#include "policy/bpf.h"

#include "base/arena.h"
#include "base/error.h"
#include "policy/bpf_graph.h"
#include "policy/bpf_start.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
	       "the low word of an argument is its first");

enum {
	OFFSET_NUMBER = offsetof(struct seccomp_data, nr),
	OFFSET_ABI = offsetof(struct seccomp_data, arch),
};

static uint32_t notify_value(uint32_t data)
{
	return SECCOMP_RET_USER_NOTIF | (data & SECCOMP_RET_DATA);
}

static bool is_told(struct action action, const struct bpf_wishes *wishes)
{
	return wishes->explains &&
	       (action.value == EPERM || action.value == EAFNOSUPPORT);
}

uint32_t bpf_return_value(struct action action, const struct bpf_wishes *wishes)
{
	switch (action.kind) {
	case ACTION_ALLOW:
		return SECCOMP_RET_ALLOW;
	case ACTION_ERRNO:
		if (is_told(action, wishes))
			return notify_value(0x8000U | action.value);
		return SECCOMP_RET_ERRNO | action.value;
	case ACTION_FAKE:
		if (action.value != 0)
			return notify_value(action.value);
		return SECCOMP_RET_ERRNO;
	case ACTION_KILL:
		return SECCOMP_RET_KILL_PROCESS;
	case ACTION_KILL_THREAD:
		return SECCOMP_RET_KILL_THREAD;
	case ACTION_TRAP:
		return SECCOMP_RET_TRAP | action.value;
	case ACTION_LOG:
		return SECCOMP_RET_LOG;
	case ACTION_NOTIFY:
		return SECCOMP_RET_USER_NOTIF;
	case ACTION_TRACE:
		return SECCOMP_RET_TRACE | action.value;
	}
	abort();
}

/* Numbers from start to the next segment's, and the node that answers them. */
struct segment {
	uint32_t start;
	uint32_t node;
};

struct generation {
	const struct rules *rules;
	const struct bpf_wishes *wishes;
	struct graph graph;
	struct segment *segments; /* of the ABI at hand */
	size_t segment_count;
	size_t work;
	/* The last answer: most calls have that of the one before. */
	bool has_answered;
	struct action last_action;
	uint32_t last_node;
	struct error *err;
};

static uint32_t answer(struct generation *gen, struct action action)
{
	if (gen->has_answered && action_is_same(action, gen->last_action))
		return gen->last_node;
	gen->has_answered = true;
	gen->last_action = action;
	gen->last_node = graph_return(&gen->graph, bpf_return_value(action, gen->wishes));
	return gen->last_node;
}

/* ---- one test of an argument ---- */

static uint32_t low_word(uint8_t argument)
{
	return (uint32_t)(offsetof(struct seccomp_data, args) + 8U * argument);
}

/* One word of a test: which, and what of it is compared with what. */
struct word {
	uint32_t offset, mask, value;
};

static uint32_t compare(struct generation *gen, const struct word *word, uint16_t jump,
			uint32_t yes, uint32_t no)
{
	const struct graph_node node = {
		.jump = jump,
		.offset = (uint8_t)word->offset,
		.mask = word->mask,
		.k = word->value,
		.yes = yes,
		.no = no,
	};

	return graph_test(&gen->graph, &node);
}

static bool is_one_bit(uint32_t mask)
{
	return mask != 0 && (mask & (mask - 1)) == 0;
}

/* Tests of bits leave the whole word in the accumulator, for the next test of it. */
static uint32_t compare_bits(struct generation *gen, const struct word *word,
			     uint32_t set, uint32_t clear)
{
	const struct word bits = { word->offset, UINT32_MAX, word->mask };

	return compare(gen, &bits, BPF_JSET, set, clear);
}

static uint32_t word_is(struct generation *gen, const struct word *word, uint32_t yes,
			uint32_t no)
{
	if (word->value & ~word->mask)
		return no;
	if (word->mask == 0)
		return yes;
	if (word->mask != UINT32_MAX && word->value == 0)
		return compare_bits(gen, word, no, yes);
	if (is_one_bit(word->mask))
		return compare_bits(gen, word, yes, no);
	return compare(gen, word, BPF_JEQ, yes, no);
}

/* More than the value, or for JGE, at least. */
static uint32_t word_exceeds(struct generation *gen, const struct word *word,
			     uint16_t jump, uint32_t yes, uint32_t no)
{
	struct word nothing = { word->offset, word->mask, 0 };

	if (jump == BPF_JGE && word->value == 0)
		return yes;
	if (word->value > word->mask || (jump == BPF_JGT && word->value == word->mask))
		return no;
	if (jump == BPF_JGT ? word->value == 0 : word->value == 1)
		return word_is(gen, &nothing, no, yes);
	return compare(gen, word, jump, yes, no);
}

/* High and low word of a test. The high one of a narrow test is 0 and not looked at. */
struct words {
	struct word high, low;
};

static struct words words_of(const struct test *test, bool abi_wide)
{
	uint32_t offset = low_word(test->argument);
	bool wide = test->wide && abi_wide;

	return (struct words){
		.high = { offset + 4, wide ? (uint32_t)(test->mask >> 32) : 0,
			  test->wide ? (uint32_t)(test->value >> 32) : 0 },
		.low = { offset, (uint32_t)test->mask, (uint32_t)test->value },
	};
}

static uint32_t argument_is(struct generation *gen, const struct words *words,
			    uint32_t yes, uint32_t no)
{
	uint32_t high_is = word_is(gen, &words->low, yes, no);

	return word_is(gen, &words->high, high_is, no);
}

static uint32_t argument_exceeds(struct generation *gen, const struct words *words,
				 uint16_t jump, uint32_t yes, uint32_t no)
{
	const struct word *high = &words->high;
	uint32_t high_is = word_exceeds(gen, &words->low, jump, yes, no);
	uint32_t not_more = no;

	/* Where the high word cannot be less, "not more" is "equal" already. */
	if (high->value == 0)
		not_more = high_is;
	else
		not_more = word_is(gen, high, high_is, no);
	return word_exceeds(gen, high, BPF_JGT, yes, not_more);
}

static uint32_t compile_test(struct generation *gen, enum abi abi,
			     const struct test *test, uint32_t yes, uint32_t no)
{
	const struct words words = words_of(test, abi_is_wide(abi));

	switch (test->op) {
	case TEST_EQ:
		return argument_is(gen, &words, yes, no);
	case TEST_NE:
		return argument_is(gen, &words, no, yes);
	case TEST_LT:
		return argument_exceeds(gen, &words, BPF_JGE, no, yes);
	case TEST_LE:
		return argument_exceeds(gen, &words, BPF_JGT, no, yes);
	case TEST_GT:
		return argument_exceeds(gen, &words, BPF_JGT, yes, no);
	case TEST_GE:
		return argument_exceeds(gen, &words, BPF_JGE, yes, no);
	}
	abort();
}

/* ---- one call ---- */

/* Where an expression goes on: in which ABI, and to which nodes. */
struct exits {
	enum abi abi;
	uint32_t yes, no;
};

static int compile_condition(struct generation *gen, const struct condition *condition,
			     struct exits exits, unsigned int depth, uint32_t *ret_node)
{
	uint32_t right = 0;

	for (; condition->kind != CONDITION_TEST; condition = condition->left) {
		if (depth >= CONDITION_DEPTH_MAX)
			return error_set(gen->err, ERROR_POLICY,
					 "compile an expression nested deeper than %d",
					 CONDITION_DEPTH_MAX);
		if (gen->work++ > GRAPH_WORK_MAX)
			return error_set(gen->err, ERROR_POLICY,
					 "compile an expression of more than %d tests",
					 GRAPH_WORK_MAX);
		if (compile_condition(gen, condition->right, exits, ++depth, &right) < 0)
			return -1;
		if (condition->kind == CONDITION_AND)
			exits.yes = right;
		else
			exits.no = right;
	}
	*ret_node = compile_test(gen, exits.abi, &condition->test, exits.yes, exits.no);
	return 0;
}

static int error_at(struct error *err, const struct source_line *source)
{
	if (!source->file)
		return -1;
	return error_within(err, "%s:%u", source->file, source->line);
}

static int compile_call(struct generation *gen, enum abi abi,
			const struct call_rules *call, uint32_t *ret_node)
{
	const struct clause *clauses = call->clauses;
	struct exits exits = { .abi = abi };

	exits.no = answer(gen, clauses[call->clause_count - 1].action);
	for (size_t i = call->clause_count - 1; i > 0; i--) {
		const struct clause *clause = &clauses[i - 1];

		exits.yes = answer(gen, clause->action);
		if (!clause->when)
			exits.no = exits.yes;
		else if (compile_condition(gen, clause->when, exits, 0, &exits.no) < 0)
			return error_at(gen->err, &clause->source);
	}
	*ret_node = exits.no;
	return 0;
}

/* The key in the last three arguments allows the call, whatever node says. */
static uint32_t behind_key(struct generation *gen, uint32_t node)
{
	const struct start_key *key = gen->wishes->key;
	uint32_t result = graph_return(&gen->graph, SECCOMP_RET_ALLOW);
	uint32_t allowed = graph_return(&gen->graph, SECCOMP_RET_LOG);

	if (node == result || node == allowed)
		return node;
	for (uint8_t i = 0; i < 3; i++) {
		uint32_t low = low_word((uint8_t)(3 + i));
		const struct words words = {
			.high = { low + 4, UINT32_MAX, (uint32_t)(key->words[i] >> 32) },
			.low = { low, UINT32_MAX, (uint32_t)key->words[i] },
		};

		result = argument_is(gen, &words, result, node);
	}
	return result;
}

/* ---- the numbers of one ABI ---- */

static void add_segment(struct generation *gen, uint64_t start, uint32_t node)
{
	struct segment *segments = gen->segments;

	if (start > UINT32_MAX)
		return;
	if (gen->segment_count > 0 && segments[gen->segment_count - 1].start == start)
		gen->segment_count--;
	if (gen->segment_count > 0 && segments[gen->segment_count - 1].node == node)
		return;
	segments[gen->segment_count++] = (struct segment){ (uint32_t)start, node };
}

/* What is gone through side by side, in the order of numbers. */
struct numbers {
	enum abi abi;
	uint64_t first, last; /* of those wanted */
	bool is_keyed;
	const struct call_rules *calls, *calls_end;
	const uint32_t *known, *known_end;
};

static void skip_to(struct numbers *numbers, uint64_t first)
{
	numbers->first = first;
	while (numbers->calls < numbers->calls_end && numbers->calls->number < first)
		numbers->calls++;
	while (numbers->known < numbers->known_end && *numbers->known < first)
		numbers->known++;
}

/* Beyond last: there is none. */
static uint64_t next_number(const struct numbers *numbers)
{
	uint64_t next = UINT64_MAX;

	if (numbers->calls < numbers->calls_end)
		next = numbers->calls->number;
	if (numbers->known < numbers->known_end && *numbers->known < next)
		next = *numbers->known;
	for (int i = 0; numbers->is_keyed && i < START_CALL_COUNT; i++) {
		if (start_calls[i] >= numbers->first && start_calls[i] < next)
			next = start_calls[i];
	}
	return next;
}

static int number_node(struct generation *gen, const struct numbers *numbers,
		       uint32_t number, uint32_t *ret_node)
{
	const struct call_rules *call = numbers->calls;

	if (call < numbers->calls_end && call->number == number && call->clause_count > 0)
		return compile_call(gen, numbers->abi, call, ret_node);
	if (numbers->known < numbers->known_end && *numbers->known == number)
		*ret_node = answer(gen, gen->rules->known.action);
	return 0;
}

static int add_numbers(struct generation *gen, struct numbers *numbers, uint32_t other)
{
	uint64_t number;

	add_segment(gen, numbers->first, other);
	skip_to(numbers, numbers->first);
	for (number = next_number(numbers); number <= numbers->last;
	     number = next_number(numbers)) {
		uint32_t node = other;

		if (number_node(gen, numbers, (uint32_t)number, &node) < 0)
			return -1;
		if (numbers->is_keyed && is_start_call(numbers->abi, (uint32_t)number))
			node = behind_key(gen, node);
		add_segment(gen, number, node);
		add_segment(gen, number + 1, other);
		skip_to(numbers, number + 1);
	}
	return 0;
}

/* Segments for the numbers of an ABI from first to last. */
static int add_abi(struct generation *gen, enum abi abi, uint32_t first, uint32_t last)
{
	bool is_served = gen->rules->served & 1U << abi;
	struct numbers numbers = { .abi = abi, .first = first, .last = last };

	numbers.is_keyed = gen->wishes->key && abi == abi_native();
	if (is_served) {
		size_t count;

		numbers.calls = gen->rules->abis[abi].calls;
		numbers.calls_end = numbers.calls;
		if (numbers.calls)
			numbers.calls_end += gen->rules->abis[abi].count;
		numbers.known = call_numbers(abi, &count);
		numbers.known_end = numbers.known + count;
	}
	return add_numbers(gen, &numbers,
			   answer(gen, is_served ? gen->rules->unknown.action
						 : gen->rules->foreign.action));
}

/* ---- the tree ---- */

/* How many numbers a leaf of the tree compares one by one. */
enum { SINGLES_MAX = 3 };

static bool is_single(const struct generation *gen, size_t index)
{
	const struct segment *segment = &gen->segments[index];

	return index + 1 < gen->segment_count && segment[1].start - segment->start == 1;
}

/* Whether all segments but single numbers go to one node; few enough to compare. */
static bool is_leaf(const struct generation *gen, size_t from, size_t to, uint32_t common)
{
	size_t singles = 0;

	if (to - from > 2 * SINGLES_MAX + 1)
		return false;
	for (size_t i = from; i < to; i++) {
		if (gen->segments[i].node == common)
			continue;
		if (!is_single(gen, i))
			return false;
		singles++;
	}
	return singles <= SINGLES_MAX;
}

static uint32_t number_test(struct generation *gen, uint16_t jump, uint32_t number,
			    uint32_t yes, uint32_t no)
{
	const struct word word = { OFFSET_NUMBER, UINT32_MAX, number };

	return compare(gen, &word, jump, yes, no);
}

static uint32_t make_leaf(struct generation *gen, size_t from, size_t to, uint32_t common)
{
	uint32_t node = common;

	for (size_t i = to; i > from; i--) {
		const struct segment *segment = &gen->segments[i - 1];

		if (segment->node != common)
			node = number_test(gen, BPF_JEQ, segment->start, segment->node,
					   node);
	}
	return node;
}

/* A tree over the segments before to; as deep as the logarithm of their number. */
static uint32_t make_tree(struct generation *gen, size_t from, size_t to)
{
	size_t middle = from + (to - from) / 2;
	uint32_t left, right;

	for (size_t i = from; i < to && i < from + 2; i++) {
		if (is_leaf(gen, from, to, gen->segments[i].node))
			return make_leaf(gen, from, to, gen->segments[i].node);
	}
	right = make_tree(gen, middle, to);
	left = make_tree(gen, from, middle);
	return number_test(gen, BPF_JGE, gen->segments[middle].start, right, left);
}

static size_t segments_at_most(const struct rules *rules, enum abi abi)
{
	size_t known;

	call_numbers(abi, &known);
	return 2 * (known + rules->abis[abi].count + START_CALL_COUNT) + 4;
}

static int compile_abi(struct generation *gen, enum abi abi, uint32_t *ret_node)
{
	size_t room = segments_at_most(gen->rules, abi);

	if (abi == ABI_X86_64)
		room += segments_at_most(gen->rules, ABI_X32);
	gen->segments = arena_alloc_array(gen->graph.arena, room, sizeof(*gen->segments));
	gen->segment_count = 0;

	if (abi != ABI_X86_64) {
		if (add_abi(gen, abi, 0, UINT32_MAX) < 0)
			return -1;
	} else if (add_abi(gen, ABI_X86_64, 0, X32_BIT - 1) < 0 ||
		   add_abi(gen, ABI_X32, X32_BIT, UINT32_MAX - 1) < 0 ||
		   add_abi(gen, ABI_X86_64, UINT32_MAX, UINT32_MAX) < 0) {
		return -1;
	}
	*ret_node = make_tree(gen, 0, gen->segment_count);
	return 0;
}

static bool needs_tree(const struct generation *gen, enum abi abi)
{
	unsigned int wanted = gen->rules->served;

	if (gen->wishes->key)
		wanted |= 1U << abi_native();
	if (abi == ABI_X32)
		return false;
	return wanted & 1U << abi || (abi == ABI_X86_64 && wanted & 1U << ABI_X32);
}

int bpf_generate(const struct rules *rules, const struct bpf_wishes *wishes,
		 struct arena *arena, struct seccomp_program *ret_program,
		 struct error *err)
{
	struct generation gen = { .rules = rules, .wishes = wishes, .err = err };
	uint32_t root;

	graph_init(&gen.graph, arena);
	root = answer(&gen, rules->foreign.action);
	for (enum abi abi = ABI_COUNT; abi > 0; abi--) {
		const struct word audit = { OFFSET_ABI, UINT32_MAX, abi_audit(abi - 1) };
		uint32_t node;

		if (!needs_tree(&gen, abi - 1))
			continue;
		if (compile_abi(&gen, abi - 1, &node) < 0)
			return -1;
		root = compare(&gen, &audit, BPF_JEQ, node, root);
	}
	return graph_emit(&gen.graph, root, ret_program, err);
}
