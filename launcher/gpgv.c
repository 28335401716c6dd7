/* SPDX-License-Identifier: Apache-2.0 */
#include "launcher/gpgv.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/files.h"
#include "base/syscalls.h"
#include "image/image.h"
#include "image/trust.h"
#include "policy/policy.h"
#include "userns/userns.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	STATUS_FD = 3,
	STATUS_MAX = 64 << 10,
	INPUT_MAX = 4 << 20, /* of a keyring or a signature */
	MEMORY_MAX = 256 << 20,
};

static const char *const programs[] = { "/usr/bin/gpgv", "/bin/gpgv",
					"/usr/local/bin/gpgv",
					"/run/current-system/sw/bin/gpgv" };

const char *gpgv_path(void)
{
	for (size_t i = 0; i < sizeof(programs) / sizeof(*programs); i++)
		if (access(programs[i], X_OK) == 0)
			return programs[i];
	return NULL;
}

/* ---- what it sees ---------------------------------------------------------------------- */

/* Where programs and their libraries lie; none of it is the caller's own. */
static const char *const shown[] = { "/usr",
				     "/bin",
				     "/lib",
				     "/lib32",
				     "/lib64",
				     "/etc/ld.so.cache",
				     "/etc/ld.so.conf",
				     "/nix/store",
				     "/gnu/store" };

enum { SHOWN = sizeof(shown) / sizeof(*shown), FILES = 2 };

struct scene {
	char program[PATH_MAX];
	struct mount_entry mounts[SHOWN + FILES];
	struct rootfs_spec root;
	struct namespaces_spec namespaces;
	int data, status, socket; /* the child's ends */
	uint32_t uid, gid; /* as they are outside: in the child they are unmapped yet */
};

static const char *read_whole(const char *path, struct arena *arena, size_t *ret_length,
			      struct error *err)
{
	auto_close int fd = open(path, O_RDONLY | O_NOCTTY | O_CLOEXEC);
	const char *text =
		fd < 0 ? NULL : files_read_all(arena, fd, INPUT_MAX, ret_length);

	if (!text)
		error_errno_id(err, ERROR_SIGNATURE, "read %s", path);
	return text;
}

/* A sequence of packets behind a sequence of packets is one. */
static const char *join_keys(const char *const *keys, size_t count, struct arena *arena,
			     size_t *ret_length, struct error *err)
{
	char *ring = NULL;
	size_t used = 0;

	for (size_t i = 0; i < count; i++) {
		size_t length = 0;
		const void *key = trust_read_packets(keys[i], arena, &length, err);
		char *larger = key ? arena_alloc(arena, used + length + 1) : NULL;

		if (!larger)
			return NULL;
		if (used > 0)
			memcpy(larger, ring, used);
		memcpy(larger + used, key, length);
		ring = larger;
		used += length;
	}
	*ret_length = used;
	return ring;
}

static struct mount_entry show(const char *path)
{
	return (struct mount_entry){
		.kind = MOUNT_BIND,
		.flags = MOUNT_F_RDONLY | MOUNT_F_NOSUID | MOUNT_F_NODEV |
			 MOUNT_F_OPTIONAL,
		.source = path,
		.dest = path,
	};
}

static struct mount_entry hold(const char *dest, const char *text, size_t length)
{
	return (struct mount_entry){
		.kind = MOUNT_FILE,
		.flags = MOUNT_F_MODE,
		.dest = dest,
		.mode = 0400,
		.content = text,
		.content_size = length,
	};
}

static int set_scene(const char *const *keys, size_t key_count, const char *signature,
		     struct arena *arena, struct scene *scene, struct error *err)
{
	const char *path = gpgv_path();
	size_t ring_length = 0, signature_length = 0;
	const char *ring, *text;

