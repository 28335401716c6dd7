/* SPDX-License-Identifier: Apache-2.0 */

/* Lines that begin with @ and are no groups. */
#include "policy/native_reader.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"

#include <string.h>

/* ---- other files ---- */

static int find_text(const struct native_reader *reader, const char *operand,
		     bool by_name, struct policy_text *ret_text)
{
	const struct native_reading *all = reader->all;
	const char *home = all->places ? all->places->home : NULL;

	if (by_name && !strchr(operand, '/'))
		return policy_text_by_name(operand, all->places, all->arena, ret_text,
					   reader->err);
	return policy_text_by_path(operand, reader->text->dir, home,
				   NATIVE_BYTES_MAX - all->bytes, all->arena, ret_text,
				   reader->err);
}

static int read_base(struct native_reader *reader, const struct policy_text *text)
{
	struct native_reading *all = reader->all;
	struct profile *foreign;

	if (policy_text_is_json(text)) {
		foreign = arena_alloc(all->arena, sizeof(*foreign));
		if (oci_seccomp_read(text->text, text->length, text->name, all->arena,
				     foreign, reader->err) < 0)
			return -1;
		reader->level->foreign_base = foreign;
		return 0;
	}
	reader->level->base = native_level(reader, text, all, reader->err);
	return reader->level->base ? 0 : -1;
}

static int read_extends(struct native_reader *reader, const char *where)
{
	struct native_level *level = reader->level;
	struct policy_text text;
	const char *operand;

	if (reader->is_included || level->base || level->foreign_base) {
		error_set(reader->err, ERROR_POLICY,
			  reader->is_included ? "an included file cannot extend another"
					      : "a policy cannot extend two");
		return native_at(reader, where);
	}
	if (reader->saw_rule) {
		error_set(reader->err, ERROR_POLICY, "@extends stands before the rules");
		return native_at(reader, where);
	}
	native_skip(reader);
	where = reader->at;
	operand = native_operand(reader, "the name of a policy or a path");
	if (!operand)
		return -1;
	if (find_text(reader, operand, true, &text) < 0)
		return native_at(reader, where);
	if (native_check_chain(reader, &text, where) < 0)
		return -1;
	return read_base(reader, &text);
}

static int read_include(struct native_reader *reader, const char *where)
{
	bool is_optional = reader->at < reader->end && *reader->at == '?';
	struct native_reader inner;
	struct policy_text text;
	const char *operand;

	reader->at += is_optional;
	native_skip(reader);
	where = reader->at;
	operand = native_operand(reader, "the path of a file");
	if (!operand)
		return -1;
	if (find_text(reader, operand, false, &text) < 0) {
		if (is_optional && reader->err->id == ERROR_SOURCE_MISSING) {
			*reader->err = (struct error){ 0 };
			return 0;
		}
		return native_at(reader, where);
	}
	if (native_check_chain(reader, &text, where) < 0)
		return -1;
	inner = (struct native_reader){
		.text = &text,
		.outer = reader,
		.depth = reader->depth + 1,
		.is_included = true,
		.takes_matches = reader->takes_matches,
		.level = reader->level,
		.all = reader->all,
		.err = reader->err,
	};
	reader->saw_rule = true;
	return native_statements(&inner);
}

/* It orders minijail's tests by how often a call is made; ours need no such order. */
static int read_frequency(struct native_reader *reader, const char *where)
{
	struct native_reading *all = reader->all;
	const char *operand = native_operand(reader, "the path of a file");

	(void)where;
	if (!operand)
		return -1;
	all->notes = arena_grow(all->arena, all->notes, all->policy->note_count,
				sizeof(*all->notes));
	all->notes[all->policy->note_count++] = arena_printf(
		all->arena,
		"%s:%u: @frequency changes nothing: no call waits for another",
		reader->text->name, reader->line);
	all->policy->notes = all->notes;
	return 0;
}

/* ---- answers ---- */

static int read_answer(struct native_reader *reader, const char *where, bool *has,
		       struct clause *clause)
{
	struct clause read = { .source = { .file = reader->text->name,
					   .line = reader->line,
					   .column = 1 } };

	if (*has) {
		error_set(reader->err, ERROR_POLICY, "this was said already, by line %u",
			  clause->source.line);
		return native_at(reader, where);
	}
	if (native_action(reader, &read.action) < 0)
		return -1;
	if (!native_is_done(reader)) {
		if (!native_word_is(native_word(reader), "explain"))
			return native_expected(reader,
					       "the end of the line or \"explain\"");
		read.why = native_quoted(reader);
		if (!read.why)
			return -1;
	}
	*clause = read;
	*has = true;
	return 0;
}

