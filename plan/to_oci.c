/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The plan as an OCI config.json. Nothing is decided here: every field is written as it
 * is, and from_oci.c reads the same plan back.
 */
#include "plan/to_oci.h"

#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "plan/oci_spelling.h"
#include "plan/plan.h"
#include "policy/profile.h"

/* ---- process ------------------------------------------------------------------------ */

static void put_texts(struct json_value *parent, const char *key,
		      const char *const *texts, size_t count)
{
	struct json_value *array = json_put_array(parent, key);

	for (size_t i = 0; i < count; i++)
		json_put_text(array, NULL, texts[i]);
}

static void put_user(struct json_value *process, const struct process_spec *spec)
{
	struct json_value *user = json_put_object(process, "user");
	struct json_value *groups;

	json_put_unsigned(user, "uid", spec->uid);
	json_put_unsigned(user, "gid", spec->gid);
	json_put_unsigned(user, "umask", spec->umask);
	if (!spec->group_count)
		return;
	groups = json_put_array(user, "additionalGids");
	for (size_t i = 0; i < spec->group_count; i++)
		json_put_unsigned(groups, NULL, spec->groups[i]);
}

static void put_capability_set(struct json_value *parent, const char *key, uint64_t bits,
			       struct arena *arena)
{
	struct json_value *set = json_put_array(parent, key);

	for (unsigned int i = 0; i < 64; i++) {
		const char *name = caps_name(i);

		if (!(bits >> i & 1))
			continue;
		json_put_text(set, NULL, name ? name : arena_printf(arena, "CAP_%u", i));
	}
}

static void put_capabilities(struct json_value *process, const struct caps_spec *caps,
			     struct arena *arena)
{
	struct json_value *sets = json_put_object(process, "capabilities");

	put_capability_set(sets, "bounding", caps->kept, arena);
	put_capability_set(sets, "effective", caps->kept, arena);
	put_capability_set(sets, "inheritable", caps->ambient, arena);
	put_capability_set(sets, "permitted", caps->kept, arena);
	put_capability_set(sets, "ambient", caps->ambient, arena);
}

static void put_limits(struct json_value *process, const struct limits_spec *limits)
{
	struct json_value *array;

	if (limits->has_oom_score_adj)
		json_put_integer(process, "oomScoreAdj", limits->oom_score_adj);
	if (!limits->rlimit_count)
		return;
	array = json_put_array(process, "rlimits");
	for (size_t i = 0; i < limits->rlimit_count; i++) {
		struct json_value *entry = json_put_object(array, NULL);

		json_put_text(entry, "type", rlimit_name(limits->rlimits[i].resource));
		json_put_unsigned(entry, "hard", limits->rlimits[i].hard);
		json_put_unsigned(entry, "soft", limits->rlimits[i].soft);
	}
}

static void put_process(struct json_value *document, const struct plan *plan,
			struct arena *arena)
{
	const struct process_spec *spec = &plan->process;
	struct json_value *process = json_put_object(document, "process");

	json_put_bool(process, "terminal", spec->terminal);
	put_user(process, spec);
	put_texts(process, "args", spec->argv, spec->argc);
	put_texts(process, "env", spec->env, spec->env_count);
	json_put_text(process, "cwd", spec->cwd);
	put_capabilities(process, &plan->policy.caps, arena);
	put_limits(process, &plan->policy.limits);
	json_put_bool(process, "noNewPrivileges", true);
}

/* ---- root, linux -------------------------------------------------------------------- */

/* An image is named by annotations, wherever it has been extracted to. */
static enum root_kind kind_of_root(const struct plan *plan)
{
	return plan->image.operand ? ROOT_MOUNT : plan->rootfs.kind;
}

