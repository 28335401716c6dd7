/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The member "linux" of a container's configuration (config-linux.md), but for its mounts,
 * devices and resources.
 */
#include "plan/from_oci.h"

#include <string.h>
#include <sys/mount.h>

#include "base/error.h"
#include "base/json.h"
#include "plan/internal.h"
#include "policy/profile.h"

/* What needs hardware or the power of the host's root, and is not done by halves. */
static const char *const refused[] = { "intelRdt", "memoryPolicy", "netDevices", NULL };

/* ---- namespaces and ids --------------------------------------------------------------- */

/* Without one of its own the mounts of a container would be the host's. */
static int check_mount_namespace(const struct oci_reader *reader,
				 const struct json_value *linux_part, struct error *err)
{
	if (reader->plan->namespaces.kinds[NS_MOUNT].mode == NS_PRIVATE)
		return 0;
	json_complain(linux_part ? linux_part : reader->document, err,
		      "namespaces needs a new one of type mount");
	return error_hint(err, "put {\"type\": \"mount\"} into linux.namespaces");
}

/* The namespace that is joined has its maps; engines write some all the same. */
static void ignore_maps(struct oci_reader *reader, const struct json_value *linux_part)
{
	static const char *const keys[] = { "uidMappings", "gidMappings" };

	for (size_t i = 0; i < 2; i++) {
		if (json_count(json_get(linux_part, keys[i])))
			oci_ignore(reader, json_get(linux_part, keys[i]),
				   "the user namespace that is joined has its own");
	}
	reader->plan->ids.uids.count = reader->plan->ids.gids.count = 0;
}

static int refuse_maps(const struct json_value *linux_part, const char *key,
		       struct error *err)
{
	json_complain(json_get(linux_part, key), err, "needs a namespace of type user");
	return error_hint(err, "put {\"type\": \"user\"} into linux.namespaces");
}

/* Maps of the configuration are checked, and where there is none both are made. */
static int settle_maps(struct oci_reader *reader, const struct json_value *linux_part,
		       struct error *err)
{
	struct ids_spec *ids = &reader->plan->ids;

	if (!ids->uids.count && !ids->gids.count) {
		if (expand_container_ids(reader->plan, err) < 0)
			return -1;
		if (ids->uids.count == 1 && ids->uids.ranges[0].count == 1)
			oci_ignore(reader, linux_part,
				   "one id is mapped: there are no others, or nobody "
				   "maps them (sbx doctor tells)");
		return 0;
	}
	if (!ids->uids.count || !ids->gids.count)
		return json_complain(linux_part, err, "%s is missing",
				     ids->uids.count ? "gidMappings" : "uidMappings");
	if (id_map_check(&ids->uids, err) < 0)
		return error_within(err, "linux.uidMappings");
	if (id_map_check(&ids->gids, err) < 0)
		return error_within(err, "linux.gidMappings");
	return 0;
}

static int read_ids(struct oci_reader *reader, const struct json_value *linux_part,
		    struct error *err)
{
	struct ids_spec *ids = &reader->plan->ids;

	if (oci_read_id_map(reader, linux_part, "uidMappings", &ids->uids, err) < 0 ||
	    oci_read_id_map(reader, linux_part, "gidMappings", &ids->gids, err) < 0)
		return -1;
	switch (reader->plan->namespaces.kinds[NS_USER].mode) {
	case NS_PRIVATE:
		return settle_maps(reader, linux_part, err);
	case NS_JOINED:
		ignore_maps(reader, linux_part);
		return 0;
	case NS_SHARED:
		break;
	}
	if (ids->uids.count)
		return refuse_maps(linux_part, "uidMappings", err);
	return ids->gids.count ? refuse_maps(linux_part, "gidMappings", err) : 0;
}

/* ---- clocks --------------------------------------------------------------------------- */

static int read_offset(const struct json_value *offsets, const char *key,
		       struct time_offset *ret_offset, struct error *err)
{
	enum { NANOSECONDS_LAST = 999999999 };
	const struct json_value *object = NULL;
	struct time_offset offset = { 0 };
	uint64_t nanoseconds = 0;

