/* SPDX-License-Identifier: Apache-2.0 */
/* The facts that files tell. Everything is looked up below a root, for the tests. */
#include "launcher/doctor.h"

#include "base/accounts.h"
#include "base/fd.h"
#include "base/files.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

enum {
	FILE_SIZE_MAX = 1 << 20,
	SUBID_FIRST = 100000, /* where useradd(8) begins */
	SUBID_COUNT = 65536,
	NOBODY = 65534, /* shown for ids that our user namespace lacks */
};

/* The text of a file without the last newline; empty where it cannot be read. */
static void read_line(int root_fd, const char *path, char *ret_text, size_t size)
{
	char text[512];
	ssize_t length = files_read(root_fd, path, text, sizeof(text) - 1);

	if (length < 0)
		text[0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	text_printable(ret_text, size, text);
}

/* A whole file, which the caller frees; NULL where it cannot be read. */
static char *read_whole(int root_fd, const char *path)
{
	auto_free char *text = malloc(FILE_SIZE_MAX + 1);
	char *whole = text;

	if (!text || files_read(root_fd, path, text, FILE_SIZE_MAX) < 0)
		return NULL;
	text = NULL;
	return whole;
}

/* The numbers that text begins with and what stands between them; returns how many. */
static size_t parse_numbers(const char *text, uint64_t *ret_numbers, size_t max)
{
	size_t count = 0;

	for (; count < max; count++) {
		char *end;

		text += strspn(text, " \t:/.");
		if (*text < '0' || *text > '9')
			break;
		ret_numbers[count] = strtoull(text, &end, 10);
		text = end;
	}
	return count;
}

/* As many numbers as the file begins with; the others are -1. */
static void read_numbers(int root_fd, const char *path, int64_t *ret_first,
			 int64_t *ret_second)
{
	char text[64];
	uint64_t numbers[2];
	size_t count = 0;

	if (files_read(root_fd, path, text, sizeof(text) - 1) >= 0)
		count = parse_numbers(text, numbers, 2);
	*ret_first = count > 0 ? (int64_t)numbers[0] : -1;
	*ret_second = count > 1 ? (int64_t)numbers[1] : -1;
}

static int64_t read_number(int root_fd, const char *path)
{
	int64_t number, unused;

	read_numbers(root_fd, path, &number, &unused);
	return number;
}

static bool exists(int root_fd, const char *path)
{
	return faccessat(root_fd, path, F_OK, 0) == 0;
}

static void read_kernel(int root_fd, struct host_facts *facts)
{
	uint64_t numbers[2];

	read_line(root_fd, "proc/sys/kernel/osrelease", facts->release,
		  sizeof(facts->release));
	if (parse_numbers(facts->release, numbers, 2) < 2)
		return;
	facts->major = (unsigned int)numbers[0];
	facts->minor = (unsigned int)numbers[1];
}

static void read_sysctls(int root_fd, struct sysctl_facts *sysctls)
{
	sysctls->userns_clone =
		read_number(root_fd, "proc/sys/kernel/unprivileged_userns_clone");
	sysctls->apparmor_restrict = read_number(
		root_fd, "proc/sys/kernel/apparmor_restrict_unprivileged_userns");
	for (int i = 0; i < NS_COUNT; i++) {
		char path[64];

		snprintf(path, sizeof(path), "proc/sys/user/max_%s_namespaces",
			 ns_name((enum ns_kind)i));
		sysctls->max_namespaces[i] = read_number(root_fd, path);
	}
	read_numbers(root_fd, "proc/sys/net/ipv4/ping_group_range", &sysctls->ping_first,
		     &sysctls->ping_last);
	sysctls->low_port_start =
		read_number(root_fd, "proc/sys/net/ipv4/ip_unprivileged_port_start");
}

/* The number behind "Key:" at the start of a line of /proc/PID/status; 0. */
static uint64_t status_number(const char *text, const char *key)
{
	uint64_t number = 0;

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (text_starts_with(line, key) &&
		    parse_numbers(line + strlen(key), &number, 1) == 1)
			return number;
	}
	return 0;
}

