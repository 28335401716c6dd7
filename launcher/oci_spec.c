/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `sbx-oci spec`: a config.json that is valid by the specification, runs under any runtime
 * and gives a shell in ./rootfs.
 *
 * An ordinary user gets a user namespace in which its one id is root's: no other id, no
 * cgroup, no device, and the host's /sys, read-only, because a new one may not be mounted
 * where the host's is partly covered. There is a network namespace in both: a higher layer
 * may put something into it between create and start.
 */
#include "launcher/oci.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/json.h"
#include "plan/plan.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static const char usage[] = "spec [-b DIR] [--rootless]";

enum audience { FOR_BOTH, FOR_ROOT, FOR_ROOTLESS };

static const struct mount_row {
	enum audience audience;
	const char *destination, *type, *source;
	const char *const options[6];
} mounts[] = {
	{ FOR_BOTH, "/proc", "proc", "proc", { "nosuid", "noexec", "nodev" } },
	{ FOR_BOTH,
	  "/dev",
	  "tmpfs",
	  "tmpfs",
	  { "nosuid", "strictatime", "mode=755", "size=65536k" } },
	{ FOR_ROOT,
	  "/dev/pts",
	  "devpts",
	  "devpts",
	  { "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5" } },
	{ FOR_ROOTLESS,
	  "/dev/pts",
	  "devpts",
	  "devpts",
	  { "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620" } },
	{ FOR_BOTH,
	  "/dev/shm",
	  "tmpfs",
	  "shm",
	  { "nosuid", "noexec", "nodev", "mode=1777", "size=65536k" } },
	{ FOR_BOTH, "/dev/mqueue", "mqueue", "mqueue", { "nosuid", "noexec", "nodev" } },
	{ FOR_ROOT, "/sys", "sysfs", "sysfs", { "nosuid", "noexec", "nodev", "ro" } },
	{ FOR_ROOTLESS,
	  "/sys",
	  "none",
	  "/sys",
	  { "rbind", "nosuid", "noexec", "nodev", "ro" } },
	{ FOR_ROOT,
	  "/sys/fs/cgroup",
	  "cgroup",
	  "cgroup",
	  { "nosuid", "noexec", "nodev", "relatime", "ro" } },
};

static const char *const shell[] = { "sh", NULL };

static const char *const environment[] = {
	"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
	"TERM=xterm",
	NULL,
};

static const char *const capabilities[] = { "CAP_AUDIT_WRITE", "CAP_KILL",
					    "CAP_NET_BIND_SERVICE", NULL };

static const char *const capability_sets[] = { "bounding", "effective", "permitted",
					       NULL };

static const char *const namespaces[] = { "pid",   "network", "ipc", "uts",
					  "mount", "cgroup",  NULL };

/* What lets the root of the host do something to it. */
static const char *const read_only[] = {
	"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger", NULL,
};

static void put_texts(struct json_value *parent, const char *key,
		      const char *const *texts)
{
	struct json_value *list = json_put_array(parent, key);

	for (; *texts; texts++)
		json_put_text(list, NULL, *texts);
}

static void put_process(struct json_value *spec)
{
	struct json_value *process = json_put_object(spec, "process");
	struct json_value *user, *sets, *limit;

	json_put_bool(process, "terminal", true);
	user = json_put_object(process, "user");
	json_put_integer(user, "uid", 0);
	json_put_integer(user, "gid", 0);
	put_texts(process, "args", shell);
	put_texts(process, "env", environment);
	json_put_text(process, "cwd", "/");
	sets = json_put_object(process, "capabilities");
	for (const char *const *set = capability_sets; *set; set++)
		put_texts(sets, *set, capabilities);
	limit = json_put_object(json_put_array(process, "rlimits"), NULL);
	json_put_text(limit, "type", "RLIMIT_NOFILE");
	json_put_integer(limit, "hard", 1024);
	json_put_integer(limit, "soft", 1024);
	json_put_bool(process, "noNewPrivileges", true);
}

