/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Sections beside [seccomp]. Their lines are kept as they are: what they are worth is
 * decided by who knows the options of the command line.
 */
#include "policy/native_reader.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"
#include "policy/policy.h"

#include <string.h>

static const char *const section_names[] = { "seccomp", "caps", "landlock", "limits",
					     NULL };

static const char *const caps_keys[] = { "bounding", "keep", "ambient", "no-new-privs",
					 NULL };
static const char *const landlock_keys[] = { "mode", "scope", "tcp.connect", "tcp.bind",
					     "ls",   "ro",    "rw",          NULL };
/* Any name of a resource limit too. */
static const char *const limits_keys[] = { "memory", "memory-swap", "pids",   "cpus",
					   "cpuset", "io-weight",   "nofile", NULL };

static const char *const *const section_keys[] = {
	[SECTION_SECCOMP] = NULL,
	[SECTION_CAPS] = caps_keys,
	[SECTION_LANDLOCK] = landlock_keys,
	[SECTION_LIMITS] = limits_keys,
};

int native_section(struct native_reader *reader)
{
	struct native_word word;
	char buffer[NATIVE_NAME_MAX + 1];
	const char *nearest;

	reader->at++;
	word = native_word_with_dashes(reader);
	if (!native_take(reader, ']'))
		return native_expected(reader, "\"]\"");
	for (enum native_section i = SECTION_SECCOMP; section_names[i]; i++) {
		if (!native_word_is(word, section_names[i]))
			continue;
		reader->section = i;
		return native_is_done(reader)
			       ? 0
			       : native_expected(reader, "the end of the line");
	}
	nearest = text_nearest(native_word_text(word, buffer), section_names);
	error_set(reader->err, ERROR_POLICY, "no section is called [%s]", buffer);
	if (nearest)
		error_hint(reader->err, "the nearest is [%s]", nearest);
	else
		error_hint(reader->err, "sections are [seccomp], [caps], [landlock] and "
					"[limits]");
	return native_at(reader, word.text);
}

static bool is_key(enum native_section section, const char *key)
{
	for (const char *const *name = section_keys[section]; *name; name++) {
		if (strcmp(*name, key) == 0)
			return true;
	}
	return section == SECTION_LIMITS && rlimit_by_name(key) >= 0;
}

static int refuse_key(struct native_reader *reader, const char *key, const char *where)
{
	const char *nearest = text_nearest(key, section_keys[reader->section]);

	error_set(reader->err, ERROR_POLICY, "[%s] has no key \"%.48s\"",
		  section_names[reader->section], key);
	if (nearest)
		error_hint(reader->err, "the nearest is %s", nearest);
	else if (strchr(key, ':'))
		error_hint(reader->err, "rules of system calls stand below [seccomp]");
	else if (reader->section == SECTION_LIMITS)
		error_hint(reader->err,
			   "keys are memory, memory-swap, pids, cpus, cpuset, "
			   "io-weight and the resource limits");
	else if (reader->section == SECTION_CAPS)
		error_hint(reader->err,
			   "keys are bounding, keep, ambient and no-new-privs");
	else
		error_hint(reader->err,
			   "keys are mode, scope, tcp.connect, tcp.bind, ls, ro "
			   "and rw");
	return native_at(reader, where);
}

int native_setting(struct native_reader *reader)
{
	struct native_reading *all = reader->all;
	struct profile_setting *setting;
	const char *where = reader->at, *value;
	char *key;

	while (reader->at < reader->end && !strchr(" \t\r\n=#", *reader->at))
		reader->at++;
	key = arena_strndup(all->arena, where, (size_t)(reader->at - where));
	if (!is_key(reader->section, key))
		return refuse_key(reader, key, where);
	if (!native_take(reader, '='))
		return native_expected(reader, "\"=\"");
	value = native_operand(reader, "a value");
	if (!value)
		return -1;
	if (!native_is_done(reader))
		return native_expected(reader, "the end of the line");
	all->settings = arena_grow(all->arena, all->settings, all->policy->setting_count,
				   sizeof(*all->settings));
	setting = &all->settings[all->policy->setting_count++];
	setting->section = section_names[reader->section];
	setting->key = key;
	setting->value = value;
	setting->file = reader->text->name;
	setting->line = reader->line;
	all->policy->settings = all->settings;
	return 0;
}