void host_parse_status(const char *text, struct host_facts *facts)
{
	facts->filtered = status_number(text, "Seccomp:") == 2;
	facts->no_new_privs = status_number(text, "NoNewPrivs:") == 1;
}

/* What is empty for ever hides nothing, so the kernel does not mind it. */
static bool hides_nothing(const char *mount_point)
{
	return strcmp(mount_point, "/proc/sys/fs/binfmt_misc") == 0 ||
	       strcmp(mount_point, "/proc/fs/nfsd") == 0;
}

static void add_cover(struct host_facts *facts, const char *mount_point)
{
	size_t used = strlen(facts->proc_covers);
	size_t length = strlen(mount_point);

	/* Half of a path would make a command that mends nothing. */
	if (used + 1 + length >= sizeof(facts->proc_covers))
		return;
	snprintf(facts->proc_covers + used, sizeof(facts->proc_covers) - used, "%s%s",
		 used ? " " : "", mount_point);
}

/* Blanks in a mount point are written as \040, so a word is a whole path (proc(5)). */
void host_parse_mountinfo(const char *text, struct host_facts *facts)
{
	facts->root_is_mount = false;
	facts->proc_covers[0] = '\0';
	for (const char *line = text; line; line = strchr(line, '\n')) {
		char mount_point[256];

		line += *line == '\n';
		if (sscanf(line, "%*s %*s %*s %*s %255s", mount_point) != 1)
			continue;
		if (strcmp(mount_point, "/") == 0)
			facts->root_is_mount = true;
		if (text_starts_with(mount_point, "/proc/") &&
		    !hides_nothing(mount_point))
			add_cover(facts, mount_point);
	}
}

/* "  1001:     2 2/2 2/200 28/20000": the third pair is keys and their quota. */
void host_parse_key_users(const char *text, uint32_t uid, struct host_facts *facts)
{
	enum { OWNER = 0, USED = 4, MAX = 5, COUNT = 6 };

	for (const char *line = text; line; line = strchr(line, '\n')) {
		uint64_t numbers[COUNT];

		line += *line == '\n';
		if (parse_numbers(line, numbers, COUNT) < COUNT || numbers[OWNER] != uid)
			continue;
		facts->keys_used = numbers[USED];
		facts->keys_max = numbers[MAX];
	}
}

/* Behind the last range of all users, so that nobody else's ids are given away. */
uint32_t host_next_free_subid(const char *text)
{
	uint64_t next = SUBID_FIRST;

	for (const char *line = text; line; line = strchr(line, '\n')) {
		uint64_t range[2];

		line += *line == '\n';
		line += strcspn(line, ":\n");
		if (*line != ':' || parse_numbers(line, range, 2) < 2)
			continue;
		if (range[0] <= UINT32_MAX && range[1] <= UINT32_MAX &&
		    range[0] + range[1] > next)
			next = range[0] + range[1];
	}
	return next + SUBID_COUNT < UINT32_MAX ? (uint32_t)next : 0;
}

static void read_subids(int root_fd, const char *path, struct subid_facts *subids)
{
	auto_free char *text = read_whole(root_fd, path);

	subids->next_free = host_next_free_subid(text ? text : "");
}

static void read_process(int root_fd, struct host_facts *facts)
{
	auto_free char *status = read_whole(root_fd, "proc/self/status");
	auto_free char *mounts = read_whole(root_fd, "proc/self/mountinfo");
	auto_free char *keys = read_whole(root_fd, "proc/key-users");

	facts->root_is_mount = true;
	if (status)
		host_parse_status(status, facts);
	if (mounts)
		host_parse_mountinfo(mounts, facts);
	if (keys)
		host_parse_key_users(keys, facts->uid, facts);
}

static bool has_file_capability(int fd, unsigned int capability)
{
	struct vfs_ns_cap_data data;
	ssize_t size = fgetxattr(fd, "security.capability", &data, sizeof(data));

	/* Little endian on disk, as every machine that we build for. */
	return size >= (ssize_t)sizeof(struct vfs_cap_data) &&
	       (data.magic_etc & VFS_CAP_FLAGS_EFFECTIVE) &&
	       (data.data[0].permitted & (1U << capability));
}

