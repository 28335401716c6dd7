/* SPDX-License-Identifier: Apache-2.0 */
/* What was learned, as a policy; and its record, read again. */
#include "policy/learn.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"
#include "policy/learned.h"
#include "policy/prose.h"
#include "policy/tables.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RECORD "#: "

enum { LINE_MAX_LENGTH = 100 };

/* ---- system calls ---- */

/*
 * Calls of these carry no argument that matters, and no built-in policy denies one of them,
 * so that a group can stand for them.
 */
static const char *const groups[] = { "@basic-io", "@file-system", "@io-event", "@signal",
				      "@timer",    "@sync",        "@ipc",      NULL };

struct writer {
	struct page page;
	const struct learned *learned;
	const char **done; /* calls that stand already */
	size_t done_count;
};

static bool is_done(const struct writer *writer, const char *name)
{
	for (size_t i = 0; i < writer->done_count; i++) {
		if (strcmp(writer->done[i], name) == 0)
			return true;
	}
	return false;
}

static void set_done(struct writer *writer, const char *name)
{
	writer->done = arena_grow(writer->page.arena, writer->done, writer->done_count,
				  sizeof(*writer->done));
	writer->done[writer->done_count++] = name;
}

static bool is_among(const char *const *always, const char *name)
{
	for (; *always; always++) {
		if (strcmp(*always, name) == 0)
			return true;
	}
	return false;
}

static const struct seen_call *seen(const struct learned *learned, const char *name)
{
	for (size_t i = 0; i < learned->call_count; i++) {
		if (strcmp(learned->calls[i].name, name) == 0)
			return &learned->calls[i];
	}
	return NULL;
}

static uint64_t times_allowed(const struct seen_call *call)
{
	uint64_t times = 0;

	for (size_t i = 0; i < call->use_count; i++)
		times += call->uses[i].errnum == 0 ? call->uses[i].times : 0;
	return times;
}

static bool is_allowed(const struct learned *learned, const char *name)
{
	const struct seen_call *call = seen(learned, name);

	return call && times_allowed(call) > 0;
}

static bool is_denied(const struct learned *learned, const char *name)
{
	const struct seen_call *call = seen(learned, name);

	return call && times_allowed(call) == 0;
}

/* {a, b, c}: allow, broken where a line is full. */
static void put_set(struct writer *writer, const char *const *names, size_t count)
{
	size_t column = 1;

	for (size_t i = 0; i < count; i++) {
		const size_t length = strlen(names[i]) + 2;

		if (column + length > LINE_MAX_LENGTH) {
			page_printf(&writer->page, ",\\\n  %s", names[i]);
			column = length;
		} else {
			page_printf(&writer->page, "%s%s", i ? ", " : "{", names[i]);
			column += length;
		}
	}
	page_printf(&writer->page, "}: allow\n");
}

static void put_always(struct writer *writer)
{
	const char *const *always = writer->learned->always;
	size_t count = 0;

	while (always[count])
		set_done(writer, always[count++]);
	if (count == 0)
		return;
	page_printf(&writer->page, "# What every program makes, and was not watched.\n");
	put_set(writer, always, count);
}

/* Of a group half the calls must have been seen, or a line for each is shorter. */
static bool stands_for(const struct writer *writer, const char *const *calls,
		       size_t *ret_seen, size_t *ret_all)
{
	size_t count = 0, all = 0;

	for (; *calls; calls++) {
		if (call_number(abi_native(), *calls) < 0 ||
		    is_among(writer->learned->always, *calls) || learned_told(*calls))
			continue;
		all++;
		count += is_allowed(writer->learned, *calls) && !is_done(writer, *calls);
	}
	*ret_seen = count;
	*ret_all = all;
	return count >= 3 && count * 2 >= all;
}

static void put_group(struct writer *writer, const char *group)
{
	const char *const *calls = group_calls(group);
	size_t seen_count, all;

	if (!calls || !stands_for(writer, calls, &seen_count, &all))
		return;
	page_printf(&writer->page, "\n# %zu of %zu seen.\n{%s", seen_count, all, group);
	for (; *calls; calls++) {
		if (is_done(writer, *calls) || learned_told(*calls) ||
		    is_denied(writer->learned, *calls))
			page_printf(&writer->page, ", -%s", *calls);
		else
			set_done(writer, *calls);
	}
	page_printf(&writer->page, "}: allow\n");
}

static void put_value(struct page *page, const struct argument *argument, uint32_t value)
{
	const char *name = argument && argument->family
				   ? constant_name(argument->family, value)
				   : NULL;

	if (name)
		page_printf(page, "%s", name);
	else
		page_printf(page, value < 10 ? "%u" : "0x%x", value);
}

