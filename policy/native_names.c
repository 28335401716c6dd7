/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The left half of a line: calls, groups, sets of both, and what is taken out again. Each
 * call is kept once for a policy, whatever number of lines names it.
 */
#include "policy/native_reader.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

/* One member of a set, before it is known what is taken out. */
struct member {
	const char *where;
	struct native_word word;
	unsigned int abis;
	bool is_group, is_minus, is_optional;
};

/* ---- the table of calls ---- */

static uint32_t hash_of(const char *name, size_t length)
{
	uint32_t hash = 2166136261U; /* FNV-1a */

	for (size_t i = 0; i < length; i++)
		hash = (hash ^ (unsigned char)name[i]) * 16777619U;
	return hash;
}

static struct native_call *add_call(struct native_reading *all, struct native_word word,
				    int number, struct native_call **place)
{
	struct native_call *call =
		arena_alloc(all->arena, sizeof(*call) + word.length + 1);
	char *name = (char *)(call + 1);

	memcpy(name, word.text, word.length);
	call->name = name;
	call->number = number;
	call->index = all->policy->call_count++;
	call->next = *place;
	*place = call;
	return call;
}

/* The call in a list; where it is not there it is added. */
static struct native_call *call_in(struct native_reading *all, struct native_word word,
				   int number, struct native_call **place)
{
	for (struct native_call *call = *place; call; call = call->next) {
		if (strncmp(call->name, word.text, word.length) == 0 &&
		    call->name[word.length] == '\0')
			return call;
	}
	return add_call(all, word, number, place);
}

/* NULL: no ABI has a call of this name. */
static struct native_call *call_of(struct native_reading *all, struct native_word word)
{
	char name[NATIVE_NAME_MAX + 1];
	int number = call_number(abi_native(), native_word_text(word, name));
	uint32_t hash;

	if (number == -2)
		return NULL;
	if (number >= 0 && number < CALL_PLACES)
		return call_in(all, word, number, &all->by_number[number]);
	hash = hash_of(word.text, word.length);
	return call_in(all, word, number, &all->by_hash[hash % HASH_PLACES]);
}

/* minijail takes numbers of the native ABI for names. */
static struct native_call *call_of_number(struct native_reading *all, const char *text)
{
	const char *name;
	struct native_word word;
	struct native_call *call;
	uint32_t number;
	char digits[16];

	if (text_to_u32(text, &number) < 0 || number >= X32_BIT)
		return NULL;
	name = call_name(abi_native(), number);
	if (name)
		return call_of(all, (struct native_word){ name, strlen(name) });
	word.length = (size_t)snprintf(digits, sizeof(digits), "%u", number);
	word.text = digits;
	call = call_in(all, word, (int)number,
		       &all->by_hash[hash_of(digits, word.length) % HASH_PLACES]);
	call->numbered = true;
	return call;
}

/* ---- errors ---- */

static int refuse_call(struct native_reader *reader, const struct member *member)
{
	char buffer[NATIVE_NAME_MAX + 1];
	const char *nearest = call_nearest(native_word_text(member->word, buffer));

	error_set(reader->err, ERROR_POLICY, "no system call is called \"%s\"", buffer);
	if (nearest)
		error_hint(reader->err, "the nearest is %s; \"%.40s?\" would be optional",
			   nearest, buffer);
	else
		error_hint(reader->err,
			   "\"%.40s?\" would be left out where nobody knows it", buffer);
	return native_at(reader, member->where);
}

static int refuse_group(struct native_reader *reader, const struct member *member,
			const char *name)
{
	char unversioned[NATIVE_NAME_MAX + 1];
	const char *nearest;

	text_copy(unversioned, sizeof(unversioned), name);
	unversioned[1 + strcspn(unversioned + 1, "@")] = '\0';
	nearest = group_calls(unversioned) ? unversioned : group_nearest(name);
	error_set(reader->err, ERROR_POLICY, "no group is called \"%s\"", name);
	if (nearest)
		error_hint(reader->err, "the nearest is %s", nearest);
	else
		error_hint(reader->err,
			   "docs/policy.md lists them: @file-system, @debug");
	return native_at(reader, member->where);
}

