/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Id maps. A process may map one id of its own without anybody's help; then the kernel
 * wants setgroups(2) denied, because dropping a group could lift a prohibition
 * (user_namespaces(7)). Every other map needs CAP_SETUID and CAP_SETGID in the parent
 * namespace, which newuidmap(1) and newgidmap(1) lend after a look at /etc/subuid.
 */
#include "userns/userns.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/files.h"
#include "base/syscalls.h"

#include <errno.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum {
	HELPER_TIMEOUT_MS = 10000,
	HELPER_TEXT_MAX = 160,
};

/* ---- what a map may be --------------------------------------------------------------- */

static bool overlap(uint32_t a, uint32_t a_count, uint32_t b, uint32_t b_count)
{
	return (uint64_t)a < (uint64_t)b + b_count && (uint64_t)b < (uint64_t)a + a_count;
}

static int check_range(const struct id_range *range, size_t index, struct error *err)
{
	if (range->count == 0)
		return error_set(err, ERROR_IDS, "map ids: range %zu is empty", index);
	if ((uint64_t)range->inside + range->count > UINT32_MAX ||
	    (uint64_t)range->outside + range->count > UINT32_MAX)
		return error_set(err, ERROR_IDS,
				 "map ids: range %zu ends above 4294967294", index);
	return 0;
}

int id_map_check(const struct id_map *map, struct error *err)
{
	if (map->count == 0)
		return error_set(err, ERROR_IDS, "map ids: the map is empty");
	if (map->count > ID_RANGES_MAX)
		return error_set(err, ERROR_IDS, "map ids: more than %d ranges",
				 ID_RANGES_MAX);
	for (size_t i = 0; i < map->count; i++) {
		const struct id_range *a = &map->ranges[i];

		if (check_range(a, i, err) < 0)
			return -1;
		for (size_t j = 0; j < i; j++) {
			const struct id_range *b = &map->ranges[j];

			if (overlap(a->inside, a->count, b->inside, b->count) ||
			    overlap(a->outside, a->count, b->outside, b->count))
				return error_set(err, ERROR_IDS,
						 "map ids: ranges %zu and %zu overlap", j,
						 i);
		}
	}
	return 0;
}

bool id_map_covers(const struct id_map *map, uint32_t outside)
{
	for (size_t i = 0; i < map->count; i++)
		if (outside >= map->ranges[i].outside &&
		    outside - map->ranges[i].outside < map->ranges[i].count)
			return true;
	return false;
}

/* ---- who writes it ------------------------------------------------------------------- */

static bool is_own(const struct id_map *map, uint32_t own)
{
	return map->count == 1 && map->ranges[0].count == 1 &&
	       map->ranges[0].outside == own;
}

bool ids_has_extra_groups(void)
{
	gid_t groups[256];
	gid_t own = getegid();
	int count = getgroups(256, groups);

	if (count < 0)
		return errno == EINVAL; /* more than 256 */
	for (int i = 0; i < count; i++)
		if (groups[i] != own)
			return true;
	return false;
}

bool ids_mapped_by_parent(const struct ids_spec *ids)
{
	if (!is_own(&ids->uids, geteuid()) || !is_own(&ids->gids, getegid()))
		return true;
	return !ids->keep_groups && ids_has_extra_groups();
}

/* CAP_SETUID and CAP_SETGID in our own namespace: any map may be written directly. */
static bool may_write_any_map(void)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2];
	const uint32_t wanted = 1U << CAP_SETUID | 1U << CAP_SETGID;

	if (syscall(SYS_capget, &header, data) < 0)
		return false;
	return (data[0].effective & wanted) == wanted;
}

bool ids_need_helper(const struct ids_spec *ids)
{
	return ids_mapped_by_parent(ids) && !may_write_any_map();
}

bool ids_helpers_are_powerless(void)
{
	return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1;
}

/* ---- writing ------------------------------------------------------------------------- */

static int map_text(const struct id_map *map, char *text, size_t size)
{
	size_t used = 0;

	for (size_t i = 0; i < map->count; i++) {
		int written = snprintf(text + used, size - used, "%u %u %u\n",
				       map->ranges[i].inside, map->ranges[i].outside,
				       map->ranges[i].count);

		if (written < 0 || (size_t)written >= size - used) {
			errno = E2BIG;
			return -1;
		}
		used += (size_t)written;
	}
	return 0;
}

