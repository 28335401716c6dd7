/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Members that the specification does not know are passed over, as it demands; whoever
 * wants to know finds them listed. linux.seccomp has a reader of its own, which notes its.
 */
#include "plan/from_oci.h"

#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/text.h"
#include "plan/oci_spelling.h"

/*
 * The members of each object that has any of a fixed name: what they are called, and which
 * of these objects each leads to (0: what is below says itself what it is). Of an array
 * its elements are meant.
 */
enum node {
	ANY,
	TOP,
	ROOT,
	PROCESS,
	CONSOLE,
	USER,
	CAPABILITIES,
	IO,
	SCHEDULER,
	RLIMIT,
	AFFINITY,
	MOUNT,
	MAPPING,
	HOOKS,
	HOOK,
	LINUX,
	DEVICE,
	NAMESPACE,
	OFFSETS,
	OFFSET,
	PERSONALITY,
	RESOURCES,
	RULE,
	PIDS,
	BLOCK,
	WEIGHT,
	THROTTLE,
	CPU,
	PAGES,
	MEMORY,
	NETWORK,
	PRIORITY,
};

static const struct member {
	unsigned char of, leads_to;
	const char *key;
} members[] = {
	{ TOP, ANY, "ociVersion" },
	{ TOP, ROOT, "root" },
	{ TOP, PROCESS, "process" },
	{ TOP, ANY, "hostname" },
	{ TOP, ANY, "domainname" },
	{ TOP, MOUNT, "mounts" },
	{ TOP, HOOKS, "hooks" },
	{ TOP, ANY, "annotations" },
	{ TOP, LINUX, "linux" },
	{ TOP, ANY, "windows" },
	{ TOP, ANY, "solaris" },
	{ TOP, ANY, "freebsd" },
	{ TOP, ANY, "zos" },
	{ TOP, ANY, "vm" },
	{ ROOT, ANY, "path" },
	{ ROOT, ANY, "readonly" },
	{ PROCESS, ANY, "terminal" },
	{ PROCESS, CONSOLE, "consoleSize" },
	{ PROCESS, ANY, "cwd" },
	{ PROCESS, ANY, "env" },
	{ PROCESS, ANY, "args" },
	{ PROCESS, ANY, "commandLine" },
	{ PROCESS, USER, "user" },
	{ PROCESS, CAPABILITIES, "capabilities" },
	{ PROCESS, RLIMIT, "rlimits" },
	{ PROCESS, ANY, "noNewPrivileges" },
	{ PROCESS, ANY, "apparmorProfile" },
	{ PROCESS, ANY, "selinuxLabel" },
	{ PROCESS, ANY, "oomScoreAdj" },
	{ PROCESS, SCHEDULER, "scheduler" },
	{ PROCESS, IO, "ioPriority" },
	{ PROCESS, AFFINITY, "execCPUAffinity" },
	{ CONSOLE, ANY, "height" },
	{ CONSOLE, ANY, "width" },
	{ USER, ANY, "uid" },
	{ USER, ANY, "gid" },
	{ USER, ANY, "umask" },
	{ USER, ANY, "additionalGids" },
	{ USER, ANY, "username" },
	{ CAPABILITIES, ANY, "bounding" },
	{ CAPABILITIES, ANY, "permitted" },
	{ CAPABILITIES, ANY, "effective" },
	{ CAPABILITIES, ANY, "inheritable" },
	{ CAPABILITIES, ANY, "ambient" },
	{ IO, ANY, "class" },
	{ IO, ANY, "priority" },
	{ SCHEDULER, ANY, "policy" },
	{ SCHEDULER, ANY, "nice" },
	{ SCHEDULER, ANY, "priority" },
	{ SCHEDULER, ANY, "flags" },
	{ SCHEDULER, ANY, "runtime" },
	{ SCHEDULER, ANY, "deadline" },
	{ SCHEDULER, ANY, "period" },
	{ RLIMIT, ANY, "type" },
	{ RLIMIT, ANY, "soft" },
	{ RLIMIT, ANY, "hard" },
	{ AFFINITY, ANY, "initial" },
	{ AFFINITY, ANY, "final" },
	{ MOUNT, ANY, "destination" },
	{ MOUNT, ANY, "type" },
	{ MOUNT, ANY, "source" },
	{ MOUNT, ANY, "options" },
	{ MOUNT, MAPPING, "uidMappings" },
	{ MOUNT, MAPPING, "gidMappings" },
	{ MAPPING, ANY, "containerID" },
	{ MAPPING, ANY, "hostID" },
	{ MAPPING, ANY, "size" },
	{ HOOKS, HOOK, "prestart" },
	{ HOOKS, HOOK, "createRuntime" },
	{ HOOKS, HOOK, "createContainer" },
	{ HOOKS, HOOK, "startContainer" },
	{ HOOKS, HOOK, "poststart" },
	{ HOOKS, HOOK, "poststop" },
	{ HOOK, ANY, "path" },
	{ HOOK, ANY, "args" },
	{ HOOK, ANY, "env" },
	{ HOOK, ANY, "timeout" },
	{ LINUX, DEVICE, "devices" },
	{ LINUX, ANY, "netDevices" },
	{ LINUX, MAPPING, "uidMappings" },
	{ LINUX, MAPPING, "gidMappings" },
	{ LINUX, NAMESPACE, "namespaces" },
	{ LINUX, RESOURCES, "resources" },
	{ LINUX, ANY, "cgroupsPath" },
	{ LINUX, ANY, "rootfsPropagation" },
	{ LINUX, ANY, "seccomp" },
	{ LINUX, ANY, "sysctl" },
	{ LINUX, ANY, "maskedPaths" },
	{ LINUX, ANY, "readonlyPaths" },
	{ LINUX, ANY, "mountLabel" },
	{ LINUX, ANY, "intelRdt" },
	{ LINUX, ANY, "memoryPolicy" },
	{ LINUX, PERSONALITY, "personality" },
	{ LINUX, OFFSETS, "timeOffsets" },
	{ DEVICE, ANY, "type" },
	{ DEVICE, ANY, "path" },
	{ DEVICE, ANY, "fileMode" },
	{ DEVICE, ANY, "major" },
	{ DEVICE, ANY, "minor" },
	{ DEVICE, ANY, "uid" },
	{ DEVICE, ANY, "gid" },
	{ NAMESPACE, ANY, "type" },
	{ NAMESPACE, ANY, "path" },
	{ OFFSETS, OFFSET, "monotonic" },
	{ OFFSETS, OFFSET, "boottime" },
	{ OFFSET, ANY, "secs" },
	{ OFFSET, ANY, "nanosecs" },
	{ PERSONALITY, ANY, "domain" },
	{ PERSONALITY, ANY, "flags" },
	{ RESOURCES, ANY, "unified" },
	{ RESOURCES, RULE, "devices" },
	{ RESOURCES, PIDS, "pids" },
	{ RESOURCES, BLOCK, "blockIO" },
	{ RESOURCES, CPU, "cpu" },
	{ RESOURCES, PAGES, "hugepageLimits" },
	{ RESOURCES, MEMORY, "memory" },
	{ RESOURCES, NETWORK, "network" },
	{ RESOURCES, ANY, "rdma" },
	{ RULE, ANY, "allow" },
	{ RULE, ANY, "type" },
	{ RULE, ANY, "major" },
	{ RULE, ANY, "minor" },
	{ RULE, ANY, "access" },
	{ PIDS, ANY, "limit" },
	{ BLOCK, ANY, "weight" },
	{ BLOCK, ANY, "leafWeight" },
	{ BLOCK, WEIGHT, "weightDevice" },
	{ BLOCK, THROTTLE, "throttleReadBpsDevice" },
	{ BLOCK, THROTTLE, "throttleWriteBpsDevice" },
	{ BLOCK, THROTTLE, "throttleReadIOPSDevice" },
	{ BLOCK, THROTTLE, "throttleWriteIOPSDevice" },
	{ WEIGHT, ANY, "major" },
	{ WEIGHT, ANY, "minor" },
	{ WEIGHT, ANY, "weight" },
	{ WEIGHT, ANY, "leafWeight" },
	{ THROTTLE, ANY, "major" },
	{ THROTTLE, ANY, "minor" },
	{ THROTTLE, ANY, "rate" },
	{ CPU, ANY, "cpus" },
	{ CPU, ANY, "mems" },
	{ CPU, ANY, "period" },
	{ CPU, ANY, "quota" },
	{ CPU, ANY, "burst" },
	{ CPU, ANY, "realtimePeriod" },
	{ CPU, ANY, "realtimeRuntime" },
	{ CPU, ANY, "shares" },
	{ CPU, ANY, "idle" },
	{ PAGES, ANY, "pageSize" },
	{ PAGES, ANY, "limit" },
	{ MEMORY, ANY, "kernel" },
	{ MEMORY, ANY, "kernelTCP" },
	{ MEMORY, ANY, "limit" },
	{ MEMORY, ANY, "reservation" },
	{ MEMORY, ANY, "swap" },
	{ MEMORY, ANY, "swappiness" },
	{ MEMORY, ANY, "disableOOMKiller" },
	{ MEMORY, ANY, "useHierarchy" },
	{ MEMORY, ANY, "checkBeforeUpdate" },
	{ NETWORK, ANY, "classID" },
	{ NETWORK, PRIORITY, "priorities" },
	{ PRIORITY, ANY, "name" },
	{ PRIORITY, ANY, "priority" },
};