	if (!path) {
		error_set(err, ERROR_SIGNATURE,
			  "check a signature of OpenPGP: gpgv is not installed");
		return error_hint(err, "it is in the package gpgv (Debian), gnupg2 "
				       "(Fedora), gnupg (Arch, Alpine)");
	}
	if (!realpath(path, scene->program))
		return error_errno(err, "find %s", path);
	ring = join_keys(keys, key_count, arena, &ring_length, err);
	text = ring ? read_whole(signature, arena, &signature_length, err) : NULL;
	if (!text)
		return -1;
	for (size_t i = 0; i < SHOWN; i++)
		scene->mounts[i] = show(shown[i]);
	scene->mounts[SHOWN] = hold("/keyring", ring, ring_length);
	scene->mounts[SHOWN + 1] = hold("/signature", text, signature_length);
	scene->root = (struct rootfs_spec){
		.kind = ROOT_EMPTY,
		.mode = ROOT_RW,
		.mount = -1,
		.mounts = scene->mounts,
		.mount_count = SHOWN + FILES,
	};
	return 0;
}

/* ---- the child ------------------------------------------------------------------------- */

static int enter(const struct scene *scene, struct error *err)
{
	const struct id_range uid = { scene->uid, scene->uid, 1 };
	const struct id_range gid = { scene->gid, scene->gid, 1 };
	const struct ids_spec ids = { { &uid, 1 }, { &gid, 1 }, true };

	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return error_errno(err, "ask for the death signal");
	(void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	if (ids_map_self(&ids, err) < 0)
		return -1;
	return rootfs_enter(&scene->root, &scene->namespaces, false, NULL, NULL, err);
}

/* It writes nothing but a few lines into a pipe. */
static int bound(struct error *err)
{
	static const struct rlimit_entry limits[] = {
		{ RLIMIT_CORE, 0, 0 },
		{ RLIMIT_FSIZE, 0, 0 },
		{ RLIMIT_NOFILE, 32, 32 },
		{ RLIMIT_AS, MEMORY_MAX, MEMORY_MAX },
	};

	return limits_lower(limits, sizeof(limits) / sizeof(*limits), err);
}

/* Above those that it is to have: a duplicate is not closed at the start. */
static int place(int fd, int at)
{
	const int high = fcntl(fd, F_DUPFD_CLOEXEC, STATUS_FD + 1);

	return high < 0 || dup2(high, at) < 0 ? -1 : 0;
}

static int take_streams(const struct scene *scene, int null, struct error *err)
{
	const int status = fcntl(scene->status, F_DUPFD_CLOEXEC, STATUS_FD + 1);

	if (status < 0 || place(null, STDOUT_FILENO) < 0 ||
	    place(null, STDERR_FILENO) < 0 || place(scene->data, STDIN_FILENO) < 0 ||
	    dup2(status, STATUS_FD) < 0)
		return error_errno(err, "hand gpgv its streams");
	return 0;
}

static int become(const struct scene *scene, int null, struct error *err)
{
	static const char *const words[] = { "gpgv",      "--homedir", "/none",
					     "--keyring", "/keyring",  "--status-fd",
					     "3",         "--",        "/signature",
					     "-",         NULL };
	static char *const environment[] = { NULL };

	if (caps_drop_all(err) < 0 || bound(err) < 0)
		return -1;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return error_errno(err, "give up new privileges");
	if (take_streams(scene, null, err) < 0)
		return -1;
	execve(scene->program, (char *const *)(uintptr_t)words, environment);
	return error_errno(err, "execute %s", scene->program);
}

static _Noreturn void run(const struct scene *scene)
{
	const struct image_turn failed = { .kind = IMAGE_TURN_FAILED };
	const int socket = fcntl(scene->socket, F_DUPFD_CLOEXEC, STATUS_FD + 1);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct error err = { 0 };
	sigset_t none;

	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	if (null < 0)
		(void)error_errno(&err, "open /dev/null");
	else if (enter(scene, &err) == 0)
		(void)become(scene, null, &err);
	(void)image_turn_send(socket, &failed, &err, -1);
	_exit(125);
}

/* ---- the parent ------------------------------------------------------------------------ */

#define CLONE_FLAGS                                                                      \
	(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC |      \
	 CLONE_NEWUTS)

struct ends {
	int data[2], status[2], sockets[2];
};

static void close_ends(struct ends *ends)
{
	for (int i = 0; i < 2; i++) {
		fd_close(&ends->data[i]);
		fd_close(&ends->status[i]);
		fd_close(&ends->sockets[i]);
	}
}

static int make_ends(struct ends *ends, struct error *err)
{
	*ends = (struct ends){ { -1, -1 }, { -1, -1 }, { -1, -1 } };
	if (pipe2(ends->data, O_CLOEXEC) == 0 && pipe2(ends->status, O_CLOEXEC) == 0 &&
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends->sockets) == 0)
		return 0;
	error_errno(err, "make pipes for gpgv");
	close_ends(ends);
	return -1;
}

