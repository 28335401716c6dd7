/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Denials in words. Names of programs are foreign text and are printable by the time they
 * come here; report.h makes the lines.
 */
#include "launcher/explain.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/json.h"
#include "launcher/report.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* "pid 7 (git)"; not of one that is gone, or that /proc does not show. */
static const char *who(const struct denial *denial, struct arena *arena)
{
	if (!denial->pid)
		return "a process";
	return arena_printf(arena, "pid %d (%s)", denial->pid, denial->program);
}

/* "[default:41: reason]" */
static const char *because(const struct explained *explained, struct arena *arena)
{
	if (!explained->rule[0] && !explained->why[0])
		return "";
	return arena_printf(arena, " [%s%s%s]", explained->rule,
			    explained->rule[0] && explained->why[0] ? ": " : "",
			    explained->why);
}

static void put_known(struct json_value *object, const char *key, const char *text)
{
	if (*text)
		json_put_text(object, key, text);
	else
		json_put_null(object, key);
}

static void put_denial(struct json_value *object, const struct denial *denial)
{
	const struct explained *explained = &denial->explained;

	json_put_text(object, "call", explained->call);
	json_put_integer(object, "errno", explained->value);
	put_known(object, "error", explained->error);
	put_known(object, "rule", explained->rule);
	put_known(object, "why", explained->why);
	put_known(object, "remedy", explained->remedy);
	if (denial->pid)
		json_put_integer(object, "pid", denial->pid);
	else
		json_put_null(object, "pid");
	put_known(object, "program", denial->program);
	json_put_unsigned(object, "count", denial->count);
}

/* ---- lines ----------------------------------------------------------------------------- */

static const char *line(const char *message, const struct error *like, bool json,
			const struct denial *denial, struct arena *arena)
{
	struct json_value *object;

	if (!json)
		return arena_printf(arena, "sbx: %s%s%s\n", message,
				    like->hint[0] ? "; " : "", like->hint);
	object = report_line("warning", like, message, arena);
	if (denial)
		put_denial(json_put_object(object, "denial"), denial);
	return arena_printf(arena, "%s\n", json_write(object, JSON_LAYOUT_LINE, arena));
}

const char *denial_line(const struct denial *denial, bool json, struct arena *arena)
{
	const struct explained *explained = &denial->explained;
	struct error like = { .id = ERROR_DENIED, .errnum = explained->value };

	if (explained->remedy[0])
		error_hint(&like, "allow with %s", explained->remedy);
	return line(arena_printf(arena, "denied: %s: %s -> %s%s", who(denial, arena),
				 explained->call, explained->error,
				 because(explained, arena)),
		    &like, json, denial, arena);
}

static size_t kinds_beyond_lines(const struct denials *denials)
{
	size_t kinds = 0;

	for (size_t i = 0; i < denials->kind_count; i++)
		kinds += denials->kinds[i].count > denials->kinds[i].shown;
	return kinds;
}

const char *denials_summary(const struct denials *denials, const char *file, bool json,
			    struct arena *arena)
{
	const uint64_t more = denials->count - denials->shown;
	const size_t kinds = kinds_beyond_lines(denials);
	struct error like = { .id = ERROR_DENIED };

	if (more == 0)
		return NULL;
	if (file)
		error_hint(&like, "%s counts them", file);
	else
		error_hint(&like, "--denials FILE counts them");
	return line(arena_printf(arena, "%" PRIu64 " more denial%s of %zu%s kind%s", more,
				 more == 1 ? "" : "s", kinds,
				 denials->beyond ? " and more" : "",
				 kinds == 1 && !denials->beyond ? "" : "s"),
		    &like, json, NULL, arena);
}

const char *denials_deaf(int errnum, bool json, struct arena *arena)
{
	struct error like = { .id = ERROR_DENIED, .errnum = errnum };

	error_hint(&like, "--explain off asks for no listener");
	return line(
		arena_printf(arena, "denials are not explained: %s",
			     errnum == EBUSY
				     ? "the filters around sbx have a listener already, "
				       "and the kernel allows one"
				     : strerror(errnum)),
		&like, json, NULL, arena);
}

/* ---- --denials ------------------------------------------------------------------------- */

const char *denials_document(const struct denials *denials, bool listened,
			     struct arena *arena)
{
	struct json_value *object = json_make_object(arena);
	struct json_value *list;

	json_put_integer(object, "version", 1);
	json_put_bool(object, "listened", listened);
	json_put_unsigned(object, "count", denials ? denials->count : 0);
	json_put_unsigned(object, "beyond", denials ? denials->beyond : 0);
	list = json_put_array(object, "denials");
	for (size_t i = 0; denials && i < denials->kind_count; i++)
		put_denial(json_put_object(list, NULL), &denials->kinds[i]);
	return json_write(object, JSON_LAYOUT_LINES, arena);
}