static void put_use(struct page *page, const char *call, const struct told_argument *told,
		    const struct seen_use *use)
{
	size_t known = 0;
	const struct argument *arguments = call_arguments(call, &known);

	for (size_t i = 0; i < TOLD_MAX && told[i].mask; i++) {
		const struct argument *argument =
			told[i].index < known ? &arguments[told[i].index] : NULL;

		page_printf(page, i ? " && " : "");
		page_printf(page, told[i].mask == ~0U ? "%s%s" : "(%s%s",
			    argument ? "" : "arg",
			    argument ? argument->name
				     : arena_printf(page->arena, "%u", told[i].index));
		if (told[i].mask != ~0U)
			page_printf(page, " & 0x%x)", told[i].mask);
		page_printf(page, " == ");
		put_value(page, argument, use->values[i]);
	}
}

/* What the base answers to the uses that it denies, if that is one thing; NULL: it is not. */
static const char *errno_of_denied(const struct seen_call *call)
{
	int errnum = 0;

	for (size_t i = 0; i < call->use_count; i++) {
		const int one = call->uses[i].errnum;

		if (one && errnum && one != errnum)
			return NULL;
		if (one)
			errnum = one;
	}
	return errnum ? errno_name(errnum) : NULL;
}

static void put_watched(struct writer *writer, const struct seen_call *call)
{
	const struct told_argument *told = learned_told(call->name);
	const char *denied = errno_of_denied(call);
	bool first = true;

	if (!told || call->overflown) {
		page_printf(&writer->page, "%s: allow  # %llu times\n", call->name,
			    (unsigned long long)times_allowed(call));
		return;
	}
	page_printf(&writer->page, "%s: ", call->name);
	for (size_t i = 0; i < call->use_count; i++) {
		if (call->uses[i].errnum)
			continue;
		page_printf(&writer->page, first ? "" : " \\\n  || ");
		page_printf(&writer->page, told[1].mask ? "(" : "");
		put_use(&writer->page, call->name, told, &call->uses[i]);
		page_printf(&writer->page, told[1].mask ? ")" : "");
		first = false;
	}
	page_printf(&writer->page, denied ? "; return %s\n" : "\n", denied);
}

static void put_calls(struct writer *writer)
{
	const struct learned *learned = writer->learned;

	put_always(writer);
	for (const char *const *group = groups; *group; group++)
		put_group(writer, *group);
	page_printf(&writer->page, "\n# Seen, with these arguments.\n");
	for (size_t i = 0; i < learned->call_count; i++) {
		if (times_allowed(&learned->calls[i]) &&
		    !is_done(writer, learned->calls[i].name))
			put_watched(writer, &learned->calls[i]);
	}
}

/* Programs choose another way by the errno: what they were answered is kept. */
static void put_refused(struct writer *writer)
{
	const struct learned *learned = writer->learned;
	bool first = true;

	if (!seen(learned, "clone3"))
		page_printf(&writer->page, "\n# Without it programs take clone.\n"
					   "clone3: return ENOSYS\n");
	for (size_t i = 0; i < learned->call_count; i++) {
		const struct seen_call *call = &learned->calls[i];
		const char *name = errno_of_denied(call);

		if (times_allowed(call) || !name || is_done(writer, call->name))
			continue;
		page_printf(&writer->page, "%s%s: return %s\n",
			    first ? "\n# Denied by the base policy.\n" : "", call->name,
			    name);
		first = false;
	}
}

static void put_denied(struct writer *writer)
{
	const struct learned *learned = writer->learned;

	for (size_t i = 0; i < learned->call_count; i++) {
		const struct seen_call *call = &learned->calls[i];

		for (size_t j = 0; j < call->use_count; j++) {
			const char *name = errno_name(call->uses[j].errnum);

			if (call->uses[j].errnum)
				page_printf(
					&writer->page,
					"# denied by the base policy: %s -> %s, %llu times\n",
					call->name, name ? name : "?",
					(unsigned long long)call->uses[j].times);
		}
	}
}

/* ---- files ---- */

/* Bytes that end a path in a list, or a line of the record, become \\OOO. */
static const char *escape(struct arena *arena, const char *path)
{
	char *text = arena_alloc(arena, strlen(path) * 4 + 1), *to = text;

	for (; *path; path++) {
		const unsigned char byte = (unsigned char)*path;

		if (byte <= ' ' || byte == 0x7f || strchr(",#?\"\\$", byte))
			to += sprintf(to, "\\%03o", byte);
		else
			*to++ = *path;
	}
	*to = '\0';
	return text;
}

static void put_paths(struct writer *writer)
{
	const struct seen_path *paths;
	const size_t count =
		learned_rules_of_paths(writer->learned, writer->page.arena, &paths);

	if (count == 0)
		return;
	page_printf(&writer->page, "\n[landlock]\nmode = auto\n");
	for (size_t i = 0; i < count; i++)
		page_printf(&writer->page, "%s = %s?\n", learned_key(paths[i].access),
			    escape(writer->page.arena, paths[i].path));
}

