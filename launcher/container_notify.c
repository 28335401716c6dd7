/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A service manager that waits to hear that the container is ready (sd_notify(3)). Its socket
 * lies outside, so one of ours lies inside; and of what comes there only READY=1 goes on: what
 * else could be said is not the container's to decide.
 */
#include "launcher/container_life.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/syscalls.h"
#include "plan/plan.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define PLACE_OUTSIDE "notify"
#define PLACE_INSIDE  "/run/notify"
#define SOCKET_NAME   "notify.sock"

/* Of the manager, or NULL. */
static const char *manager_socket(void)
{
	const char *path = getenv("NOTIFY_SOCKET");

	return path && *path ? path : NULL;
}

/* ---- create ---------------------------------------------------------------------------------- */

static void add_mount(struct plan *plan, const char *source)
{
	struct rootfs_spec *rootfs = &plan->rootfs;
	struct mount_entry *mounts =
		arena_alloc_array(&plan->arena, rootfs->mount_count + 1, sizeof(*mounts));

	if (rootfs->mount_count)
		memcpy(mounts, rootfs->mounts, rootfs->mount_count * sizeof(*mounts));
	mounts[rootfs->mount_count] = (struct mount_entry){
		.kind = MOUNT_BIND,
		.flags =
			MOUNT_F_NOSUID | MOUNT_F_NODEV | MOUNT_F_NOEXEC | MOUNT_F_SHALLOW,
		.source = source,
		.dest = PLACE_INSIDE,
		.fd = -1,
	};
	rootfs->mounts = mounts;
	rootfs->mount_count++;
}

int container_pass_notify(const struct container_entry *entry, struct plan *plan,
			  struct error *err)
{
	char link[32], path[PATH_MAX];
	ssize_t length;

	if (!manager_socket())
		return 0;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", entry->dir);
	length = readlink(link, path, sizeof(path) - 1);
	if (length < 0 || mkdirat(entry->dir, PLACE_OUTSIDE, 0755) < 0 ||
	    fchmodat(entry->dir, PLACE_OUTSIDE, 0755, 0) < 0)
		return error_errno_id(err, ERROR_STATE,
				      "make a place for the notification socket");
	add_mount(plan,
		  arena_printf(&plan->arena, "%.*s/" PLACE_OUTSIDE, (int)length, path));
	container_set_env(plan, "NOTIFY_SOCKET=" PLACE_INSIDE "/" SOCKET_NAME);
	return 0;
}

/* ---- start ----------------------------------------------------------------------------------- */

int container_open_notify(const struct container_entry *entry, struct error *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	auto_close int receiver = -1;

	if (!manager_socket() || faccessat(entry->dir, PLACE_OUTSIDE, F_OK, 0) < 0)
		return -1;
	snprintf(address.sun_path, sizeof(address.sun_path),
		 "/proc/self/fd/%d/" PLACE_OUTSIDE "/" SOCKET_NAME, entry->dir);
	(void)unlink(address.sun_path);
	receiver = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (receiver < 0 ||
	    bind(receiver, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
	    chmod(address.sun_path, 0777) < 0) {
		error_errno_id(err, ERROR_STATE, "make the notification socket");
		return -2;
	}
	return fd_take(&receiver);
}

/* An abstract one begins with an @ (sd_notify(3)). What cannot be sent is lost. */
static void tell_manager(const char *text)
{
	const char *path = manager_socket();
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const size_t length = path ? strlen(path) : 0;
	auto_close int sender = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (sender < 0 || !path || length >= sizeof(address.sun_path))
		return;
	memcpy(address.sun_path, path, length);
	if (path[0] == '@')
		address.sun_path[0] = '\0';
	(void)sendto(sender, text, strlen(text), MSG_NOSIGNAL,
		     (const struct sockaddr *)&address,
		     (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length));
}

static bool has_line(char *text, const char *line)
{
	char *rest = NULL;

	for (char *at = strtok_r(text, "\n", &rest); at; at = strtok_r(NULL, "\n", &rest))
		if (strcmp(at, line) == 0)
			return true;
	return false;
}

bool container_take_notify(int receiver, pid_t main_pid)
{
	char text[4096], answer[64];
	ssize_t length;

	while ((length = recv(receiver, text, sizeof(text) - 1, 0)) >= 0) {
		text[length] = '\0';
		if (!has_line(text, "READY=1"))
			continue;
		if (main_pid > 0)
			snprintf(answer, sizeof(answer), "READY=1\nMAINPID=%d\n",
				 main_pid);
		else
			snprintf(answer, sizeof(answer), "READY=1\n");
		tell_manager(answer);
		return true;
	}
	return false;
}

void container_await_notify(int receiver, const struct container_record *record)
{
	auto_close int pidfd = container_open_process(record);
	struct pollfd events[2] = {
		{ .fd = receiver, .events = POLLIN },
		{ .fd = pidfd, .events = POLLIN },
	};

	while (pidfd >= 0) {
		if (poll(events, 2, -1) < 0 && errno != EINTR)
			return;
		if (container_take_notify(receiver, record->pid) || events[1].revents)
			return;
	}
}