static void put_mounts(struct json_value *spec, bool rootless)
{
	const enum audience other = rootless ? FOR_ROOT : FOR_ROOTLESS;
	struct json_value *list = json_put_array(spec, "mounts");

	for (size_t i = 0; i < sizeof(mounts) / sizeof(*mounts); i++) {
		const struct mount_row *row = &mounts[i];
		struct json_value *mount, *options;

		if (row->audience == other)
			continue;
		mount = json_put_object(list, NULL);
		json_put_text(mount, "destination", row->destination);
		json_put_text(mount, "type", row->type);
		json_put_text(mount, "source", row->source);
		options = json_put_array(mount, "options");
		for (size_t n = 0; n < sizeof(row->options) / sizeof(*row->options); n++)
			if (row->options[n])
				json_put_text(options, NULL, row->options[n]);
	}
}

static void put_map(struct json_value *object, const char *key, unsigned int outside)
{
	struct json_value *map = json_put_object(json_put_array(object, key), NULL);

	json_put_integer(map, "containerID", 0);
	json_put_integer(map, "hostID", outside);
	json_put_integer(map, "size", 1);
}

static void put_devices(struct json_value *object)
{
	struct json_value *resources = json_put_object(object, "resources");
	struct json_value *rule =
		json_put_object(json_put_array(resources, "devices"), NULL);

	json_put_bool(rule, "allow", false);
	json_put_text(rule, "access", "rwm");
}

static void put_linux(struct json_value *spec, bool rootless)
{
	struct json_value *object = json_put_object(spec, "linux");
	struct json_value *list;

	if (rootless) {
		put_map(object, "uidMappings", geteuid());
		put_map(object, "gidMappings", getegid());
	} else {
		put_devices(object);
	}
	list = json_put_array(object, "namespaces");
	for (const char *const *type = namespaces; *type; type++)
		json_put_text(json_put_object(list, NULL), "type", *type);
	if (rootless)
		json_put_text(json_put_object(list, NULL), "type", "user");
	put_texts(object, "maskedPaths", plan_masked_paths());
	put_texts(object, "readonlyPaths", read_only);
}

static const char *spec_text(bool rootless, struct arena *arena)
{
	struct json_value *spec = json_make_object(arena);
	struct json_value *root;

	json_put_text(spec, "ociVersion", "1.0.2");
	put_process(spec);
	root = json_put_object(spec, "root");
	json_put_text(root, "path", "rootfs");
	json_put_bool(root, "readonly", true);
	json_put_text(spec, "hostname", "sbx");
	put_mounts(spec, rootless);
	put_linux(spec, rootless);
	return json_write(spec, JSON_LAYOUT_LINES, arena);
}

static int write_spec(const char *path, const char *text, struct error *err)
{
	auto_close int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);

	if (fd < 0 && errno == EEXIST) {
		error_set(err, ERROR_USAGE, "write %.150s: it exists already", path);
		return error_hint(err,
				  "remove it first, or name another directory by -b");
	}
	if (fd < 0 && errno == ENOENT) {
		error_set(err, ERROR_USAGE, "write %.150s: there is no such directory",
			  path);
		return error_hint(err, "make it first: mkdir -p DIR/rootfs");
	}
	if (fd < 0 || fd_write_all(fd, text, strlen(text)) < 0)
		return error_errno(err, "write %.150s", path);
	return 0;
}

static int run(const struct oci_globals *globals, const char *const *words,
	       struct arena *arena, struct error *err)
{
	const char *bundle = NULL;
	bool rootless = geteuid() != 0;
	const struct oci_option options[] = {
		{ .name = "bundle",
		  .letter = 'b',
		  .takes_value = true,
		  .value = &bundle,
		  .help = "the directory that gets it; else the current one" },
		{ .name = "rootless",
		  .flag = &rootless,
		  .help = "for an ordinary user, as it is for one anyway" },
	};

	(void)globals;
	if (oci_read_words(&words, options, sizeof(options) / sizeof(*options), usage,
			   arena, err) < 0)
		return -1;
	if (words[0]) {
		error_set(err, ERROR_USAGE, "read '%.100s': spec takes no word",
			  words[0]);
		return error_hint(err, "usage: sbx-oci %s", usage);
	}
	return write_spec(bundle ? arena_printf(arena, "%s/config.json", bundle)
				 : "config.json",
			  spec_text(rootless, arena), err);
}

int oci_spec(const struct oci_globals *globals, const char *const *words)
{
	return oci_command(globals, words, run);
}
