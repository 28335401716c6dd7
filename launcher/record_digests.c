/* SPDX-License-Identifier: Apache-2.0 */
#include "launcher/record.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/json.h"
#include "launcher/images.h"
#include "plan/plan.h"

#include <stdlib.h>
#include <string.h>

/* ---- what was written ------------------------------------------------------------------ */

void result_add_layer(struct result *result, const struct plan *plan, int entry,
		      int layer)
{
	const struct rootfs_spec *rootfs = &plan->rootfs;
	auto_close int held = layer;

	if (entry < 0 || (size_t)entry > rootfs->mount_count)
		return;
	if (result->view_count == VIEWS_MAX) {
		result->lost_views = true;
		return;
	}
	result->views[result->view_count++] = (struct view){
		.entry = entry,
		.layer = fd_take(&held),
		.dest = entry ? rootfs->mounts[entry - 1].dest : "/",
	};
}

void result_close(struct result *result)
{
	for (size_t i = 0; i < result->view_count; i++)
		fd_close(&result->views[i].layer);
}

static int digest_tree(const struct plan *plan, struct image_job *job,
		       struct arena *arena, const struct json_value **ret_document,
		       const char **ret_digest, struct error *err)
{
	struct images_result result = { .document_count = 0 };
	const char *digest = NULL;

	job->task = IMAGE_TASK_DIGEST;
	job->socket = -1;
	if (images_do(&plan->ids, job, NULL, arena, &result, err) < 0)
		return -1;
	if (result.document_count != 1 ||
	    json_get_text(result.documents[0], "digest", &digest, err) != 0)
		return error_set(err, ERROR_IMAGE, "understand sbx-image");
	*ret_document = result.documents[0];
	*ret_digest = digest;
	return 0;
}

static int compare_views(const void *a, const void *b)
{
	const struct view *first = a, *other = b;

	return first->entry - other->entry;
}

static void add_text(struct sha256 *sha256, const char *text)
{
	sha256_add(sha256, text, strlen(text) + 1);
}

static const char *digest_views(const struct result *result, struct arena *arena)
{
	struct sha256 sha256;
	char hex[SHA256_HEX + 1];

	sha256_begin(&sha256);
	for (size_t i = 0; i < result->view_count; i++) {
		add_text(&sha256, result->views[i].dest);
		add_text(&sha256, result->views[i].digest);
	}
	sha256_end(&sha256, hex);
	return arena_printf(arena, "sha256:%s", hex);
}

int result_digest(struct result *result, const struct plan *plan, struct arena *arena,
		  struct error *err)
{
	if (result->lost_views)
		return error_set(err, ERROR_RESOURCES,
				 "read what was written: there are more than %d "
				 "directories for it",
				 VIEWS_MAX);
	if (result->view_count)
		qsort(result->views, result->view_count, sizeof(*result->views),
		      compare_views);
	for (size_t i = 0; i < result->view_count; i++) {
		struct view *view = &result->views[i];
		struct image_job job = { .input_fd = view->layer };

		if (digest_tree(plan, &job, arena, &view->document, &view->digest, err) <
		    0)
			return error_within(err, "read what was written to %s",
					    view->dest);
		fd_close(&view->layer);
	}
	result->digest = digest_views(result, arena);
	return 0;
}

/* ---- what was given -------------------------------------------------------------------- */

/* Somebody else's files may be in it, which cannot be read: then nobody knows. */
static void put_digest_of(struct json_value *object, const struct plan *plan,
			  const char *path, struct arena *arena)
{
	struct image_job job = { .input_fd = -1,
				 .into = path,
				 .limits = { .entries = 1 } };
	const struct json_value *document;
	const char *digest = "";
	struct error err = { 0 };

	if (digest_tree(plan, &job, arena, &document, &digest, &err) == 0) {
		json_put_text(object, "digest", digest);
		return;
	}
	json_put_null(object, "digest");
	json_put_text(object, "unknown", err.text);
}

static void put_root(struct json_value *input, const struct plan *plan,
		     struct arena *arena)
{
	const struct rootfs_spec *rootfs = &plan->rootfs;
	struct json_value *object = json_put_object(input, "root");

	if (plan->image.operand) {
		json_put_text(object, "kind", "image");
		json_put_text(object, "name", plan->image.operand);
		if (plan->image.digest)
			json_put_text(object, "digest", plan->image.digest);
		else
			json_put_null(object, "digest");
	} else if (rootfs->kind == ROOT_DIRECTORY) {
		json_put_text(object, "kind", "directory");
		json_put_text(object, "name", rootfs->path);
		put_digest_of(object, plan, rootfs->path, arena);
	} else {
		json_put_text(object, "kind",
			      rootfs->kind == ROOT_HOST ? "host" : "empty");
		json_put_null(object, "name");
		json_put_null(object, "digest");
	}
}

struct json_value *record_input(const struct plan *plan, struct arena *arena)
{
	struct json_value *input = json_make_object(arena);
	struct json_value *array;

	put_root(input, plan, arena);
	array = json_put_array(input, "directories");
	for (size_t i = 0; i < plan->rootfs.mount_count; i++) {
		const struct mount_entry *entry = &plan->rootfs.mounts[i];
		struct json_value *object;

		if (entry->kind != MOUNT_COW)
			continue;
		object = json_put_object(array, NULL);
		json_put_text(object, "path", entry->dest);
		put_digest_of(object, plan, entry->source, arena);
	}
	return input;
}