/* A runtime that knows no copy-on-write root is to leave it alone. */
static void put_root(struct json_value *document, const struct plan *plan)
{
	const struct rootfs_spec *rootfs = &plan->rootfs;
	static const char *const paths[] = {
		[ROOT_HOST] = "/",
		[ROOT_EMPTY] = OCI_EMPTY_ROOT,
		[ROOT_MOUNT] = OCI_EMPTY_ROOT, /* the annotations name the image */
		[ROOT_SERVED] = NULL,
	};
	const enum root_kind kind = kind_of_root(plan);
	struct json_value *root = json_put_object(document, "root");

	json_put_text(root, "path", paths[kind] ? paths[kind] : rootfs->path);
	json_put_bool(root, "readonly", rootfs->mode != ROOT_RW);
}

static void put_id_map(struct json_value *parent, const char *key,
		       const struct id_map *map)
{
	struct json_value *array;

	if (!map->count)
		return;
	array = json_put_array(parent, key);
	for (size_t i = 0; i < map->count; i++) {
		struct json_value *range = json_put_object(array, NULL);

		json_put_unsigned(range, "containerID", map->ranges[i].inside);
		json_put_unsigned(range, "hostID", map->ranges[i].outside);
		json_put_unsigned(range, "size", map->ranges[i].count);
	}
}

/* A namespace that is shared is one that is not listed. */
static void put_namespaces(struct json_value *parent, const struct namespaces_spec *spec)
{
	struct json_value *array = json_put_array(parent, "namespaces");

	for (int kind = 0; kind < NS_TIME; kind++) {
		const struct ns_choice *choice = &spec->kinds[kind];
		struct json_value *entry;

		if (choice->mode == NS_SHARED)
			continue;
		entry = json_put_object(array, NULL);
		json_put_text(entry, "type", oci_namespace_type((enum ns_kind)kind));
		if (choice->mode == NS_JOINED)
			json_put_text(entry, "path", choice->path);
	}
	if (spec->new_time)
		json_put_text(json_put_object(array, NULL), "type",
			      oci_namespace_type(NS_TIME));
}

/* Of two values for one key the later one holds, here as in the sandbox. */
static void put_sysctls(struct json_value *parent, const struct namespaces_spec *spec)
{
	struct json_value *object;

	if (!spec->sysctl_count)
		return;
	object = json_put_object(parent, "sysctl");
	for (size_t i = 0; i < spec->sysctl_count; i++)
		json_put_text(object, spec->sysctls[i].key, spec->sysctls[i].value);
}

/* Of the entries from first on, which are all covers. */
static void put_covers(struct json_value *parent, const char *key, enum mount_kind kind,
		       const struct rootfs_spec *rootfs, size_t first)
{
	struct json_value *array = NULL;

	for (size_t i = first; i < rootfs->mount_count; i++) {
		if (rootfs->mounts[i].kind != kind)
			continue;
		if (!array)
			array = json_put_array(parent, key);
		json_put_text(array, NULL, rootfs->mounts[i].dest);
	}
}

static void put_memory(struct json_value *resources, const struct cgroup_limits *limits)
{
	struct json_value *memory;

	if (!limits->memory)
		return;
	memory = json_put_object(resources, "memory");
	json_put_unsigned(memory, "limit", limits->memory);
	if (limits->has_memory_swap)
		json_put_integer(memory, "swap",
				 limits->memory_swap == UINT64_MAX
					 ? -1
					 : (int64_t)limits->memory_swap);
}

static void put_cpu(struct json_value *resources, const struct cgroup_limits *limits)
{
	struct json_value *cpu;

	if (!limits->cpu_quota_us && !limits->cpuset)
		return;
	cpu = json_put_object(resources, "cpu");
	if (limits->cpu_quota_us) {
		json_put_unsigned(cpu, "quota", limits->cpu_quota_us);
		json_put_unsigned(cpu, "period", limits->cpu_period_us);
	}
	if (limits->cpuset)
		json_put_text(cpu, "cpus", limits->cpuset);
}

/* blockIO.weight has a tenth of the steps that io.weight has. */
static void put_resources(struct json_value *parent, const struct cgroup_limits *limits,
			  struct arena *arena)
{
	struct json_value *resources;