static const struct member *find_member(enum node node, const char *key)
{
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		if (members[i].of == node && !strcmp(members[i].key, key))
			return &members[i];
	}
	return NULL;
}

static void look_below(struct oci_reader *reader, const struct json_value *value,
		       enum node node);

static void look_at(struct oci_reader *reader, const struct json_value *object,
		    enum node node)
{
	for (size_t i = 0; i < json_count(object); i++) {
		const char *key = json_key_at(object, i);
		const struct member *member = find_member(node, key);

		if (member)
			look_below(reader, json_at(object, i),
				   (enum node)member->leads_to);
		else if (node != MOUNT || reader->container ||
			 !text_starts_with(key, OCI_OWN))
			oci_ignore(reader, json_at(object, i), "no member is called so");
	}
}

static void look_below(struct oci_reader *reader, const struct json_value *value,
		       enum node node)
{
	if (node == ANY)
		return;
	if (json_kind_of(value) == JSON_KIND_OBJECT) {
		look_at(reader, value, node);
		return;
	}
	for (size_t i = 0;
	     json_kind_of(value) == JSON_KIND_ARRAY && i < json_count(value); i++) {
		if (json_kind_of(json_at(value, i)) == JSON_KIND_OBJECT)
			look_at(reader, json_at(value, i), node);
	}
}

void oci_list_unknown(struct oci_reader *reader)
{
	look_below(reader, reader->document, TOP);
}

/* ---- the list ------------------------------------------------------------------------- */

/* More is nobody's reading, and each costs a walk to its place. */
enum { LINES_MAX = 1000 };

static void list(struct oci_reader *reader, const char *line)
{
	reader->ignored = arena_grow(reader->arena, reader->ignored,
				     reader->ignored_count, sizeof(*reader->ignored));
	reader->ignored[reader->ignored_count++] = line;
}

void oci_ignore(struct oci_reader *reader, const struct json_value *value,
		const char *why)
{
	if (reader->ignored_count == LINES_MAX)
		return;
	list(reader,
	     arena_printf(reader->arena, "%s: %s", json_path(value, reader->arena), why));
}

const char *const *oci_ignored(struct oci_reader *reader)
{
	list(reader, NULL);
	return reader->ignored;
}