/* Its end closes the socket: then the program runs. */
static int await_start(int socket, struct error *err)
{
	struct image_turn turn;
	int fd = -1;
	const int got = image_turn_receive(socket, &turn, err, &fd);

	fd_close(&fd);
	if (got == 0)
		return 0;
	if (got < 0)
		return error_errno(err, "start gpgv");
	return error_within(err, "start gpgv");
}

int gpgv_start(const char *const *keys, size_t key_count, const char *signature,
	       struct arena *arena, struct gpgv *ret_gpgv, struct error *err)
{
	struct scene *scene = arena_alloc(arena, sizeof(*scene));
	struct gpgv gpgv = { .data = -1, .status = -1 };
	struct ends ends;
	int pidfd = -1;

	if (set_scene(keys, key_count, signature, arena, scene, err) < 0 ||
	    make_ends(&ends, err) < 0)
		return -1;
	scene->uid = geteuid();
	scene->gid = getegid();
	scene->data = ends.data[0];
	scene->status = ends.status[1];
	scene->socket = ends.sockets[1];
	gpgv.pid = sys_clone_child(CLONE_FLAGS, &pidfd);
	if (gpgv.pid == 0)
		run(scene);
	fd_close(&pidfd);
	if (gpgv.pid < 0) {
		namespaces_explain_refusal(errno, err);
		close_ends(&ends);
		return -1;
	}
	gpgv.data = fd_take(&ends.data[1]);
	gpgv.status = fd_take(&ends.status[0]);
	fd_close(&ends.sockets[1]);
	if (await_start(ends.sockets[0], err) < 0) {
		close_ends(&ends);
		gpgv_stop(&gpgv);
		return -1;
	}
	close_ends(&ends);
	*ret_gpgv = gpgv;
	return 0;
}

static int reap(struct gpgv *gpgv)
{
	int status = 0;

	while (waitpid(gpgv->pid, &status, 0) < 0 && errno == EINTR)
		;
	gpgv->pid = 0;
	return status;
}

void gpgv_stop(struct gpgv *gpgv)
{
	fd_close(&gpgv->data);
	fd_close(&gpgv->status);
	if (gpgv->pid <= 0)
		return;
	(void)kill(gpgv->pid, SIGKILL);
	(void)reap(gpgv);
}

/* Its status says nothing that its lines do not, but that it came to its end. */
int gpgv_end(struct gpgv *gpgv, struct arena *arena, char ret_id[GPGV_ID_SIZE],
	     struct error *err)
{
	const char *text;
	size_t length;
	int status;

	fd_close(&gpgv->data);
	text = files_read_all(arena, gpgv->status, STATUS_MAX, &length);
	if (!text) {
		error_errno_id(err, ERROR_SIGNATURE, "hear gpgv");
		gpgv_stop(gpgv);
		return -1;
	}
	status = reap(gpgv);
	gpgv_stop(gpgv);
	if (WIFSIGNALED(status))
		return error_set(err, ERROR_SIGNATURE,
				 "check it: gpgv was killed by signal %d",
				 WTERMSIG(status));
	return gpgv_judge(text, ret_id, err);
}