	if (!cgroup_is_needed(limits))
		return;
	resources = json_put_object(parent, "resources");
	put_memory(resources, limits);
	if (limits->pids)
		json_put_unsigned(json_put_object(resources, "pids"), "limit",
				  limits->pids);
	put_cpu(resources, limits);
	if (limits->io_weight)
		json_put_text(json_put_object(resources, "unified"), "io.weight",
			      arena_printf(arena, "%llu",
					   (unsigned long long)limits->io_weight));
}

static void put_linux(struct json_value *document, const struct plan *plan, size_t covers,
		      struct arena *arena)
{
	struct json_value *object = json_put_object(document, "linux");

	put_namespaces(object, &plan->namespaces);
	put_id_map(object, "uidMappings", &plan->ids.uids);
	put_id_map(object, "gidMappings", &plan->ids.gids);
	put_sysctls(object, &plan->namespaces);
	put_resources(object, &plan->policy.limits.cgroup, arena);
	if (plan->policy.profile && profile_json(plan->policy.profile))
		json_put_copy(object, "seccomp", profile_json(plan->policy.profile));
	put_covers(object, "readonlyPaths", MOUNT_READONLY, &plan->rootfs, covers);
	put_covers(object, "maskedPaths", MOUNT_MASK, &plan->rootfs, covers);
}

/* ---- annotations -------------------------------------------------------------------- */

static void put_number(struct json_value *annotations, const struct oci_field *field,
		       int64_t value, struct arena *arena)
{
	if (value != field->absent)
		json_put_text(annotations, field->name,
			      arena_printf(arena, "%lld", (long long)value));
}

static void put_u64(struct json_value *annotations, const struct oci_field *field,
		    uint64_t value, struct arena *arena)
{
	if (value != (uint64_t)field->absent)
		json_put_text(annotations, field->name,
			      arena_printf(arena, "%llu", (unsigned long long)value));
}

static void put_field(struct json_value *annotations, const struct oci_field *field,
		      const struct plan *plan, struct arena *arena)
{
	const void *at = (const char *)plan + field->offset;
	const char *text;

	switch (field->type) {
	case OCI_BOOL:
		if (*(const bool *)at)
			json_put_text(annotations, field->name, "true");
		return;
	case OCI_TEXT:
		text = *(const char *const *)at;
		if (text)
			json_put_text(annotations, field->name, text);
		return;
	case OCI_INT:
		put_number(annotations, field, *(const int *)at, arena);
		return;
	case OCI_U64:
		put_u64(annotations, field, *(const uint64_t *)at, arena);
		return;
	case OCI_CHOICE:
		if (*(const unsigned int *)at != (unsigned int)field->absent)
			json_put_text(annotations, field->name,
				      field->choices[*(const unsigned int *)at]);
		return;
	}
}

static void put_platforms(struct json_value *annotations,
			  const struct runtime_spec *runtime, struct arena *arena)
{
	if (runtime->platform_count)
		json_put_text(annotations, OCI_PLATFORM, platforms_text(runtime, arena));
}

static void put_keep_fds(struct json_value *annotations,
			 const struct process_spec *process, struct arena *arena)
{
	const char *list = NULL;

	for (size_t i = 0; i < process->keep_fd_count; i++)
		list = list ? arena_printf(arena, "%s,%d", list, process->keep_fds[i])
			    : arena_printf(arena, "%d", process->keep_fds[i]);
	if (list)
		json_put_text(annotations, OCI_KEEP_FDS, list);
}

char *oci_hex(const void *bytes, size_t size, struct arena *arena)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *from = bytes;
	char *text = arena_alloc(arena, size * 2 + 1);

	for (size_t i = 0; i < size; i++) {
		text[2 * i] = digits[from[i] >> 4];
		text[2 * i + 1] = digits[from[i] & 15];
	}
	return text;
}

static void put_root_annotations(struct json_value *annotations, const struct plan *plan)
{
	const struct rootfs_spec *rootfs = &plan->rootfs;

	json_put_text(annotations, OCI_ROOT_KIND, oci_root_kinds[kind_of_root(plan)]);
	json_put_text(annotations, OCI_ROOT_MODE, oci_root_modes[rootfs->mode]);
	if (!plan->image.operand && rootfs->kind != ROOT_DIRECTORY &&
	    rootfs->kind != ROOT_SERVED && rootfs->path)
		json_put_text(annotations, OCI_ROOT_PATH, rootfs->path);
}

