/* SPDX-License-Identifier: Apache-2.0 */
#include "launcher/servers.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/syscalls.h"
#include "userns/userns.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

void servers_take_layers(struct servers *servers, int layers, unsigned int uid)
{
	fd_close(&servers->layers);
	servers->layers = layers;
	servers->uid = uid;
}

/*
 * Nothing of it is heard: that it is not there shows as ENOTCONN at the first look. It has no
 * parent in its pid namespace, so whether that lives is asked of its descriptor.
 */
static _Noreturn void serve(const struct fuse_layers *layers,
			    const struct rootfs_spec *image, int launcher)
{
	struct pollfd end = { .fd = launcher, .events = POLLIN };
	struct error err;
	sigset_t none;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (poll(&end, 1, 0) != 0 || null < 0)
		_exit(1);
	for (int fd = 0; fd <= 2; fd++)
		(void)dup2(null, fd);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	if (layers->place >= 0)
		(void)fuse_overlay_serve(layers, &err);
	else
		(void)fuse_image_serve(image, layers, &err);
	_exit(1);
}

int servers_start(struct servers *servers, const struct rootfs_spec *image, int device,
		  unsigned int gid)
{
	auto_close int own_device = device;
	auto_close int place = servers->layers;
	const struct fuse_layers layers = {
		.device = own_device,
		.place = place,
		.uid = servers->uid,
		.gid = gid,
		.own_uid = geteuid(),
		.own_gid = getegid(),
	};
	/* -1 where the call is refused: the server ends with what it serves, all the same. */
	auto_close int launcher = sys_pidfd_open(getpid(), 0);
	auto_close int pidfd = -1;
	pid_t pid;

	servers->layers = -1;
	if (servers->count == SERVERS_MAX || (place < 0 && !image))
		return -1;
	pid = sys_clone_child(fuse_server_clone_flags(), &pidfd);
	if (pid == 0)
		serve(&layers, image, launcher);
	if (pid < 0)
		return -1;
	servers->pids[servers->count++] = pid;
	return 0;
}

void servers_end(struct servers *servers)
{
	fd_close(&servers->layers);
	for (size_t i = 0; i < servers->count; i++) {
		(void)kill(servers->pids[i], SIGKILL);
		while (waitpid(servers->pids[i], NULL, 0) < 0 && errno == EINTR)
			;
	}
	servers->count = 0;
}
