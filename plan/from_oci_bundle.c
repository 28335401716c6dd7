/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A bundle's config.json as the plan of a container (runtime-spec, config.md). The readers
 * are those of `sbx run --config` where both mean the same. Here no annotation of ours
 * counts, because engines let others write them, and what the specification only wants to
 * be warned of is listed.
 */
#include "plan/from_oci.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "plan/internal.h"

/* ---- what is not obeyed --------------------------------------------------------------- */

/* Configurations of other platforms may stand beside linux (config.md). */
static void ignore_platforms(struct oci_reader *reader)
{
	static const char *const platforms[] = { "windows", "solaris", "freebsd", "zos",
						 "vm" };

	for (size_t i = 0; i < sizeof(platforms) / sizeof(platforms[0]); i++) {
		const struct json_value *value = json_get(reader->document, platforms[i]);

		if (value && json_kind_of(value) != JSON_KIND_NULL)
			oci_ignore(reader, value, "of another platform");
	}
}

/* ---- the top -------------------------------------------------------------------------- */

/*
 * The directory itself, whatever links lead to it: the state tells it to others. No errno
 * stands in the text, because engines look for some of them as reasons of the command.
 */
static int find_root(struct oci_reader *reader, const struct json_value *value,
		     const char *path, struct error *err)
{
	const char *absolute = oci_absolute(reader, path);
	char real[PATH_MAX];

	if (realpath(absolute, real)) {
		reader->plan->rootfs.path = arena_strdup(reader->arena, real);
		return 0;
	}
	if (errno != ENOENT && errno != ENOTDIR) {
		json_complain(value, err, "%s is out of reach", absolute);
		err->id = ERROR_ROOT_NOT_DIRECTORY;
		return error_hint(
			err,
			"every directory on the way has to be open (x) to this user");
	}
	json_complain(value, err, "there is no directory %s", absolute);
	err->id = ERROR_ROOT_NOT_DIRECTORY;
	return error_hint(err,
			  "mkdir it and unpack a root file system there: docker export "
			  "CONTAINER | tar -x -C %s -f -",
			  path);
}

static int read_root(struct oci_reader *reader, struct error *err)
{
	struct rootfs_spec *rootfs = &reader->plan->rootfs;
	const struct json_value *root = NULL;
	const char *path = NULL;
	bool readonly = false;
	int found = json_get_object(reader->document, "root", &root, err);

	if (found < 0)
		return -1;
	if (found > 0)
		return json_complain(reader->document, err, "root is missing");
	if (json_get_text(root, "path", &path, err) < 0 ||
	    json_get_bool(root, "readonly", &readonly, err) < 0)
		return -1;
	if (!path || !path[0])
		return json_complain(root, err, "path is missing");
	rootfs->kind = ROOT_DIRECTORY;
	rootfs->mode = readonly ? ROOT_RO : ROOT_RW;
	rootfs->container = true;
	return find_root(reader, json_get(root, "path"), path, err);
}

/* A name is set in a namespace of the container's own or in one that it joins. */
static int read_name(struct oci_reader *reader, const char *key, const char **ret_name,
		     struct error *err)
{
	enum { NAME_BYTES_MAX = 64 }; /* sethostname(2) */
	const char *name = NULL;

	if (json_get_text(reader->document, key, &name, err) < 0)
		return -1;
	if (!name || !name[0])
		return 0;
	if (strlen(name) > NAME_BYTES_MAX)
		return json_complain(json_get(reader->document, key), err,
				     "longer than %d bytes", NAME_BYTES_MAX);
	if (reader->plan->namespaces.kinds[NS_UTS].mode == NS_SHARED) {
		json_complain(json_get(reader->document, key), err,
			      "needs a namespace of type uts");
		return error_hint(err,
				  "put {\"type\": \"uts\"} into linux.namespaces, or "
				  "take %s out",
				  key);
	}
	*ret_name = name;
	return 0;
}

/* ---- process -------------------------------------------------------------------------- */

static bool has_variable(const struct process_spec *process, const char *name)
{
	const size_t length = strlen(name);

	for (size_t i = 0; i < process->env_count; i++) {
		if (!strncmp(process->env[i], name, length) &&
		    process->env[i][length] == '=')
			return true;
	}
	return false;
}

static int read_process(struct oci_reader *reader, const struct json_value *object,
			struct error *err)
{
	struct process_spec *process = &reader->plan->process;

	process->no_init = true;
	process->stop_signal = SIGTERM;
	if (json_get(object, "commandLine"))
		oci_ignore(reader, json_get(object, "commandLine"),
			   "of another platform");
	if (json_get(json_get(object, "user"), "username"))
		oci_ignore(reader, json_get(json_get(object, "user"), "username"),
			   "of another platform");
	if (oci_read_command(reader, object, err) < 0 ||
	    oci_read_capability_sets(reader, object, err) < 0 ||
	    oci_read_schedule(reader, object, err) < 0)
		return -1;
	if (!process->argc || !process->argv[0][0])
		return json_complain(object, err, "args is missing or empty");
	process->env_home = !has_variable(process, "HOME");
	return 0;
}

