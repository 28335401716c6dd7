/* SPDX-License-Identifier: Apache-2.0 */
/* The plan as the config.json that runsc is given. */
#include "base/json.h"
#include "plan/plan.h"

static void put_texts(struct json_value *object, const char *key,
		      const char *const *texts)
{
	struct json_value *list = json_put_array(object, key);

	for (; *texts; texts++)
		json_put_text(list, NULL, *texts);
}

const char *plan_to_gvisor(const struct plan *plan, const struct gvisor_inside *inside,
			   struct arena *arena)
{
	struct json_value *object = json_make_object(arena);
	struct json_value *process, *user, *root;

	json_put_text(object, "ociVersion", "1.0.0");
	process = json_put_object(object, "process");
	user = json_put_object(process, "user");
	json_put_unsigned(user, "uid", inside->uid);
	json_put_unsigned(user, "gid", inside->gid);
	put_texts(process, "args", plan->process.argv);
	put_texts(process, "env", inside->env);
	json_put_text(process, "cwd", plan->process.cwd);
	root = json_put_object(object, "root");
	json_put_text(root, "path", inside->root);
	return json_write(object, JSON_LAYOUT_LINE, arena);
}
