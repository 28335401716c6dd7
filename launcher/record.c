/* SPDX-License-Identifier: Apache-2.0 */
/* The document of --record: docs/schema/record.json. */
#include "launcher/record.h"

#include "base/error.h"
#include "base/json.h"
#include "plan/plan.h"

#include <string.h>

enum { RECORD_VERSION = 1 };

/* ---- what was given -------------------------------------------------------------------- */

static void put_command(struct json_value *parent, const struct plan *plan)
{
	struct json_value *array = json_put_array(parent, "command");

	for (size_t i = 0; i < plan->process.argc; i++)
		json_put_text(array, NULL, plan->process.argv[i]);
}

/* Where it lies is no part of what it is. */
static void put_bare_input(struct json_value *setup, const struct json_value *input)
{
	const struct json_value *root = json_get(input, "root");
	struct json_value *object = json_put_object(setup, "root");

	json_put_copy(object, "kind", json_get(root, "kind"));
	json_put_copy(object, "digest", json_get(root, "digest"));
	json_put_copy(setup, "directories", json_get(input, "directories"));
}

static const char *setup_digest(const struct plan *plan, const struct json_value *input,
				const struct json_value *configuration,
				struct arena *arena)
{
	struct json_value *setup = json_make_object(arena);
	struct sha256 sha256;
	char hex[SHA256_HEX + 1];
	const char *text;

	put_bare_input(setup, input);
	json_put_copy(setup, "configuration", configuration);
	put_command(setup, plan);
	text = json_write(setup, JSON_LAYOUT_LINE, arena);
	sha256_begin(&sha256);
	sha256_add(&sha256, text, strlen(text));
	sha256_end(&sha256, hex);
	return arena_printf(arena, "sha256:%s", hex);
}

/* ---- what came of it ------------------------------------------------------------------- */

/* As the sandbox has it: the view's place before what is in the view. */
static const char *path_inside(const struct view *view, const char *path,
			       struct arena *arena)
{
	if (strcmp(path, ".") == 0)
		return view->dest;
	return arena_printf(arena, "%s/%s", view->dest[1] ? view->dest : "", path);
}

static void put_file(struct json_value *array, const struct view *view,
		     const struct json_value *file, struct arena *arena)
{
	struct json_value *object = json_put_object(array, NULL);
	const char *path = "";
	struct error ignored;

	(void)json_get_text(file, "path", &path, &ignored);
	json_put_text(object, "path", path_inside(view, path, arena));
	for (size_t i = 0; i < json_count(file); i++) {
		const char *key = json_key_at(file, i);

		if (strcmp(key, "path") != 0)
			json_put_copy(object, key, json_at(file, i));
	}
}

/* All of them, or null where they are too many to be listed. */
static void put_files(struct json_value *record, const struct result *result,
		      struct arena *arena)
{
	struct json_value *array;

	for (size_t i = 0; i < result->view_count; i++) {
		if (!json_get(result->views[i].document, "files")) {
			json_put_null(record, "files");
			return;
		}
	}
	array = json_put_array(record, "files");
	for (size_t i = 0; i < result->view_count; i++) {
		const struct view *view = &result->views[i];
		const struct json_value *files = json_get(view->document, "files");

		for (size_t j = 0; j < json_count(files); j++)
			put_file(array, view, json_at(files, j), arena);
	}
}

static void put_views(struct json_value *record, const struct result *result)
{
	struct json_value *array = json_put_array(record, "covered");

	for (size_t i = 0; i < result->view_count; i++) {
		struct json_value *object = json_put_object(array, NULL);

		json_put_text(object, "path", result->views[i].dest);
		json_put_text(object, "digest", result->views[i].digest);
	}
}

/* What the host keeps of the run, besides. */
static void put_not_covered(struct json_value *record, const struct plan *plan)
{
	const struct rootfs_spec *rootfs = &plan->rootfs;
	struct json_value *array = json_put_array(record, "not_covered");

	if (rootfs->kind != ROOT_HOST && rootfs->mode == ROOT_RW)
		json_put_text(array, NULL, "/");
	for (size_t i = 0; i < rootfs->mount_count; i++) {
		const struct mount_entry *entry = &rootfs->mounts[i];

		if (entry->kind == MOUNT_BIND && !(entry->flags & MOUNT_F_RDONLY))
			json_put_text(array, NULL, entry->dest);
	}
}

static void put_end(struct json_value *record, const struct outcome *outcome)
{
	json_put_integer(record, "exit_status", outcome->status);
	if (outcome->signal)
		json_put_integer(record, "signal", outcome->signal);
	else
		json_put_null(record, "signal");
	json_put_bool(record, "timed_out", outcome->timed_out);
}

struct json_value *record_document(const struct plan *plan,
				   const struct json_value *input,
				   const struct result *result, struct arena *arena)
{
	const struct json_value *configuration = plan_to_setup(plan, arena);
	struct json_value *record = json_make_object(arena);

	json_put_integer(record, "version", RECORD_VERSION);
	json_put_text(record, "sbx", SBX_VERSION);
	json_put_text(record, "setup_digest",
		      setup_digest(plan, input, configuration, arena));
	json_put_text(record, "output_digest", result->digest);
	json_put_copy(record, "input", input);
	put_command(record, plan);
	put_end(record, &result->outcome);
	put_views(record, result);
	put_not_covered(record, plan);
	put_files(record, result, arena);
	json_put_copy(record, "configuration", configuration);
	json_put_bool(record, "escaped", json_has_escapes(record));
	return record;
}
