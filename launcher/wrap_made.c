/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mount points that were made in directories of the host: they go when nobody is left
 * in the sandbox who sees the mounts on them.
 */
#include "launcher/wrap.h"

#include "base/fd.h"
#include "base/syscalls.h"
#include "launcher/sync.h"
#include "plan/plan.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WAIT_MS = 20 };

unsigned int wrap_mount_namespace(const char *pid)
{
	char path[300];
	struct stat status;

	snprintf(path, sizeof(path), "/proc/%s/ns/mnt", pid);
	return stat(path, &status) < 0 ? 0 : (unsigned int)status.st_ino;
}

void wrap_made_note(struct wrap_made *made, const struct message *message, int *fd)
{
	struct made_places *list = &made->list;

	if (message->turn == TURN_MADE_HOLD && list->count > 0) {
		list->places[list->count - 1].hold = fd_take(fd);
		return;
	}
	if (list->count == sizeof(list->places) / sizeof(*list->places) ||
	    strchr(message->made.name, '/'))
		return;
	made->mount_namespace = (unsigned int)message->value;
	list->places[list->count] = message->made;
	list->places[list->count].hold = -1;
	list->places[list->count++].parent = fd_take(fd);
}

static bool names_user(const char *records, long size, unsigned int namespace)
{
	for (long at = 0; at < size;) {
		const struct sys_dirent *record = (const void *)(records + at);

		at += record->length;
		if (record->name[0] >= '1' && record->name[0] <= '9' &&
		    wrap_mount_namespace(record->name) == namespace)
			return true;
	}
	return false;
}

/*
 * Without a process namespace nothing else tells. Whoever hides from us there could be seen
 * by it, and see it, too: such a sandbox does not keep its processes apart.
 */
static bool is_in_use(const struct wrap_made *made)
{
	auto_close int list = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_Alignas(struct sys_dirent) char records[8192];
	long size;

	if (list < 0 || made->mount_namespace == 0)
		return true;
	while ((size = sys_getdents64(list, records, sizeof(records))) > 0)
		if (names_user(records, size, made->mount_namespace))
			return true;
	return size < 0;
}

static void remove_unused(struct wrap_made *made, bool own_pids)
{
	if (own_pids || !is_in_use(made))
		made_places_remove(&made->list);
}

static _Noreturn void remove_later(struct wrap_made *made, int pidfd, bool own_pids)
{
	struct pollfd end = { .fd = pidfd, .events = POLLIN };
	const struct made_places *list = &made->list;
	int kept[1 + 2 * sizeof(list->places) / sizeof(*list->places)] = { pidfd };

	for (size_t i = 0; i < list->count; i++) {
		kept[2 * i + 1] = list->places[i].parent;
		kept[2 * i + 2] = list->places[i].hold;
	}
	/* Nobody is to wait for the end of our copies of the caller's streams. */
	fd_close_all_but(0, kept, 2 * list->count + 1);
	(void)setsid();
	while (poll(&end, 1, -1) < 0 && errno == EINTR)
		;
	remove_unused(made, own_pids);
	_exit(0);
}

void wrap_made_remove(struct wrap_made *made, const struct plan *plan, int pidfd)
{
	const bool own_pids = plan->namespaces.kinds[NS_PID].mode == NS_PRIVATE;
	struct pollfd end = { .fd = pidfd, .events = POLLIN };

	if (made->list.count == 0)
		return;
	if (poll(&end, 1, WAIT_MS) > 0)
		remove_unused(made, own_pids);
	else if (fork() == 0)
		remove_later(made, pidfd, own_pids);
}