enum abi native_abi(struct native_word word)
{
	/* As minijail and Debian call them. */
	static const struct {
		const char *name;
		enum abi abi;
	} others[] = {
		{ "arm64", ABI_AARCH64 }, { "amd64", ABI_X86_64 }, { "x86", ABI_I386 },
		{ "i686", ABI_I386 },     { "armhf", ABI_ARM },
	};
	char buffer[NATIVE_NAME_MAX + 1];

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		if (native_word_is(word, others[i].name))
			return others[i].abi;
	}
	return abi_by_name(native_word_text(word, buffer));
}

int native_unknown_abi(struct native_reader *reader, struct native_word word)
{
	const char *names[ABI_COUNT + 1] = { 0 };
	char buffer[NATIVE_NAME_MAX + 1];
	const char *nearest;

	if (word.length == 0)
		return native_expected(reader, "an architecture");
	for (enum abi abi = 0; abi < ABI_COUNT; abi++)
		names[abi] = abi_name(abi);
	nearest = text_nearest(native_word_text(word, buffer), names);
	error_set(reader->err, ERROR_POLICY, "no architecture is called \"%s\"", buffer);
	if (nearest)
		error_hint(reader->err, "the nearest is %s", nearest);
	else
		error_hint(reader->err, "x86_64, x32, i386, aarch64 and arm are known");
	return native_at(reader, word.text);
}

static int refuse_double(struct native_reader *reader, const struct native_call *call,
			 const struct native_line *line, const struct member *member)
{
	const struct source_line *earlier = &call->closed_by->source;
	const char *file = earlier->file;
	size_t length = strlen(file);
	bool same = strcmp(file, line->source.file) == 0;
	char group[NATIVE_NAME_MAX + 1];

	error_set(reader->err, ERROR_POLICY, "%s is decided already, by %s%s%u",
		  call->name, same ? "line " : (length > 80 ? file + length - 80 : file),
		  same ? "" : ":", earlier->line);
	if (member->is_group)
		error_hint(reader->err, "{%s, -%s}: … takes it out of the group",
			   native_word_text(member->word, group), call->name);
	else if (call->last && call->last->by_group &&
		 call->last->line == call->closed_by)
		error_hint(reader->err,
			   "take it out of the group of the other line: {@…, -%s}: …",
			   call->name);
	else
		error_hint(reader->err, "one of both lines has to go");
	return native_at(reader, member->where);
}

/* ---- items ---- */

/* Two names of one line may mean one call. */
static bool is_there_already(struct native_call *call, const struct native_line *line,
			     const struct native_level *level, unsigned int abis)
{
	if (call->level != level || !call->last || call->last->line != line)
		return false;
	call->last->abis |= abis;
	return true;
}

static int add_item(struct native_reader *reader, struct native_call *call,
		    const struct native_line *line, const struct member *member)
{
	struct native_level *level = reader->level;
	struct native_item *item;

	if (call->without == line)
		return 0;
	if (call->level != level) {
		call->level = level;
		call->closed = 0;
		call->last = NULL;
	}
	if (call->closed & member->abis)
		return refuse_double(reader, call, line, member);
	if (is_there_already(call, line, level, member->abis))
		return 0;
	if (reader->all->items++ >= NATIVE_ITEMS_MAX) {
		error_set(reader->err, ERROR_POLICY, "the policy has too many rules");
		error_hint(reader->err, "no program of 4096 instructions can hold them");
		return native_at(reader, member->where);
	}
	item = arena_alloc(reader->all->arena, sizeof(*item));
	item->call = call;
	item->line = line;
	item->abis = member->abis;
	item->by_group = member->is_group;
	call->last = item;
	level->items = arena_grow(reader->all->arena, level->items, level->item_count,
				  sizeof(struct native_item *));
	level->items[level->item_count++] = item;
	return 0;
}

static int apply_call(struct native_reader *reader, struct native_call *call,
		      const struct native_line *line, const struct member *member)
{
	if (!member->is_minus)
		return add_item(reader, call, line, member);
	call->without = line;
	return 0;
}