/* The kernel takes a map in one write of less than a page. */
static int write_map(const char *path, const struct id_map *map, struct error *err)
{
	char text[4096];

	if (map_text(map, text, sizeof(text)) < 0 ||
	    files_write(AT_FDCWD, path, text) < 0)
		return error_errno_id(err, ERROR_IDS, "map ids: write %s", path);
	return 0;
}

int ids_map_self(const struct ids_spec *ids, struct error *err)
{
	/* Before 3.19 there is no such file, and no need for it. */
	if (files_write(AT_FDCWD, "/proc/self/setgroups", "deny") < 0 && errno != ENOENT)
		return error_errno_id(err, ERROR_IDS, "map ids: deny setgroups");
	if (write_map("/proc/self/uid_map", &ids->uids, err) < 0)
		return -1;
	return write_map("/proc/self/gid_map", &ids->gids, err);
}

const char *ids_helper_path(const char *name)
{
	static const char *const uid_paths[] = { "/usr/bin/newuidmap", "/bin/newuidmap",
						 "/usr/local/bin/newuidmap",
						 "/run/wrappers/bin/newuidmap" };
	static const char *const gid_paths[] = { "/usr/bin/newgidmap", "/bin/newgidmap",
						 "/usr/local/bin/newgidmap",
						 "/run/wrappers/bin/newgidmap" };
	const char *const *paths = strcmp(name, "newuidmap") == 0 ? uid_paths : gid_paths;

	for (size_t i = 0; i < sizeof(uid_paths) / sizeof(*uid_paths); i++)
		if (access(paths[i], X_OK) == 0)
			return paths[i];
	return NULL;
}

/* One run of newuidmap or newgidmap. */
struct helper {
	const char *name;
	const struct id_map *map;
	pid_t pid; /* 0: not started */
};

static int spawn_with(const char *path, char *const *argv, int stderr_fd, pid_t *ret_pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	char *const environment[] = { NULL };
	sigset_t none;
	int failed;

	sigemptyset(&none);
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, stderr_fd, 1);
	posix_spawn_file_actions_adddup2(&actions, stderr_fd, 2);
	failed = posix_spawn(ret_pid, path, &actions, &attributes, argv, environment);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	errno = failed;
	return failed ? -1 : 0;
}

static int helper_start(struct helper *helper, pid_t child, int stderr_fd,
			struct error *err)
{
	char numbers[1 + ID_RANGES_MAX * 3][12];
	char *argv[2 + ID_RANGES_MAX * 3 + 1];
	const char *path = ids_helper_path(helper->name);
	size_t count = 0;

	if (!path) {
		error_set(err, ERROR_IDMAP_HELPER, "map ids: %s is not installed",
			  helper->name);
		return error_hint(err, "sudo apt-get install uidmap, or --map single");
	}
	snprintf(numbers[0], sizeof(numbers[0]), "%d", child);
	argv[count++] = (char *)(uintptr_t)helper->name;
	argv[count++] = numbers[0];
	for (size_t i = 0; i < helper->map->count; i++) {
		const struct id_range *range = &helper->map->ranges[i];
		const uint32_t values[] = { range->inside, range->outside, range->count };

		for (size_t j = 0; j < 3; j++) {
			char *number = numbers[1 + i * 3 + j];

			snprintf(number, sizeof(numbers[0]), "%u", values[j]);
			argv[count++] = number;
		}
	}
	argv[count] = NULL;
	if (spawn_with(path, argv, stderr_fd, &helper->pid) < 0)
		return error_errno_id(err, ERROR_IDMAP_HELPER, "map ids: start %s", path);
	return 0;
}

/*
 * What the helpers say, until both have closed the pipe; its first line is kept. False if
 * they did not in time.
 */
static bool read_complaint(int fd, char *text, size_t size)
{
	size_t used = 0;
	char rest[256];
	int ready;

	for (;;) {
		struct pollfd wait = { .fd = fd, .events = POLLIN };
		ssize_t got;

		ready = poll(&wait, 1, HELPER_TIMEOUT_MS);
		if (ready <= 0)
			break;
		if (used < size - 1)
			got = read(fd, text + used, size - 1 - used);
		else
			got = read(fd, rest, sizeof(rest));
		if (got <= 0)
			break;
		if (used < size - 1)
			used += (size_t)got;
	}
	text[used] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return ready != 0;
}

