/* SPDX-License-Identifier: Apache-2.0 */

/*
 * NAME+CALL-CALL+@GROUP is a text of its own: each adjustment is a line behind `@extends
 * NAME`, and what stands further right wins.
 */
#include "policy/profile_text.h"

#include "base/arena.h"
#include "base/error.h"
#include "policy/tables.h"

#include <string.h>

enum { ADJUSTMENTS_MAX = 32, NAME_LENGTH_MAX = 63 };

struct adjustment {
	bool allows;
	const char *name;
};

/* A group's name may have dashes: the longest one that there is. */
static size_t length_of_group(const char *text)
{
	size_t first = strcspn(text, "+-");
	char name[NAME_LENGTH_MAX + 1];

	for (size_t length = strcspn(text, "+"); length > first; length--) {
		if ((text[length] && !strchr("+-", text[length])) ||
		    length > NAME_LENGTH_MAX)
			continue;
		memcpy(name, text, length);
		name[length] = '\0';
		if (group_calls(name))
			return length;
	}
	return first;
}

/* The number of adjustments, or -1. */
static int split(const char *text, struct adjustment *list, struct arena *arena,
		 struct error *err)
{
	int count = 0;

	while (*text) {
		size_t length;

		if (count == ADJUSTMENTS_MAX) {
			error_set(err, ERROR_POLICY, "adjust a policy so often");
			return error_hint(err, "write a file with @extends");
		}
		list[count].allows = *text++ == '+';
		length = *text == '@' ? length_of_group(text) : strcspn(text, "+-");
		if (length == 0)
			return error_set(
				err, ERROR_POLICY,
				"adjust a policy: no call stands behind the last "
				"+ or -");
		list[count++].name = arena_strndup(arena, text, length);
		text += length;
	}
	return count;
}

const char *adjustments_text(const char *name, const char *adjustments,
			     struct arena *arena, struct error *err)
{
	struct adjustment list[ADJUSTMENTS_MAX] = { 0 };
	const char *text = arena_printf(arena, "%%sbx-policy 1\n@extends %s\n", name);
	int count = split(adjustments, list, arena, err);

	if (count < 0)
		return NULL;
	for (int i = 0; i < count; i++) {
		const char *names = list[i].name;

		for (int j = i + 1; j < count; j++)
			names = arena_printf(arena, "%s, -%s", names, list[j].name);
		text = arena_printf(arena, "%s{%s}: %s\n", text, names,
				    list[i].allows ? "allow" : "errno(EPERM)");
	}
	return text;
}
