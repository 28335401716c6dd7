/* SPDX-License-Identifier: Apache-2.0 */
/* The member "hooks" of a config.json (config.md, "POSIX-platform Hooks"). */
#include "plan/from_oci.h"

#include <limits.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/json.h"
#include "plan/plan.h"

enum { HOOKS_MAX = 1000 };

static int read_timeout(const struct json_value *object, unsigned int *ret_seconds,
			struct error *err)
{
	int64_t seconds = 0;
	int found = json_get_integer(object, "timeout", 1, INT_MAX, &seconds, err);

	if (found == 0)
		*ret_seconds = (unsigned int)seconds;
	return found < 0 ? -1 : 0;
}

static int read_hook(const struct json_value *object, struct hook *hook,
		     struct error *err)
{
	size_t count = 0;

	if (json_want_kind(object, JSON_KIND_OBJECT, err) < 0 ||
	    json_get_text(object, "path", &hook->path, err) < 0)
		return -1;
	if (!hook->path)
		return json_complain(object, err, "path is missing");
	if (hook->path[0] != '/')
		return json_complain(json_get(object, "path"), err,
				     "not an absolute path");
	if (json_get_texts(object, "args", &hook->argv, &count, err) < 0)
		return -1;
	if (!count)
		hook->argv = NULL;
	if (json_get_texts(object, "env", &hook->env, &count, err) < 0)
		return -1;
	return read_timeout(object, &hook->timeout_s, err);
}

static int read_list(struct oci_reader *reader, const struct json_value *hooks,
		     const char *key, struct hook_list *ret_list, struct error *err)
{
	const struct json_value *array;
	struct hook *list;
	size_t count;

	if (oci_get_list(hooks, key, &array, &count, err) < 0)
		return -1;
	if (!count)
		return 0;
	if (count > HOOKS_MAX)
		return json_complain(array, err, "more than %d hooks", HOOKS_MAX);
	list = arena_alloc_array(reader->arena, count, sizeof(*list));
	for (size_t i = 0; i < count; i++) {
		if (read_hook(json_at(array, i), &list[i], err) < 0)
			return -1;
	}
	*ret_list = (struct hook_list){ list, count };
	return 0;
}

const char *const oci_hook_names[] = {
	[HOOK_PRESTART] = "prestart",
	[HOOK_CREATE_RUNTIME] = "createRuntime",
	[HOOK_CREATE_CONTAINER] = "createContainer",
	[HOOK_START_CONTAINER] = "startContainer",
	[HOOK_POSTSTART] = "poststart",
	[HOOK_POSTSTOP] = "poststop",
	[HOOK_KINDS] = NULL,
};

const char *hook_kind_name(enum hook_kind kind)
{
	return oci_hook_names[kind];
}

int oci_read_hooks(struct oci_reader *reader, struct error *err)
{
	const struct json_value *hooks = NULL;

	if (json_get_object(reader->document, "hooks", &hooks, err) < 0)
		return -1;
	for (int kind = 0; kind < HOOK_KINDS; kind++) {
		if (read_list(reader, hooks, oci_hook_names[kind],
			      &reader->plan->container.hooks[kind], err) < 0)
			return -1;
	}
	return 0;
}