	if (json_get_object(offsets, key, &object, err) < 0 ||
	    json_get_integer(object, "secs", INT64_MIN, INT64_MAX, &offset.seconds, err) <
		    0 ||
	    json_get_unsigned(object, "nanosecs", NANOSECONDS_LAST, &nanoseconds, err) <
		    0)
		return -1;
	offset.nanoseconds = (uint32_t)nanoseconds;
	*ret_offset = offset;
	return 0;
}

static int read_clocks(struct oci_reader *reader, const struct json_value *linux_part,
		       struct error *err)
{
	struct namespaces_spec *spec = &reader->plan->namespaces;
	const struct json_value *offsets = NULL;

	if (json_get_object(linux_part, "timeOffsets", &offsets, err) < 0)
		return -1;
	if (!json_count(offsets))
		return 0;
	if (!spec->new_time) {
		json_complain(offsets, err, "needs a new namespace of type time");
		return error_hint(err, "put {\"type\": \"time\"} into linux.namespaces");
	}
	if (read_offset(offsets, "monotonic", &spec->monotonic, err) < 0)
		return -1;
	return read_offset(offsets, "boottime", &spec->boottime, err);
}

/* ---- the filter ----------------------------------------------------------------------- */

static int compile_filter(struct oci_reader *reader, const struct json_value *object,
			  struct error *err)
{
	struct policy_spec *policy = &reader->plan->policy;
	const struct profile_conditions conditions = {
		.caps = policy->caps.kept,
		.kernel = profile_kernel(),
	};

	policy->kernel = conditions.kernel;
	if (profile_compile(policy->profile, &conditions, false, BACKEND_SBX,
			    reader->arena, &policy->filter, NULL, err) < 0)
		return error_within(err, "linux.seccomp");
	if (!policy->filter.notifies || reader->plan->container.listener_path)
		return 0;
	json_complain(object, err, "SCMP_ACT_NOTIFY needs listenerPath");
	return error_hint(err, "name the socket of who answers, or take the action out");
}

/* For run.oci.seccomp_fail_unknown_syscall. */
static int check_names(const struct json_value *object, struct error *err)
{
	const struct json_value *rules = json_get(object, "syscalls");

	for (size_t i = 0; i < json_count(rules); i++) {
		const struct json_value *names = json_get(json_at(rules, i), "names");

		for (size_t j = 0; j < json_count(names); j++) {
			const char *name;

			if (json_want_text(json_at(names, j), &name, err) < 0)
				return -1;
			if (!call_is_known(name))
				return json_complain(json_at(names, j), err,
						     "no system call that is known here");
		}
	}
	return 0;
}

static int read_listener(struct oci_reader *reader, const struct json_value *object,
			 struct error *err)
{
	struct container_spec *container = &reader->plan->container;
	const char *path = NULL;

	if (json_get_text(object, "listenerPath", &path, err) < 0 ||
	    json_get_text(object, "listenerMetadata", &container->listener_metadata,
			  err) < 0)
		return -1;
	if (path && path[0])
		container->listener_path = oci_absolute(reader, path);
	return 0;
}

/* A filter of an annotation takes its place, as with other runtimes. */
static int read_seccomp(struct oci_reader *reader, const struct json_value *linux_part,
			struct error *err)
{
	struct policy_spec *policy = &reader->plan->policy;
	const struct json_value *object = NULL;

	if (json_get_object(linux_part, "seccomp", &object, err) < 0)
		return -1;
	if (!json_count(object))
		return 0;
	if (policy->filter.program.count) {
		oci_ignore(reader, object, "an annotation has another filter");
		return 0;
	}
	if (read_listener(reader, object, err) < 0)
		return -1;
	if (reader->runs_already)
		return 0;
	if ((reader->strict_calls && check_names(object, err) < 0) ||
	    profile_read_json(object, reader->name, reader->arena, &policy->profile,
			      err) < 0)
		return -1;
	return compile_filter(reader, object, err);
}

/* ---- the rest ------------------------------------------------------------------------- */

