/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Layers of the cache go to the disk beside the run that uses them. Who is inside syncfs(2)
 * does not end before the disk is done: nobody waits for this process, and it holds nothing
 * but the locks of the layers.
 */
#include "launcher/images.h"

#include "base/arena.h"
#include "base/fd.h"
#include "base/syscalls.h"
#include "image/cache.h"
#include "plan/plan.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NICE = 19 };

static _Noreturn void write_out(const struct plan *plan, const char *const *layers,
				pid_t launcher)
{
	sigset_t all;

	sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, NULL);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || getppid() != launcher)
		_exit(1);
	(void)setsid();
	(void)setpriority(PRIO_PROCESS, 0, NICE);
	fd_close_all_but(0, plan->image.held, plan->image.held_count);
	_exit(cache_sync(layers) < 0);
}

static const char *const *find_layers(const struct plan *plan, struct arena *arena)
{
	const struct rootfs_spec *rootfs = &plan->rootfs;
	const char **roots;

	if (!plan->image.operand || rootfs->kind != ROOT_DIRECTORY)
		return NULL;
	roots = arena_alloc_array(arena, rootfs->layer_count + 1, sizeof(*roots));
	roots[0] = rootfs->path;
	for (size_t i = 0; i < rootfs->layer_count; i++)
		roots[i + 1] = rootfs->layers[i];
	return cache_unsynced(roots, rootfs->layer_count + 1, arena);
}

/* Where no process can be made, it is left to the next run. */
void images_sync_begin(const struct plan *plan, struct images_sync *ret_sync)
{
	struct arena arena = { 0 };
	const char *const *layers = find_layers(plan, &arena);
	const pid_t launcher = getpid();
	struct images_sync sync = { .pidfd = -1 };

	if (layers) {
		sync.pid = sys_clone_child(0, &sync.pidfd);
		if (sync.pid == 0)
			write_out(plan, layers, launcher);
	}
	arena_free(&arena);
	*ret_sync = sync;
}

void images_sync_end(struct images_sync *sync)
{
	if (sync->pid > 0) {
		(void)kill(sync->pid, SIGKILL);
		(void)waitpid(sync->pid, NULL, WNOHANG);
	}
	fd_close(&sync->pidfd);
}