static void put_origins(struct json_value *annotations, const struct plan *plan,
			struct arena *arena)
{
	for (size_t i = 0; i < plan->origin_count; i++) {
		const struct plan_origin *origin = &plan->origins[i];
		const char *key = arena_printf(arena, OCI_FROM "%s", origin->option);
		const char *before = NULL;
		struct error none;

		if (json_get_text(annotations, key, &before, &none) == 0)
			json_put_text(
				annotations, key,
				arena_printf(arena, "%s, %s", before, origin->from));
		else
			json_put_text(annotations, key, origin->from);
	}
}

static void put_annotations(struct json_value *document, const struct plan *plan,
			    struct arena *arena)
{
	struct json_value *annotations = json_put_object(document, "annotations");
	bool own_network = plan->namespaces.kinds[NS_NET].mode == NS_PRIVATE;
	const struct seccomp_program *seccomp = &plan->policy.filter.program;
	size_t count;
	const struct oci_field *fields = oci_fields(&count);

	put_root_annotations(annotations, plan);
	for (size_t i = 0; i < count; i++)
		put_field(annotations, &fields[i], plan, arena);
	put_keep_fds(annotations, &plan->process, arena);
	put_platforms(annotations, &plan->runtime, arena);
	if (plan->net.loopback != own_network)
		json_put_text(annotations, OCI_LOOPBACK,
			      plan->net.loopback ? "true" : "false");
	oci_put_net(annotations, &plan->net, arena);
	if (seccomp->count && !plan->policy.profile)
		json_put_text(annotations, OCI_SECCOMP,
			      oci_hex(seccomp->instructions, seccomp->count * 8, arena));
	put_origins(annotations, plan, arena);
	if (json_has_escapes(document))
		json_put_text(annotations, OCI_ESCAPED, "true");
}

/* ---- the document ------------------------------------------------------------------- */

struct json_value *oci_document(const struct plan *plan, struct arena *arena)
{
	struct json_value *document = json_make_object(arena);
	size_t covers;

	/* the oldest that has all of it, and the newest that older runtimes take */
	json_put_text(document, "ociVersion", "1.1.0");
	put_process(document, plan, arena);
	put_root(document, plan);
	if (plan->namespaces.hostname)
		json_put_text(document, "hostname", plan->namespaces.hostname);
	covers = oci_put_mounts(document, &plan->rootfs, arena);
	put_linux(document, plan, covers, arena);
	put_annotations(document, plan, arena);
	return document;
}

/*
 * The plan that no option gives. Where the current directory is one that cannot be shown,
 * the defaults are those with `--cwd off`.
 */
static int make_default_plan(struct plan *ret_plan)
{
	static const char *const plain[] = { "--no-config", "--", "/bin/sh", NULL };
	static const char *const elsewhere[] = { "--no-config", "--cwd=off", "--",
						 "/bin/sh", NULL };
	struct error err;

	if (plan_from_args(plain, NULL, true, ret_plan, &err) == 0)
		return 0;
	return plan_from_args(elsewhere, NULL, true, ret_plan, &err);
}

/* Where not even the defaults can be had here, everything differs from them. */
static struct json_value *difference_from_defaults(const struct json_value *document,
						   struct arena *arena)
{
	struct json_value *base = json_make_object(arena);
	struct plan plan = { 0 };

	if (make_default_plan(&plan) == 0) {
		plan.origin_count = 0;
		base = oci_document(&plan, arena);
	}
	plan_free(&plan);
	return oci_difference(document, base, arena);
}

const char *plan_to_oci(const struct plan *plan, bool diff, struct arena *arena)
{
	struct json_value *document = oci_document(plan, arena);

	if (diff)
		document = difference_from_defaults(document, arena);
	return json_write(document, JSON_LAYOUT_LINES, arena);
}