static int get_process(struct oci_reader *reader, const struct json_value **ret_object,
		       struct error *err)
{
	int found = json_get_object(reader->document, "process", ret_object, err);

	if (found > 0)
		return json_complain(reader->document, err, "process is missing");
	return found;
}

/* ---- the whole ------------------------------------------------------------------------ */

static void set_defaults(struct plan *plan)
{
	plan->life.ready_fd = plan->life.status_fd = -1;
}

static int read_parts(struct oci_reader *reader, struct error *err)
{
	struct plan *plan = reader->plan;
	const struct json_value *process = NULL;

	if (oci_check_version(reader->document, err) < 0 ||
	    json_get_text(reader->document, "ociVersion", &plan->container.version, err) <
		    0 ||
	    json_get_object(reader->document, "annotations", &reader->annotations, err) <
		    0 ||
	    read_root(reader, err) < 0 || get_process(reader, &process, err) < 0)
		return -1;
	if (oci_read_container_annotations(reader, err) < 0 ||
	    oci_read_namespaces(reader, json_get(reader->document, "linux"), err) < 0 ||
	    read_process(reader, process, err) < 0 ||
	    oci_read_container_linux(reader, err) < 0 ||
	    read_name(reader, "hostname", &plan->namespaces.hostname, err) < 0 ||
	    read_name(reader, "domainname", &plan->namespaces.domainname, err) < 0 ||
	    oci_read_container_mounts(reader, err) < 0)
		return -1;
	ignore_platforms(reader);
	return oci_read_hooks(reader, err);
}

static int read_document(const char *text, size_t length, struct oci_reader *reader,
			 struct error *err)
{
	reader->document = json_read(text, length, reader->name, reader->arena, err);
	if (!reader->document)
		return -1;
	if (json_want_kind(reader->document, JSON_KIND_OBJECT, err) < 0)
		return error_within(err, "read %s", reader->name);
	return 0;
}

static int read_bundle(const char *text, size_t length, const char *name,
		       const char *bundle, bool runs_already, struct plan *ret_plan,
		       struct error *err)
{
	struct plan plan = { .container = { .given = true } };
	struct oci_reader reader = {
		.arena = &plan.arena,
		.name = name,
		.plan = &plan,
		.container = true,
		.runs_already = runs_already,
	};

	set_defaults(&plan);
	reader.bundle = bundle ? arena_strdup(&plan.arena, bundle)
			       : oci_find_bundle(name, &plan.arena);
	plan.container.bundle = reader.bundle;
	if (read_document(text, length, &reader, err) < 0) {
		plan_free(&plan);
		return -1;
	}
	if (read_parts(&reader, err) < 0) {
		error_within(err, "read %s", name);
		plan_free(&plan);
		return -1;
	}
	oci_list_unknown(&reader);
	plan.container.ignored = oci_ignored(&reader);
	*ret_plan = plan;
	return 0;
}

int plan_from_bundle(const char *text, size_t length, const char *name,
		     const char *bundle, struct plan *ret_plan, struct error *err)
{
	return read_bundle(text, length, name, bundle, false, ret_plan, err);
}

int plan_from_created(const char *text, size_t length, const char *name,
		      struct plan *ret_plan, struct error *err)
{
	return read_bundle(text, length, name, NULL, true, ret_plan, err);
}

/* Limits of a cgroup, Landlock and the filter are those of the container. */
int plan_set_process(const char *text, size_t length, const char *name, struct plan *plan,
		     struct error *err)
{
	struct plan read = { .ids = plan->ids,
			     .namespaces = plan->namespaces,
			     .rootfs = plan->rootfs };
	struct oci_reader reader = {
		.arena = &plan->arena, .name = name, .plan = &read, .container = true
	};

	reader.bundle = plan->container.bundle;
	if (read_document(text, length, &reader, err) < 0)
		return -1;
	if (read_process(&reader, reader.document, err) < 0)
		return error_within(err, "read %s", name);
	plan->process = read.process;
	plan->policy.caps = read.policy.caps;
	plan->policy.limits.rlimits = read.policy.limits.rlimits;
	plan->policy.limits.rlimit_count = read.policy.limits.rlimit_count;
	plan->policy.limits.has_oom_score_adj = read.policy.limits.has_oom_score_adj;
	plan->policy.limits.oom_score_adj = read.policy.limits.oom_score_adj;
	plan->container.ignored = oci_ignored(&reader);
	return 0;
}

int plan_read_resources(const char *text, size_t length, const char *name,
			struct arena *arena, struct cgroup_resources *ret_resources,
			struct error *err)
{
	struct oci_reader reader = { .arena = arena, .name = name, .container = true };
	bool any;

	if (read_document(text, length, &reader, err) < 0)
		return -1;
	if (oci_read_cgroup_resources(&reader, reader.document, ret_resources, &any,
				      err) < 0)
		return error_within(err, "read %s", name);
	return 0;
}