static void put_destinations(struct writer *writer)
{
	for (size_t i = 0; i < writer->learned->destination_count; i++) {
		char shown[512];

		if (i == 0)
			page_printf(&writer->page,
				    "\n# Destinations, for --allow and --share:\n");
		page_printf(&writer->page, "# %s, %llu times\n",
			    text_printable(shown, sizeof(shown),
					   writer->learned->destinations[i].path),
			    (unsigned long long)writer->learned->destinations[i].times);
	}
}

/* ---- the record ---- */

static void put_record(struct writer *writer)
{
	const struct learned *learned = writer->learned;

	page_printf(&writer->page, "\n# The record, from which the next run goes on.\n");
	for (size_t i = 0; i < learned->call_count; i++) {
		const struct seen_call *call = &learned->calls[i];

		for (size_t j = 0; j < call->use_count; j++)
			page_printf(&writer->page, RECORD "call %s %x %x %x %d %llu\n",
				    call->name, call->uses[j].values[0],
				    call->uses[j].values[1], call->uses[j].values[2],
				    call->uses[j].errnum,
				    (unsigned long long)call->uses[j].times);
	}
	for (size_t i = 0; i < learned->path_count; i++) {
		page_printf(&writer->page, RECORD "%s %llu %s\n",
			    learned_key(learned->paths[i].access),
			    (unsigned long long)learned->paths[i].times,
			    escape(writer->page.arena, learned->paths[i].path));
	}
	for (size_t i = 0; i < learned->destination_count; i++) {
		page_printf(&writer->page, RECORD "to %llu %s\n",
			    (unsigned long long)learned->destinations[i].times,
			    escape(writer->page.arena, learned->destinations[i].path));
	}
}

const char *learn_policy(const struct learned *learned, const char *command,
			 struct arena *arena)
{
	struct writer writer = { { .arena = arena }, learned, NULL, 0 };
	char shown[512];

	page_printf(&writer.page,
		    "%%sbx-policy 1\n"
		    "# Learned from: %s\n"
		    "# Another `sbx policy learn -o` of this file adds to it.\n"
		    "\n[seccomp]\n@default errno(ENOSYS)\n@known errno(EPERM)\n\n",
		    text_printable(shown, sizeof(shown), command));
	put_calls(&writer);
	put_refused(&writer);
	put_denied(&writer);
	put_paths(&writer);
	put_destinations(&writer);
	put_record(&writer);
	return page_text(&writer.page);
}

/* ---- reading it ---- */

/* A word up to the next blank; NULL at the end. */
static char *cut_word(char **at)
{
	char *word = *at;
	char *blank = strchr(word, ' ');

	if (!*word)
		return NULL;
	*at = blank ? blank + 1 : word + strlen(word);
	if (blank)
		*blank = '\0';
	return word;
}

static int resume_call(struct learned *learned, char *rest)
{
	const char *name = cut_word(&rest);
	uint32_t values[TOLD_MAX];
	uint64_t number = 0, times = 0;
	char *word;
	int errnum;

	if (!name || call_number(abi_native(), name) < 0)
		return -1;
	for (size_t i = 0; i < TOLD_MAX; i++) {
		word = cut_word(&rest);
		if (!word || text_to_u64(word, 16, &number) < 0 || number > UINT32_MAX)
			return -1;
		values[i] = (uint32_t)number;
	}
	word = cut_word(&rest);
	if (!word || text_to_int(word, 0, 4095, &errnum) < 0 ||
	    text_to_u64(rest, 10, &times) < 0)
		return -1;
	learned_use(learned, name, values, errnum, times);
	return 0;
}

static int resume_line(struct learned *learned, char *line)
{
	const char *kind = cut_word(&line);
	const char *number;
	uint64_t times = 0;

	if (kind && strcmp(kind, "call") == 0)
		return resume_call(learned, line);
	number = cut_word(&line);
	if (!kind || !number || !*line || text_to_u64(number, 10, &times) < 0)
		return -1;
	text_unescape(line);
	if (strcmp(kind, "to") == 0) {
		learned_to(learned, line, times);
		return 0;
	}
	for (enum seen_access i = SEEN_LISTED; i <= SEEN_WRITTEN && *line == '/'; i++) {
		if (strcmp(kind, learned_key(i)) != 0)
			continue;
		learned_path(learned, line, i, times);
		return 0;
	}
	return -1;
}

int learn_resume(struct learned *learned, const char *text, size_t length,
		 const char *name, struct error *err)
{
	char *at = arena_strndup(learned->arena, text, length);
	unsigned int number = 0, found = 0;

	for (char *line = at; at; line = at) {
		at = strchr(line, '\n');
		if (at)
			*at++ = '\0';
		number++;
		if (!text_starts_with(line, RECORD))
			continue;
		found++;
		if (resume_line(learned, line + strlen(RECORD)) < 0)
			return error_set(err, ERROR_POLICY,
					 "go on with %s: line %u is no record", name,
					 number);
	}
	if (found || length == 0)
		return 0;
	error_set(err, ERROR_POLICY, "go on with %s: it was not learned", name);
	return error_hint(err, "another file for -o, or remove this one");
}