static int read_propagation(struct oci_reader *reader,
			    const struct json_value *linux_part, struct error *err)
{
	const char *word = NULL;
	const struct oci_word_row *row;

	if (json_get_text(linux_part, "rootfsPropagation", &word, err) < 0)
		return -1;
	if (!word || !word[0])
		return 0;
	row = oci_mount_word(word);
	if (!row || row->effect != OCI_WORD_PROPAGATION)
		return json_complain(json_get(linux_part, "rootfsPropagation"), err,
				     "not private, slave, shared or unbindable");
	/* runtimes take both spellings for the whole tree */
	reader->plan->rootfs.propagation = (unsigned long)row->set | MS_REC;
	return 0;
}

/* personality(2) */
static int read_personality(struct oci_reader *reader,
			    const struct json_value *linux_part, struct error *err)
{
	enum { DOMAIN_LINUX32 = 0x0008 };
	struct process_spec *process = &reader->plan->process;
	const struct json_value *object = NULL, *flags;
	const char *domain = NULL;
	size_t count;

	if (json_get_object(linux_part, "personality", &object, err) < 0 ||
	    json_get_text(object, "domain", &domain, err) < 0 ||
	    oci_get_list(object, "flags", &flags, &count, err) < 0)
		return -1;
	if (count)
		return json_complain(flags, err, "the specification has no flag yet");
	if (!domain || !domain[0])
		return 0;
	if (strcmp(domain, "LINUX") != 0 && strcmp(domain, "LINUX32") != 0)
		return json_complain(json_get(object, "domain"), err,
				     "neither LINUX nor LINUX32");
	process->has_personality = true;
	process->personality = domain[5] ? DOMAIN_LINUX32 : 0;
	return 0;
}

static int check_sysctls(const struct oci_reader *reader,
			 const struct json_value *linux_part, struct error *err)
{
	struct namespaces_spec spec = reader->plan->namespaces;

	/* Those of a namespace that is joined are written there. */
	for (int i = 0; i < NS_COUNT; i++) {
		if (spec.kinds[i].mode == NS_JOINED)
			spec.kinds[i].mode = NS_PRIVATE;
	}
	for (size_t i = 0; i < spec.sysctl_count; i++) {
		if (sysctl_check(&spec, spec.sysctls[i].key, err) < 0)
			return error_within(
				err, "%s",
				json_path(json_get(linux_part, "sysctl"), reader->arena));
	}
	return 0;
}

static int read_resources(struct oci_reader *reader, const struct json_value *linux_part,
			  struct error *err)
{
	struct container_spec *container = &reader->plan->container;
	const struct json_value *resources = NULL;

	if (json_get_text(linux_part, "cgroupsPath", &container->cgroups_path, err) < 0 ||
	    json_get_object(linux_part, "resources", &resources, err) < 0)
		return -1;
	if (container->cgroups_path && !container->cgroups_path[0])
		container->cgroups_path = NULL;
	return oci_read_cgroup_resources(reader, resources, &container->resources,
					 &container->has_resources, err);
}

int oci_read_container_linux(struct oci_reader *reader, struct error *err)
{
	const struct json_value *linux_part = NULL;
	struct plan *plan = reader->plan;

	if (json_get_object(reader->document, "linux", &linux_part, err) < 0 ||
	    oci_refuse_members(linux_part, refused, err) < 0 ||
	    check_mount_namespace(reader, linux_part, err) < 0 ||
	    read_ids(reader, linux_part, err) < 0 ||
	    read_clocks(reader, linux_part, err) < 0 ||
	    read_propagation(reader, linux_part, err) < 0 ||
	    read_personality(reader, linux_part, err) < 0 ||
	    read_resources(reader, linux_part, err) < 0 ||
	    json_get_text(linux_part, "mountLabel", &plan->rootfs.label, err) < 0 ||
	    oci_read_sysctls(reader, linux_part, err) < 0 ||
	    check_sysctls(reader, linux_part, err) < 0)
		return -1;
	if (plan->rootfs.label && !plan->rootfs.label[0])
		plan->rootfs.label = NULL;
	plan->net.loopback = plan->namespaces.kinds[NS_NET].mode == NS_PRIVATE;
	return read_seccomp(reader, linux_part, err);
}
