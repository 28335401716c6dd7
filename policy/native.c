/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The native format: a line a rule, `#` comments, `\` continues a line. docs/policy.md
 * teaches it. Without `%sbx-policy 1` a file is minijail's: the syntax is the same, only
 * what is not listed is killed.
 */
#include "policy/native_reader.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"

#include <string.h>

#define MARK "sbx-policy"

/* ---- statements ---- */

/* `%sbx-policy 1` */
static int read_mark(struct native_reader *reader)
{
	const char *where = reader->at;
	struct native_word word;
	uint64_t version;

	reader->at++;
	word = native_word_with_dashes(reader);
	if (!native_word_is(word, MARK)) {
		reader->at = where;
		return native_expected(reader, "%" MARK " 1");
	}
	if (reader->saw_statement) {
		error_set(reader->err, ERROR_POLICY, "%%" MARK " is a file's first line");
		return native_at(reader, where);
	}
	native_skip(reader);
	where = reader->at;
	if (native_number(reader, &version) < 0)
		return -1;
	if (version != 1) {
		error_set(reader->err, ERROR_POLICY,
			  "version %llu of the format is unknown",
			  (unsigned long long)version);
		error_hint(reader->err, "this program knows version 1");
		return native_at(reader, where);
	}
	if (!reader->is_included)
		reader->level->is_ours = true;
	return native_is_done(reader) ? 0
				      : native_expected(reader, "the end of the line");
}

/* `@word`: a group where it begins a rule, else a directive. */
static int read_at(struct native_reader *reader)
{
	const char *where = reader->at;
	struct native_word word;

	reader->at++;
	word = native_word_with_dashes(reader);
	if (native_is_directive(word))
		return native_directive(reader, word);
	/* A mistyped directive is told as one, a group as a group. */
	if (!memchr(where, ':', (size_t)(reader->line_end - where)))
		return native_directive(reader, word);
	reader->at = where;
	reader->saw_rule = true;
	return native_line(reader);
}

static int read_statement(struct native_reader *reader)
{
	switch (*reader->at) {
	case '[':
		return native_section(reader);
	case '%':
		return read_mark(reader);
	default:
		break;
	}
	if (reader->section != SECTION_SECCOMP)
		return native_setting(reader);
	if (*reader->at == '@')
		return read_at(reader);
	reader->saw_rule = true;
	return native_line(reader);
}

static const char *end_of_line(const char *at, const char *end)
{
	const char *newline = memchr(at, '\n', (size_t)(end - at));

	return newline ? newline : end;
}

/* Behind the end of the line that at is in, which a comment may hide. */
static void next_line(struct native_reader *reader)
{
	/* A statement may have been continued behind its first line. */
	while (reader->line_end < reader->at && reader->line_end < reader->end) {
		reader->line++;
		reader->line_end = end_of_line(reader->line_end + 1, reader->end);
	}
	reader->line++;
	reader->at = reader->line_end < reader->end ? reader->line_end + 1 : reader->end;
}

int native_statements(struct native_reader *reader)
{
	reader->start = reader->at = reader->text->text;
	reader->end = reader->start + reader->text->length;
	reader->line = 1;
	if (reader->end - reader->at >= 3 && memcmp(reader->at, "\xef\xbb\xbf", 3) == 0)
		reader->at += 3;
	while (reader->at < reader->end) {
		const char *from = reader->at;

		reader->line_start = from;
		reader->line_end = end_of_line(from, reader->end);
		if (!native_is_done(reader)) {
			if (read_statement(reader) < 0)
				return -1;
			reader->saw_statement = true;
		}
		next_line(reader);
	}
	return 0;
}

/* ---- texts ---- */

static bool is_text(const struct policy_text *text)
{
	return !memchr(text->text, '\0', text->length);
}

static int check_text(const struct policy_text *text, struct error *err)
{
	if (!is_text(text)) {
		error_set(err, ERROR_POLICY, "read %.120s: it is no text", text->name);
		return error_hint(err, "a filter in BPF is for --seccomp");
	}
	return 0;
}

static int refuse_empty(const struct policy_text *text, struct error *err)
{
	error_set(err, ERROR_POLICY, "read %.120s: there is no rule in it", text->name);
	return error_hint(err, "a policy begins with %%" MARK " 1 and, for example, "
			       "@extends default");
}

static void name_chain(const struct native_reader *reader, char *chain, size_t size)
{
	if (reader->outer)
		name_chain(reader->outer, chain, size);
	for (const char *part = reader->text->name; *part && strlen(chain) + 8 < size;
	     part++)
		strncat(chain, part, 1);
	strncat(chain, " > ", size - strlen(chain) - 1);
}

static bool is_same_text(const struct policy_text *a, const struct policy_text *b)
{
	if (a->builtin || b->builtin)
		return a->builtin == b->builtin;
	return a->inode && a->inode == b->inode && a->device == b->device;
}

int native_check_chain(const struct native_reader *reader, const struct policy_text *next,
		       const char *where)
{
	struct native_reading *all = reader->all;
	char chain[160] = "";

	for (const struct native_reader *outer = reader; outer; outer = outer->outer) {
		if (!is_same_text(outer->text, next))
			continue;
		name_chain(reader, chain, sizeof(chain));
		error_set(reader->err, ERROR_POLICY, "a circle: %s%.64s", chain,
			  next->name);
		return native_at(reader, where);
	}
	all->bytes += next->length;
	if (reader->depth + 1 < NATIVE_DEPTH_MAX && ++all->files < NATIVE_FILES_MAX &&
	    all->bytes < NATIVE_BYTES_MAX)
		return check_text(next, reader->err);
	error_set(reader->err, ERROR_POLICY, "there are too many files");
	error_hint(reader->err, "at most %d, one inside the other at most %d",
		   NATIVE_FILES_MAX, NATIVE_DEPTH_MAX);
	return native_at(reader, where);
}

static struct action error_of(const char *name)
{
	return (struct action){ ACTION_ERRNO, (uint16_t)errno_by_name(name) };
}

/* What is answered where the text says nothing. */
static void fill_defaults(struct native_level *level)
{
	static const struct action killed = { .kind = ACTION_KILL };

	if (level->base || level->foreign_base)
		return;
	if (level->is_ours) {
		if (!level->has_default)
			level->on_unknown.action = error_of("ENOSYS");
		if (!level->has_known)
			level->on_known.action = error_of("EPERM");
	} else {
		if (!level->has_default)
			level->on_unknown.action = killed;
		if (!level->has_known)
			level->on_known = level->on_unknown;
	}
	if (!level->has_foreign)
		level->on_foreign.action = killed;
}

const struct native_level *native_level(const struct native_reader *outer,
					const struct policy_text *text,
					struct native_reading *all, struct error *err)
{
	struct native_level *level = arena_alloc(all->arena, sizeof(*level));
	struct native_reader reader = {
		.text = text,
		.outer = outer,
		.depth = outer ? outer->depth + 1 : 0,
		.level = level,
		.all = all,
		.err = err,
	};

	level->name = text->name;
	if (check_text(text, err) < 0 || native_statements(&reader) < 0)
		return NULL;
	if (!reader.saw_statement) {
		refuse_empty(text, err);
		return NULL;
	}
	fill_defaults(level);
	return level;
}

int native_read(const char *text, size_t length, const char *name,
		const struct profile_places *places, struct arena *arena,
		struct profile *ret_profile, struct error *err)
{
	const struct policy_text whole = {
		.name = name,
		.text = text,
		.length = length,
		.dir = places ? places->base : NULL,
	};

	return native_read_text(&whole, places, arena, ret_profile, err);
}

int native_read_text(const struct policy_text *text, const struct profile_places *places,
		     struct arena *arena, struct profile *ret_profile, struct error *err)
{
	struct native_reading *all = arena_alloc(arena, sizeof(*all));
	struct native_policy *policy = arena_alloc(arena, sizeof(*policy));

	all->arena = arena;
	all->places = places;
	all->policy = policy;
	all->bytes = text->length;
	policy->top = native_level(NULL, text, all, err);
	if (!policy->top)
		return -1;
	*ret_profile = (struct profile){
		.name = text->name,
		.builtin = text->builtin ? text->builtin->name : NULL,
		.settings = policy->settings,
		.setting_count = policy->setting_count,
		.text = policy,
		.resolve = native_resolve,
	};
	return 0;
}

const struct native_policy *native_policy(const struct profile *profile)
{
	return profile->resolve == native_resolve ? profile->text : NULL;
}
