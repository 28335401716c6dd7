/* SPDX-License-Identifier: Apache-2.0 */
#include "launcher/record.h"

#include "base/error.h"
#include "base/json.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

static const char *text_of(const struct json_value *file, const char *key)
{
	const char *text = "";
	struct error ignored;

	(void)json_get_text(file, key, &text, &ignored);
	return text;
}

/* What a person would ask first. */
static const struct member {
	const char *key, *name;
} members[] = {
	{ "type", "the type" },        { "size", "the size" },
	{ "sha256", "the content" },   { "link", "the link" },
	{ "mode", "the mode" },        { "uid", "the owner" },
	{ "gid", "the group" },        { "device", "the device" },
	{ "opaque", "what it hides" }, { "attributes", "the attributes" },
};

static bool is_same(const struct json_value *a, const struct json_value *b)
{
	return a && b ? json_is_same(a, b) : a == b;
}

/* NULL: nothing differs that has a name. */
static const char *member_that_differs(const struct json_value *file,
				       const struct json_value *other)
{
	for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++) {
		if (!is_same(json_get(file, members[i].key),
			     json_get(other, members[i].key)))
			return members[i].name;
	}
	return NULL;
}

/* The path last: what is too long for a line is cut there. */
static const char *say(const struct view *view, const char *words, const char *path,
		       const char *end, struct arena *arena)
{
	const bool top = strcmp(path, ".") == 0;

	return arena_printf(arena, "%s %s%s%s%s", words,
			    top || view->dest[1] ? view->dest : "", top ? "" : "/",
			    top ? "" : path, end);
}

/* NULL: both are the same; one is missing where it is NULL. */
static const char *pair_difference(const struct view *view, const struct json_value *one,
				   const struct json_value *two, struct arena *arena)
{
	const char *what;

	if (!two)
		return say(view, "only the first run has", text_of(one, "path"), "",
			   arena);
	if (!one)
		return say(view, "the first run has no", text_of(two, "path"), "", arena);
	what = member_that_differs(one, two);
	if (!what)
		return NULL;
	return say(view, arena_printf(arena, "%s of", what), text_of(one, "path"),
		   " differs", arena);
}

/* Both lists are in the order of the paths' bytes: up to the first difference, side by side. */
static const char *file_difference(const struct view *view, const struct json_value *a,
				   const struct json_value *b, struct arena *arena)
{
	const size_t counts[] = { json_count(a), json_count(b) };

	for (size_t i = 0; i < counts[0] || i < counts[1]; i++) {
		const struct json_value *one = i < counts[0] ? json_at(a, i) : NULL;
		const struct json_value *two = i < counts[1] ? json_at(b, i) : NULL;
		const char *found;
		int order = 0;

		if (one && two)
			order = strcmp(text_of(one, "path"), text_of(two, "path"));
		found = pair_difference(view, order > 0 ? NULL : one,
					order < 0 ? NULL : two, arena);
		if (found)
			return found;
	}
	return NULL;
}

static const char *view_difference(const struct view *first, const struct view *other,
				   struct arena *arena)
{
	const struct json_value *a = json_get(first->document, "files");
	const struct json_value *b = json_get(other->document, "files");
	const char *found;

	if (strcmp(first->digest, other->digest) == 0)
		return NULL;
	found = a && b ? file_difference(first, a, b, arena) : NULL;
	if (found)
		return found;
	return arena_printf(arena, "%s has too many files to name the one that differs",
			    first->dest);
}

static const char *end_difference(const struct outcome *first,
				  const struct outcome *other, struct arena *arena)
{
	if (first->status == other->status && first->signal == other->signal &&
	    first->timed_out == other->timed_out)
		return NULL;
	return arena_printf(arena, "its exit status is %d, not %d", other->status,
			    first->status);
}

const char *result_difference(const struct result *first, const struct result *other,
			      struct arena *arena)
{
	const char *found = end_difference(&first->outcome, &other->outcome, arena);

	if (!found && first->view_count != other->view_count)
		found = "it wrote to other directories";
	for (size_t i = 0; i < first->view_count && !found; i++)
		found = view_difference(&first->views[i], &other->views[i], arena);
	if (!found && strcmp(first->output, other->output) != 0)
		found = "the standard output differs";
	return found;
}
