/* SPDX-License-Identifier: Apache-2.0 */

/* The conditions of `when`: whether a line is there at all. */
#include "policy/native_reader.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

enum { PARTS_MAX = 64 };

static const struct native_when *read_or(struct native_reader *reader, size_t depth);

static struct native_when *new_when(struct native_reader *reader,
				    enum native_when_kind kind)
{
	struct native_when *when = arena_alloc(reader->all->arena, sizeof(*when));

	when->kind = kind;
	return when;
}

/* ---- what is asked ---- */

static int refuse_cap(struct native_reader *reader, struct native_word word)
{
	const char *names[65] = { 0 };
	char buffer[NATIVE_NAME_MAX + 1];
	const char *nearest;

	for (unsigned int i = 0; i < 64 && caps_name(i); i++)
		names[i] = caps_name(i);
	nearest = text_nearest(native_word_text(word, buffer), names);
	error_set(reader->err, ERROR_POLICY, "no capability is called \"%s\"", buffer);
	if (nearest)
		error_hint(reader->err, "the nearest is %s", nearest);
	else
		error_hint(reader->err, "capabilities(7) lists them: CAP_SYS_ADMIN");
	return native_at(reader, word.text);
}

static const struct native_when *read_cap(struct native_reader *reader)
{
	struct native_when *when = new_when(reader, WHEN_CAP);
	struct native_word word;
	char buffer[NATIVE_NAME_MAX + 1];

	if (!native_take(reader, '(')) {
		native_expected(reader, "cap(CAP_…)");
		return NULL;
	}
	word = native_word(reader);
	when->caps = caps_by_name(native_word_text(word, buffer));
	if (when->caps == 0) {
		refuse_cap(reader, word);
		return NULL;
	}
	if (!native_take(reader, ')')) {
		native_expected(reader, "\")\"");
		return NULL;
	}
	reader->all->policy->asked_caps |= when->caps;
	return when;
}

static int read_version(struct native_reader *reader, unsigned int *ret_version)
{
	struct native_word major, minor = { 0 };
	char first[NATIVE_NAME_MAX + 1], second[NATIVE_NAME_MAX + 1] = "0";
	int numbers[2];

	major = native_word(reader);
	if (native_take(reader, '.')) {
		minor = native_word(reader);
		native_word_text(minor, second);
	}
	if (text_to_int(native_word_text(major, first), 0, 0x7fff, &numbers[0]) < 0 ||
	    text_to_int(second, 0, 0xffff, &numbers[1]) < 0) {
		error_set(reader->err, ERROR_POLICY, "expected a kernel such as 5.14");
		return native_at(reader, major.text);
	}
	*ret_version = (unsigned int)numbers[0] << 16 | (unsigned int)numbers[1];
	return 0;
}

static const struct native_when *read_kernel(struct native_reader *reader)
{
	struct native_when *when = new_when(reader, WHEN_KERNEL);

	if (!native_take_operator(reader, &when->op)) {
		native_expected(reader, "a comparison: kernel >= 5.14");
		return NULL;
	}
	if (read_version(reader, &when->kernel) < 0)
		return NULL;
	reader->all->policy->asks_kernel = true;
	return when;
}

static const struct native_when *read_arch(struct native_reader *reader)
{
	struct native_when *when = new_when(reader, WHEN_ARCH);

	if (!native_take(reader, '(')) {
		native_expected(reader, "arch(x86_64)");
		return NULL;
	}
	do {
		struct native_word word = native_word(reader);
		enum abi abi = native_abi(word);

		if (abi == ABI_COUNT) {
			native_unknown_abi(reader, word);
			return NULL;
		}
		when->abis |= 1U << abi;
	} while (native_take(reader, ','));
	if (!native_take(reader, ')')) {
		native_expected(reader, "\")\"");
		return NULL;
	}
	return when;
}