static int apply_group(struct native_reader *reader, const struct native_line *line,
		       const struct member *member)
{
	char buffer[NATIVE_NAME_MAX + 1];
	const char *const *names = group_calls(native_word_text(member->word, buffer));

	if (!names || member->word.length > NATIVE_NAME_MAX)
		return member->is_optional ? 0 : refuse_group(reader, member, buffer);
	for (; *names; names++) {
		struct native_call *call = call_of(
			reader->all, (struct native_word){ *names, strlen(*names) });

		if (call && apply_call(reader, call, line, member) < 0)
			return -1;
	}
	return 0;
}

static int apply(struct native_reader *reader, const struct native_line *line,
		 const struct member *member)
{
	struct native_word word = member->word;
	struct native_call *call = NULL;
	char buffer[NATIVE_NAME_MAX + 1];

	if (member->is_group)
		return apply_group(reader, line, member);
	if (word.length > 0 && word.text[0] >= '0' && word.text[0] <= '9')
		call = call_of_number(reader->all, native_word_text(word, buffer));
	else if (word.length <= NATIVE_NAME_MAX)
		call = call_of(reader->all, word);
	if (!call)
		return member->is_optional ? 0 : refuse_call(reader, member);
	return apply_call(reader, call, line, member);
}

/* ---- reading ---- */

/* `[arch=x86_64,arm]` behind a name. */
static int read_arches(struct native_reader *reader, struct member *member)
{
	struct native_word key = native_word(reader);

	if (!native_word_is(key, "arch") || !native_take(reader, '=')) {
		reader->at = key.text;
		return native_expected(reader, "arch=… in brackets");
	}
	member->abis = 0;
	do {
		struct native_word word = native_word(reader);
		enum abi abi = native_abi(word);

		if (abi == ABI_COUNT)
			return native_unknown_abi(reader, word);
		member->abis |= 1U << abi;
	} while (native_take(reader, ','));
	if (!native_take(reader, ']'))
		return native_expected(reader, "\"]\"");
	return 0;
}

/* Behind the @: letters, dashes, and a version behind a second @. */
static struct native_word read_group_name(struct native_reader *reader, const char *where)
{
	struct native_word word = native_word_with_dashes(reader);

	if (reader->at < reader->end && *reader->at == '@') {
		reader->at++;
		native_word(reader);
	}
	word.text = where;
	word.length = (size_t)(reader->at - where);
	return word;
}

static int read_member(struct native_reader *reader, struct member *member)
{
	*member = (struct member){ .abis = NATIVE_ABIS };
	native_skip(reader);
	member->where = reader->at;
	if (native_take(reader, '@')) {
		member->is_group = true;
		member->word = read_group_name(reader, member->where);
	} else {
		member->word = native_word(reader);
	}
	if (!member->word.text || member->word.length == 0) {
		native_expected(reader, "a system call or a @group");
		return -1;
	}
	member->is_optional = native_take(reader, '?');
	if (native_take(reader, '[') && read_arches(reader, member) < 0)
		return -1;
	if (native_take(reader, '?'))
		member->is_optional = true;
	return 0;
}

static int read_set(struct native_reader *reader, const struct native_line *line)
{
	struct member *members = NULL;
	size_t count = 0;

	do {
		bool is_minus = native_take(reader, '-');

		members =
			arena_grow(reader->all->arena, members, count, sizeof(*members));
		if (read_member(reader, &members[count]) < 0)
			return -1;
		members[count++].is_minus = is_minus;
	} while (native_take(reader, ','));
	if (!native_take(reader, '}'))
		return native_expected(reader, "\",\" or \"}\"");
	if (native_take(reader, '?')) {
		for (size_t i = 0; i < count; i++)
			members[i].is_optional = true;
	}
	/* First what is taken out, wherever it stands. */
	for (size_t i = 0; i < 2 * count; i++) {
		const struct member *member = &members[i % count];

		if (member->is_minus == (i < count) && apply(reader, line, member) < 0)
			return -1;
	}
	return 0;
}

int native_names(struct native_reader *reader, struct native_line *line)
{
	struct member member;

	if (native_take(reader, '{')) {
		if (read_set(reader, line) < 0)
			return -1;
	} else if (read_member(reader, &member) < 0 || apply(reader, line, &member) < 0) {
		return -1;
	}
	if (!native_take(reader, ':'))
		return native_expected(reader, "\":\" behind the name");
	return 0;
}