/* One that waits for a directory service may do so for ever. */
static void end_helpers(const struct helper helpers[2])
{
	for (size_t i = 0; i < 2; i++)
		if (helpers[i].pid > 0)
			(void)kill(helpers[i].pid, SIGKILL);
}

static int helper_finish(struct helper *helper, const char *complaint, struct error *err)
{
	int status;

	if (helper->pid == 0)
		return 0;
	while (waitpid(helper->pid, &status, 0) < 0)
		if (errno != EINTR)
			return error_errno(err, "map ids: wait for %s", helper->name);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	error_set(err, ERROR_IDMAP_HELPER, "map ids: %s",
		  *complaint ? complaint : "the helper failed without a word");
	return error_hint(err,
			  "sbx doctor shows what %s lacks; --map single needs no ranges",
			  helper->name);
}

static int run_helpers(struct helper helpers[2], pid_t child, struct error *err)
{
	char complaint[HELPER_TEXT_MAX];
	int ends[2];
	int failed = 0;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_errno(err, "map ids: make a pipe");
	for (size_t i = 0; i < 2 && !failed; i++)
		if (helpers[i].map)
			failed = helper_start(&helpers[i], child, ends[1], err);
	close(ends[1]);
	if (!read_complaint(ends[0], complaint, sizeof(complaint))) {
		end_helpers(helpers);
		snprintf(complaint, sizeof(complaint),
			 "newuidmap or newgidmap gave no answer for %d seconds",
			 HELPER_TIMEOUT_MS / 1000);
	}
	close(ends[0]);
	for (size_t i = 0; i < 2; i++) {
		struct error later;

		if (helper_finish(&helpers[i], complaint, failed ? &later : err) < 0)
			failed = -1;
	}
	return failed;
}

/* The map of our own uid, or any map if we may; else it is left to the helper. */
static int map_uids(const struct ids_spec *ids, pid_t child, bool any,
		    struct helper *helper, struct error *err)
{
	char path[64];

	if (!any && !is_own(&ids->uids, geteuid())) {
		helper->map = &ids->uids;
		return 0;
	}
	snprintf(path, sizeof(path), "/proc/%d/uid_map", child);
	return write_map(path, &ids->uids, err);
}

static int map_gids(const struct ids_spec *ids, pid_t child, bool any,
		    struct helper *helper, struct error *err)
{
	const bool drops_groups = !ids->keep_groups && ids_has_extra_groups();
	char path[64], setgroups_path[64];

	if (!any && (!is_own(&ids->gids, getegid()) || drops_groups)) {
		helper->map = &ids->gids;
		return 0;
	}
	snprintf(setgroups_path, sizeof(setgroups_path), "/proc/%d/setgroups", child);
	if (!any && files_write(AT_FDCWD, setgroups_path, "deny") < 0)
		return error_errno_id(err, ERROR_IDS, "map ids: deny setgroups");
	snprintf(path, sizeof(path), "/proc/%d/gid_map", child);
	return write_map(path, &ids->gids, err);
}

int ids_map_child(const struct ids_spec *ids, pid_t child, struct error *err)
{
	struct helper helpers[2] = { { .name = "newuidmap" }, { .name = "newgidmap" } };
	const bool any = may_write_any_map();

	if (map_uids(ids, child, any, &helpers[0], err) < 0 ||
	    map_gids(ids, child, any, &helpers[1], err) < 0)
		return -1;
	if (!helpers[0].map && !helpers[1].map)
		return 0;
	return run_helpers(helpers, child, err);
}

int ids_drop_groups(const struct ids_spec *ids, struct error *err)
{
	if (ids->keep_groups)
		return 0;
	if (sys_setgroups(0, NULL) < 0) {
		/*
		 * It is denied with one id that we mapped ourselves. Groups without a mapping
		 * read as the overflow gid: they count as extra.
		 */
		if (errno == EPERM && !ids_has_extra_groups())
			return 0;
		error_errno_id(err, ERROR_GROUPS, "drop the caller's groups");
		return error_hint(err, "--groups keep leaves them to the command");
	}
	return 0;
}