static int read_default(struct native_reader *reader, const char *where)
{
	struct native_level *level = reader->level;

	return read_answer(reader, where, &level->has_default, &level->on_unknown);
}

static int read_known(struct native_reader *reader, const char *where)
{
	struct native_level *level = reader->level;

	return read_answer(reader, where, &level->has_known, &level->on_known);
}

static int read_foreign(struct native_reader *reader, const char *where)
{
	struct native_level *level = reader->level;

	return read_answer(reader, where, &level->has_foreign, &level->on_foreign);
}

static int read_denylist(struct native_reader *reader, const char *where)
{
	struct native_level *level = reader->level;

	if (level->has_default || level->has_known || reader->saw_rule) {
		error_set(reader->err, ERROR_POLICY,
			  "@denylist stands before the rules, and without @default");
		return native_at(reader, where);
	}
	level->on_unknown = (struct clause){
		.source = { .file = reader->text->name,
			    .line = reader->line,
			    .column = 1 },
	};
	level->on_known = level->on_unknown;
	level->has_default = level->has_known = true;
	reader->takes_matches = true;
	return 0;
}

/* ---- ABIs and flags ---- */

static int read_arch(struct native_reader *reader, const char *where)
{
	struct native_level *level = reader->level;

	if (level->arch || level->arch_native) {
		error_set(reader->err, ERROR_POLICY, "@arch was said already");
		return native_at(reader, where);
	}
	do {
		struct native_word word = native_word(reader);
		enum abi abi = native_abi(word);

		if (native_word_is(word, "native"))
			level->arch_native = true;
		else if (abi == ABI_COUNT)
			return native_unknown_abi(reader, word);
		else
			level->arch |= 1U << abi;
	} while (!native_is_done(reader));
	return 0;
}

static int read_flags(struct native_reader *reader, const char *where)
{
	static const char *const names[] = { "log", "spec-allow", "wait-killable", NULL };
	struct native_level *level = reader->level;

	(void)where;
	level->has_flags = true;
	while (!native_is_done(reader)) {
		struct native_word word = native_word_with_dashes(reader);
		char buffer[NATIVE_NAME_MAX + 1];
		size_t i = 0;

		while (names[i] && !native_word_is(word, names[i]))
			i++;
		if (names[i]) {
			level->flags |= 1U << i;
			continue;
		}
		if (word.length == 0)
			return native_expected(reader, "a flag");
		error_set(reader->err, ERROR_POLICY, "no flag is called \"%s\"",
			  native_word_text(word, buffer));
		error_hint(reader->err, "flags are log, spec-allow and wait-killable");
		return native_at(reader, word.text);
	}
	return 0;
}

/* ---- all of them ---- */

static const struct directive {
	const char *name;
	int (*read)(struct native_reader *reader, const char *where);
} directives[] = {
	{ "extends", read_extends },   { "include", read_include },
	{ "default", read_default },   { "known", read_known },
	{ "foreign", read_foreign },   { "arch", read_arch },
	{ "flags", read_flags },       { "frequency", read_frequency },
	{ "denylist", read_denylist },
};

enum { DIRECTIVES = sizeof(directives) / sizeof(directives[0]) };

bool native_is_directive(struct native_word word)
{
	for (size_t i = 0; i < DIRECTIVES; i++) {
		if (native_word_is(word, directives[i].name))
			return true;
	}
	return false;
}

static int refuse_directive(struct native_reader *reader, struct native_word word)
{
	const char *names[DIRECTIVES + 1] = { 0 };
	char buffer[NATIVE_NAME_MAX + 1];
	const char *nearest;

	for (size_t i = 0; i < DIRECTIVES; i++)
		names[i] = directives[i].name;
	nearest = text_nearest(native_word_text(word, buffer), names);
	error_set(reader->err, ERROR_POLICY, "nothing is called @%s", buffer);
	if (nearest)
		error_hint(reader->err, "the nearest is @%s", nearest);
	else
		error_hint(reader->err, "a group has a colon: @%s: allow", buffer);
	return native_at(reader, word.text - 1);
}

int native_directive(struct native_reader *reader, struct native_word word)
{
	const char *where = word.text - 1;

	for (size_t i = 0; i < DIRECTIVES; i++) {
		if (!native_word_is(word, directives[i].name))
			continue;
		if (directives[i].read(reader, where) < 0)
			return -1;
		return native_is_done(reader)
			       ? 0
			       : native_expected(reader, "the end of the line");
	}
	return refuse_directive(reader, word);
}