static void read_helper(int root_fd, const char *name, unsigned int capability,
			struct helper_facts *helper)
{
	static const char *const places[] = { "usr/bin", "bin", "usr/local/bin",
					      "run/wrappers/bin" };

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		char path[48];
		struct stat status;
		struct statvfs system;

		snprintf(path, sizeof(path), "%s/%s", places[i], name);
		auto_close int fd = openat(root_fd, path, O_RDONLY | O_CLOEXEC);

		if (fstatat(root_fd, path, &status, 0) < 0)
			continue;
		snprintf(helper->path, sizeof(helper->path), "/%s", path);
		helper->executable =
			S_ISREG(status.st_mode) && faccessat(root_fd, path, X_OK, 0) == 0;
		helper->set_id = (status.st_mode & S_ISUID) != 0;
		helper->root_owned = status.st_uid == 0;
		helper->nobodys = status.st_uid == NOBODY;
		helper->file_caps = fd >= 0 && has_file_capability(fd, capability);
		helper->nosuid = fd >= 0 && fstatvfs(fd, &system) == 0 &&
				 (system.f_flag & ST_NOSUID);
		return;
	}
}

/* Another device in its place, as /dev/null bound over it, is none. */
static void read_device(int root_fd, const char *path, dev_t number,
			struct device_facts *device)
{
	auto_close int fd = openat(root_fd, path, O_RDWR | O_CLOEXEC);
	struct stat status;

	device->open_errnum = fd < 0 ? errno : 0;
	device->exists = fstatat(root_fd, path, &status, 0) == 0 &&
			 S_ISCHR(status.st_mode) && status.st_rdev == number;
}

/* Searches a list as $PATH; only absolute directories count. */
static void find_program(int root_fd, const char *list, const char *name, char *ret_path,
			 size_t size)
{
	ret_path[0] = '\0';
	for (const char *part = list; part && *part;) {
		size_t length = strcspn(part, ":");
		char path[256];
		int written =
			snprintf(path, sizeof(path), "%.*s/%s", (int)length, part, name);
		struct stat status;

		if (part[0] == '/' && written > 0 && (size_t)written < sizeof(path) &&
		    faccessat(root_fd, path + 1, X_OK, 0) == 0 &&
		    fstatat(root_fd, path + 1, &status, 0) == 0 &&
		    S_ISREG(status.st_mode)) {
			text_copy(ret_path, size, path);
			return;
		}
		part += length + (part[length] == ':');
	}
}

static enum package_manager find_packages(int root_fd)
{
	static const struct {
		const char *path;
		enum package_manager packages;
	} managers[] = {
		{ "usr/bin/apt-get", PACKAGES_APT },
		{ "usr/bin/dnf", PACKAGES_DNF },
		{ "usr/bin/pacman", PACKAGES_PACMAN },
		{ "usr/bin/zypper", PACKAGES_ZYPPER },
		{ "sbin/apk", PACKAGES_APK },
	};

	for (size_t i = 0; i < sizeof(managers) / sizeof(managers[0]); i++) {
		if (exists(root_fd, managers[i].path))
			return managers[i].packages;
	}
	return PACKAGES_UNKNOWN;
}

/* Those that show the root of the host, whose marks would be taken for theirs. */
static void find_sandbox(int root_fd, struct host_facts *facts)
{
	static const struct {
		const char *first, *name;
	} sandboxes[] = {
		{ "sbx-init", "sbx" },
		{ "bwrap", "bubblewrap" },
		{ "firejail", "firejail" },
	};
	char first[32];

	read_line(root_fd, "proc/1/comm", first, sizeof(first));
	for (size_t i = 0; i < sizeof(sandboxes) / sizeof(sandboxes[0]); i++) {
		if (strcmp(first, sandboxes[i].first) == 0)
			text_copy(facts->container, sizeof(facts->container),
				  sandboxes[i].name);
	}
}

