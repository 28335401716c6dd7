/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plan as the config.json that runsc is given. The root is whole when runsc sees it, so
 * that little of the plan is left to say: who runs what, with which capabilities and limits,
 * and what gVisor has to mount itself.
 */
#include <string.h>
#include <sys/utsname.h>

#include "base/json.h"
#include "base/text.h"
#include "plan/plan.h"
#include "plan/to_gvisor.h"

enum {
	LAST_CAPABILITY = 37, /* CAP_AUDIT_READ: the last one that all releases know */
	RESOURCES = 16,       /* RLIMIT_NLIMITS of the kernel */
};

static void put_texts(struct json_value *object, const char *key,
		      const char *const *texts)
{
	struct json_value *list = json_put_array(object, key);

	for (; *texts; texts++)
		json_put_text(list, NULL, *texts);
}

/* ---- process ------------------------------------------------------------------------ */

static void put_user(struct json_value *process, const struct plan *plan,
		     const struct gvisor_inside *inside)
{
	struct json_value *user = json_put_object(process, "user");
	struct json_value *groups;

	json_put_unsigned(user, "uid", inside->uid);
	json_put_unsigned(user, "gid", inside->gid);
	json_put_unsigned(user, "umask", plan->process.umask);
	if (!inside->group_count)
		return;
	groups = json_put_array(user, "additionalGids");
	for (size_t i = 0; i < inside->group_count; i++)
		json_put_unsigned(groups, NULL, inside->groups[i]);
}

/*
 * runsc refuses names that it does not know. Those of later kernels are nothing that gVisor
 * would ask for, so that nobody misses them.
 */
static void put_set(struct json_value *sets, const char *key, uint64_t bits)
{
	struct json_value *set = json_put_array(sets, key);

	for (unsigned int i = 0; i <= LAST_CAPABILITY; i++) {
		if (bits >> i & 1)
			json_put_text(set, NULL, caps_name(i));
	}
}

static void put_capabilities(struct json_value *process, const struct caps_spec *caps)
{
	struct json_value *sets = json_put_object(process, "capabilities");

	put_set(sets, "bounding", caps->separate ? caps->bounding : caps->kept);
	put_set(sets, "effective", caps->separate ? caps->effective : caps->kept);
	put_set(sets, "inheritable", caps->separate ? caps->inheritable : caps->ambient);
	put_set(sets, "permitted", caps->kept);
	put_set(sets, "ambient", caps->ambient);
}

/* The last one holds; false: nobody has said anything of that resource. */
static bool find_limit(const struct limits_spec *limits, int resource,
		       struct rlimit_entry *ret_limit)
{
	for (size_t i = limits->rlimit_count; i > 0; i--) {
		if (limits->rlimits[i - 1].resource != resource)
			continue;
		*ret_limit = limits->rlimits[i - 1];
		return true;
	}
	return false;
}

/* All of them: gVisor has figures of its own for what is missing, where we inherit. */
static void put_limits(struct json_value *process, const struct limits_spec *limits)
{
	struct json_value *array = json_put_array(process, "rlimits");

	for (int resource = 0; resource < RESOURCES; resource++) {
		struct rlimit_entry limit;
		struct json_value *entry;

		if (!rlimit_name(resource) || (!find_limit(limits, resource, &limit) &&
					       rlimit_read(resource, &limit) < 0))
			continue;
		entry = json_put_object(array, NULL);
		json_put_text(entry, "type", rlimit_name(resource));
		json_put_unsigned(entry, "hard", limit.hard);
		json_put_unsigned(entry, "soft", limit.soft);
	}
}

static void put_terminal(struct json_value *process, const struct process_spec *spec)
{
	struct json_value *size;

	json_put_bool(process, "terminal", spec->terminal);
	if (!spec->terminal || !spec->rows || !spec->columns)
		return;
	size = json_put_object(process, "consoleSize");
	json_put_unsigned(size, "height", spec->rows);
	json_put_unsigned(size, "width", spec->columns);
}