static const struct native_when *read_question(struct native_reader *reader)
{
	static const char *const questions[] = { "cap", "kernel", "arch", NULL };
	struct native_word word = native_word(reader);
	char buffer[NATIVE_NAME_MAX + 1];
	const char *nearest;

	if (native_word_is(word, "cap"))
		return read_cap(reader);
	if (native_word_is(word, "kernel"))
		return read_kernel(reader);
	if (native_word_is(word, "arch"))
		return read_arch(reader);
	if (word.length == 0) {
		native_expected(reader, "cap(…), kernel >= … or arch(…)");
		return NULL;
	}
	nearest = text_nearest(native_word_text(word, buffer), questions);
	error_set(reader->err, ERROR_POLICY, "nothing can be asked by \"%s\"", buffer);
	if (nearest)
		error_hint(reader->err, "the nearest is %s", nearest);
	else
		error_hint(reader->err,
			   "when cap(CAP_SYS_ADMIN), kernel >= 5.14 or arch(x86_64)");
	native_at(reader, word.text);
	return NULL;
}

/* ---- how it is joined ---- */

static const struct native_when *read_unary(struct native_reader *reader, size_t depth)
{
	const struct native_when *inner;
	struct native_when * not ;
	bool negated = false;

	while (native_take(reader, '!'))
		negated = !negated;
	if (native_take(reader, '(')) {
		if (depth >= NATIVE_NESTING_MAX) {
			error_set(reader->err, ERROR_POLICY,
				  "parentheses are nested too deeply");
			native_at(reader, reader->at);
			return NULL;
		}
		inner = read_or(reader, depth + 1);
		if (inner && !native_take(reader, ')')) {
			native_expected(reader, "\")\"");
			return NULL;
		}
	} else {
		inner = read_question(reader);
	}
	if (!inner || !negated)
		return inner;
	not = new_when(reader, WHEN_NOT);
	not ->left = inner;
	return not ;
}

/* Parts on one level make a list as deep as it is long: it is kept short. */
static const struct native_when *
read_chain(struct native_reader *reader, size_t depth, enum native_when_kind kind,
	   const char *pair,
	   const struct native_when *(*read)(struct native_reader *reader, size_t depth))
{
	const struct native_when *chain = read(reader, depth);
	size_t parts = 1;

	while (chain && native_take_pair(reader, pair)) {
		struct native_when *joined = new_when(reader, kind);

		if (++parts > PARTS_MAX) {
			error_set(reader->err, ERROR_POLICY,
				  "a condition has too many parts");
			error_hint(reader->err, "at most %d", PARTS_MAX);
			native_at(reader, reader->at);
			return NULL;
		}
		joined->left = chain;
		joined->right = read(reader, depth);
		chain = joined->right ? joined : NULL;
	}
	return chain;
}

static const struct native_when *read_and(struct native_reader *reader, size_t depth)
{
	return read_chain(reader, depth, WHEN_AND, "&&", read_unary);
}

static const struct native_when *read_or(struct native_reader *reader, size_t depth)
{
	return read_chain(reader, depth, WHEN_OR, "||", read_and);
}

const struct native_when *native_when(struct native_reader *reader)
{
	return read_or(reader, 0);
}

/* ---- asking ---- */

static bool kernel_holds(const struct native_when *when, unsigned int kernel)
{
	switch (when->op) {
	case TEST_EQ:
		return kernel == when->kernel;
	case TEST_NE:
		return kernel != when->kernel;
	case TEST_LT:
		return kernel < when->kernel;
	case TEST_LE:
		return kernel <= when->kernel;
	case TEST_GT:
		return kernel > when->kernel;
	case TEST_GE:
		return kernel >= when->kernel;
	}
	return false;
}

bool native_when_holds(const struct native_when *when,
		       const struct profile_conditions *conditions, enum abi abi)
{
	if (!when)
		return true;
	switch (when->kind) {
	case WHEN_CAP:
		return (conditions->caps & when->caps) == when->caps;
	case WHEN_KERNEL:
		return kernel_holds(when, conditions->kernel);
	case WHEN_ARCH:
		return when->abis >> abi & 1;
	case WHEN_NOT:
		return !native_when_holds(when->left, conditions, abi);
	case WHEN_AND:
		return native_when_holds(when->left, conditions, abi) &&
		       native_when_holds(when->right, conditions, abi);
	case WHEN_OR:
		return native_when_holds(when->left, conditions, abi) ||
		       native_when_holds(when->right, conditions, abi);
	}
	return false;
}