static void find_container(int root_fd, struct host_facts *facts)
{
	static const struct {
		const char *path, *name;
	} marks[] = {
		{ "run/.containerenv", "podman" },
		{ ".dockerenv", "docker" },
		{ "dev/.lxc", "lxc" },
		{ ".flatpak-info", "flatpak" },
	};

	find_sandbox(root_fd, facts);
	/* systemd leaves the name that its own detection found. */
	if (!facts->container[0])
		read_line(root_fd, "run/systemd/container", facts->container,
			  sizeof(facts->container));
	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		if (facts->container[0])
			return;
		if (exists(root_fd, marks[i].path))
			text_copy(facts->container, sizeof(facts->container),
				  marks[i].name);
	}
}

/* The path behind "0::" of /proc/self/cgroup is that of cgroup2 (cgroups(7)). */
static void read_own_group(int root_fd, char *ret_path, size_t size)
{
	auto_free char *text = read_whole(root_fd, "proc/self/cgroup");

	ret_path[0] = '\0';
	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!text_starts_with(line, "0::"))
			continue;
		snprintf(ret_path, size, "%.*s", (int)strcspn(line + 3, "\n"), line + 3);
		return;
	}
}

static void read_cgroup(int root_fd, uint32_t uid, struct cgroup_facts *cgroup)
{
	char path[512];

	cgroup->unified = exists(root_fd, "sys/fs/cgroup/cgroup.controllers");
	cgroup->hybrid = exists(root_fd, "sys/fs/cgroup/unified/cgroup.controllers");
	read_own_group(root_fd, cgroup->path, sizeof(cgroup->path));
	if (!cgroup->unified)
		return;
	snprintf(path, sizeof(path), "sys/fs/cgroup%s/cgroup.procs", cgroup->path);
	cgroup->writable = faccessat(root_fd, path, W_OK, 0) == 0;
	snprintf(path, sizeof(path), "sys/fs/cgroup%s", cgroup->path);
	cgroup->writable = cgroup->writable && faccessat(root_fd, path, W_OK, 0) == 0;
	snprintf(path, sizeof(path), "sys/fs/cgroup%s/cgroup.controllers", cgroup->path);
	read_line(root_fd, path, cgroup->controllers, sizeof(cgroup->controllers));
	snprintf(path, sizeof(path),
		 "sys/fs/cgroup/user.slice/user-%u.slice/user@%u.service/"
		 "cgroup.controllers",
		 uid, uid);
	read_line(root_fd, path, cgroup->delegated, sizeof(cgroup->delegated));
}

void host_read_files(int root_fd, const char *path, struct host_facts *facts)
{
	read_kernel(root_fd, facts);
	read_sysctls(root_fd, &facts->sysctls);
	read_process(root_fd, facts);
	read_subids(root_fd, "etc/subuid", &facts->subids[SUBID_UID]);
	read_subids(root_fd, "etc/subgid", &facts->subids[SUBID_GID]);
	read_helper(root_fd, "newuidmap", CAP_SETUID, &facts->helpers[SUBID_UID]);
	read_helper(root_fd, "newgidmap", CAP_SETGID, &facts->helpers[SUBID_GID]);
	read_device(root_fd, "dev/net/tun", makedev(10, 200), &facts->tun);
	read_device(root_fd, "dev/fuse", makedev(10, 229), &facts->fuse);
	read_cgroup(root_fd, facts->uid, &facts->cgroup);
	find_container(root_fd, facts);
	facts->packages = find_packages(root_fd);
	find_program(root_fd, path, "fuse-overlayfs", facts->fuse_overlayfs,
		     sizeof(facts->fuse_overlayfs));
	find_program(root_fd, "/usr/bin", "squashfuse", facts->squashfuse,
		     sizeof(facts->squashfuse));
	find_program(root_fd, "/usr/bin", "erofsfuse", facts->erofsfuse,
		     sizeof(facts->erofsfuse));
}