static bool names_path(const struct gvisor_inside *inside)
{
	for (const char *const *variable = inside->env; *variable; variable++) {
		if (text_starts_with(*variable, "PATH="))
			return true;
	}
	return false;
}

/*
 * runsc looks argv[0] up as we have done, and so it stays as it is; but without PATH it
 * finds nothing at all.
 */
static void put_arguments(struct json_value *process, const struct plan *plan,
			  const struct gvisor_inside *inside)
{
	const char *const *argv = inside->argv ? inside->argv : plan->process.argv;
	struct json_value *list = json_put_array(process, "args");
	const bool found = strchr(argv[0], '/') || names_path(inside);

	json_put_text(list, NULL, found ? argv[0] : inside->program);
	for (argv++; *argv; argv++)
		json_put_text(list, NULL, *argv);
}

static void put_process(struct json_value *document, const struct plan *plan,
			const struct gvisor_inside *inside)
{
	struct json_value *process = json_put_object(document, "process");

	put_terminal(process, &plan->process);
	put_user(process, plan, inside);
	put_arguments(process, plan, inside);
	put_texts(process, "env", inside->env);
	json_put_text(process, "cwd", plan->process.cwd);
	put_capabilities(process, &plan->policy.caps);
	put_limits(process, &plan->policy.limits);
	json_put_bool(process, "noNewPrivileges", !plan->policy.caps.may_gain);
}

/* ---- the rest ----------------------------------------------------------------------- */

/* The one of our UTS namespace, which runsc does not take over. */
static void put_hostname(struct json_value *document, const struct plan *plan)
{
	const char *name = plan->namespaces.hostname;
	struct utsname names;

	if (!name && uname(&names) == 0)
		name = names.nodename;
	if (name)
		json_put_text(document, "hostname", name);
}

/*
 * Without a path runsc would make an empty network namespace and leave ours; with the
 * kernel's stack it stays where it is, and must not join the host's, where it has no right
 * to. No user namespace: it would be one below ours, whose ids cannot reach the root.
 */
static void put_namespaces(struct json_value *object, enum gvisor_net stack)
{
	static const char *const types[] = { "pid", "ipc", "uts", "mount" };
	struct json_value *list = json_put_array(object, "namespaces");
	struct json_value *net;

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		json_put_text(json_put_object(list, NULL), "type", types[i]);
	if (stack == GVISOR_NET_HOST)
		return;
	net = json_put_object(list, NULL);
	json_put_text(net, "type", "network");
	json_put_text(net, "path", "/proc/self/ns/net");
}

static void put_linux(struct json_value *document, const struct plan *plan,
		      const struct gvisor_inside *inside)
{
	struct json_value *object = json_put_object(document, "linux");

	put_namespaces(object, plan->runtime.net);
	if (plan->runtime.filter && inside->filters)
		json_put_copy(object, "seccomp", plan->runtime.filter);
}

const char *plan_to_gvisor(const struct plan *plan, const struct gvisor_inside *inside,
			   struct arena *arena)
{
	struct json_value *document = json_make_object(arena);
	struct json_value *root;

	json_put_text(document, "ociVersion", "1.0.0");
	put_process(document, plan, inside);
	root = json_put_object(document, "root");
	json_put_text(root, "path", inside->root);
	json_put_bool(root, "readonly", false);
	put_hostname(document, plan);
	gvisor_put_mounts(document, plan, inside, arena);
	put_linux(document, plan, inside);
	return json_write(document, JSON_LAYOUT_LINE, arena);
}

const char *plan_to_gvisor_process(const struct plan *plan,
				   const struct gvisor_inside *inside,
				   struct arena *arena)
{
	struct json_value *document = json_make_object(arena);

	put_process(document, plan, inside);
	return json_write(json_get(document, "process"), JSON_LAYOUT_LINE, arena);
}
