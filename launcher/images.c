/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One job of sbx-image, from the clone to the last turn. The child has a user namespace with
 * the ids that the files are to have, and nothing of the caller's network, processes or IPC;
 * the rest of its power it gives away itself, before it reads the first foreign byte.
 */
#include "launcher/images.h"

#include "base/accounts.h"
#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/syscalls.h"
#include "launcher/progress.h"
#include "policy/policy.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SUBIDS_MAX = 64, NOTES_MAX = 64, END_WAIT_MS = 1000, ARENA_FULL = 125 };

#define CLONE_FLAGS                                                                      \
	(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC |      \
	 CLONE_NEWUTS)

/* ---- ids ------------------------------------------------------------------------------- */

/* Our own id as 0, and the subordinate ids behind it; count 0: just the one. */
static struct id_map make_map(struct arena *arena, uint32_t own,
			      const struct subid_range *subids, int count)
{
	struct id_range *ranges =
		arena_alloc_array(arena, (size_t)count + 1, sizeof(*ranges));
	uint64_t next = 1;
	size_t used = 1;

	ranges[0] = (struct id_range){ 0, own, 1 };
	for (int i = 0; i < count && next < UINT32_MAX; i++) {
		const struct subid_range *subid = &subids[i];
		const uint64_t room = UINT32_MAX - next;
		const uint32_t part = subid->count < room ? subid->count : (uint32_t)room;

		if (own >= subid->start && own - subid->start < subid->count)
			continue;
		ranges[used++] = (struct id_range){ (uint32_t)next, subid->start, part };
		next += part;
	}
	return (struct id_map){ ranges, used };
}

static struct ids_spec one_id(struct arena *arena)
{
	return (struct ids_spec){ .uids = make_map(arena, geteuid(), NULL, 0),
				  .gids = make_map(arena, getegid(), NULL, 0),
				  .keep_groups = true };
}

/* ---- the child ------------------------------------------------------------------------- */

struct worker {
	const struct ids_spec *ids;
	const struct image_job *job;
	struct arena *arena;
	int gate; /* a byte comes when the ids are mapped; its end: the launcher is gone */
	bool mapped_by_parent;
	pid_t pid;
	int pidfd;
};

static int await_map(const struct worker *worker, struct error *err)
{
	char byte;

	if (!worker->mapped_by_parent)
		return ids_map_self(worker->ids, err);
	if (read(worker->gate, &byte, 1) != 1)
		return error_set(err, ERROR_PLAIN, "wait for the ids");
	return 0;
}

/* Who writes files of all ids is root among them, where there is a root. */
static int become_root(const struct worker *worker, struct error *err)
{
	if (ids_drop_groups(worker->ids, err) < 0)
		return -1;
	if (worker->mapped_by_parent && (sys_setresgid(0) < 0 || sys_setresuid(0) < 0) &&
	    errno != EINVAL)
		return error_errno_id(err, ERROR_IDS,
				      "become root in the user namespace");
	return 0;
}

/* Who has no id 0 keeps power over the exec only as ambient capabilities (capabilities(7)). */
static int keep_power(struct error *err)
{
	const uint64_t all = caps_effective();
	const struct caps_spec caps = { .kept = all, .ambient = all };

	return geteuid() == 0 ? 0 : caps_apply(&caps, err);
}

/* A change of ids takes the death signal away (prctl(2)). */
static int watch_launcher(const struct worker *worker, struct error *err)
{
	struct pollfd end = { .fd = worker->job->socket };

	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return error_errno(err, "ask for the death signal");
	if (poll(&end, 1, 0) < 0 || end.revents & (POLLHUP | POLLERR))
		return error_set(err, ERROR_PLAIN, "go on without the launcher");
	return 0;
}

/*
 * With the caller's groups, which go next: a file that is only theirs to read is the caller's,
 * too. A directory is opened by sbx-image, which has a way of its own to look into it.
 */
static int open_input(struct image_job *job, struct error *err)
{
	auto_close int fd = -1;
	struct stat status;

	if (!job->path || job->input_fd >= 0)
		return 0;
	fd = open(job->path, O_RDONLY | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &status) < 0)
		return error_errno_id(err, ERROR_IMAGE, "open %s", job->path);
	if (!S_ISDIR(status.st_mode))
		job->input_fd = fd_take(&fd);
	return 0;
}

static _Noreturn void work(const struct worker *worker)
{
	struct image_turn failed = { .kind = IMAGE_TURN_FAILED };
	struct image_job job = *worker->job;
	struct error err = { 0 };
	sigset_t none;

	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	if (await_map(worker, &err) == 0 && open_input(&job, &err) == 0 &&
	    become_root(worker, &err) == 0 && keep_power(&err) == 0 &&
	    watch_launcher(worker, &err) == 0)
		(void)image_job_exec(&job, worker->arena, &err);
	(void)image_turn_send(worker->job->socket, &failed, &err, -1);
	_exit(125);
}

/* ---- the conversation ------------------------------------------------------------------ */

/*
 * What was unpacked into memory, or nothing: a directory of the caller's, however it came
 * there, is no root. That it is mounted nowhere else is what move_mount(2) looks at.
 */
static bool is_memory(int fd)
{
	struct statfs system;
	struct stat status;

	return fstatfs(fd, &system) == 0 && system.f_type == TMPFS_MAGIC &&
	       fstat(fd, &status) == 0 && S_ISDIR(status.st_mode);
}

static int take_mount(struct images_result *result, int *fd, int wanted,
		      struct arena *arena, struct error *err)
{
	if ((int)result->mount_count == wanted)
		return error_set(err, ERROR_IMAGE,
				 "understand sbx-image: a mount too many");
	if (*fd < 0 || !is_memory(*fd))
		return error_set(err, ERROR_IMAGE,
				 "understand sbx-image: that is no root in memory");
	if (!result->mounts)
		result->mounts =
			arena_alloc_array(arena, (size_t)wanted, sizeof(*result->mounts));
	result->mounts[result->mount_count++] = fd_take(fd);
	return 1;
}

static int take_note(struct images_result *result, const char *text, struct arena *arena,
		     struct error *err)
{
	if (result->note_count == NOTES_MAX)
		return error_set(err, ERROR_IMAGE,
				 "understand sbx-image: it tells too much");
	result->notes = arena_grow(arena, result->notes, result->note_count,
				   sizeof(*result->notes));
	result->notes[result->note_count++] = arena_strdup(arena, text);
	return 1;
}

static int take_document(struct images_result *result, int fd, struct arena *arena,
			 struct error *err)
{
	struct json_value *document;

	if (result->document_count == IMAGES_DOCUMENTS_MAX)
		return error_set(err, ERROR_IMAGE,
				 "understand sbx-image: it tells too much");
	document = image_document_read(fd, arena, err);
	if (!document)
		return -1;
	result->documents[result->document_count++] = document;
	return 0;
}

/* 1: it goes on; 0: it is done; -1: it failed. */
static int take_turn(const struct image_job *job, const struct image_turn *turn, int *fd,
		     struct progress *progress, struct arena *arena,
		     struct images_result *result, struct error *err)
{
	switch (turn->kind) {
	case IMAGE_TURN_PROGRESS:
		progress_show(progress, turn->done, turn->total);
		return 1;
	case IMAGE_TURN_NOTE:
		return take_note(result, turn->text, arena, err);
	case IMAGE_TURN_DOCUMENT:
		return take_document(result, *fd, arena, err) < 0 ? -1 : 1;
	case IMAGE_TURN_MOUNT:
		return take_mount(result, fd, job->mounts, arena, err);
	case IMAGE_TURN_DONE:
		return 0;
	case IMAGE_TURN_FAILED:
		return -1; /* err is what it said */
	}
	return error_set(err, ERROR_IMAGE, "understand sbx-image");
}

/*
 * Whoever has something to put in order blocks the signals that end us, which then only end
 * the work: they stay pending, and come when they are let in again. What puts in order is
 * not ended by them. -1: none of them is blocked.
 */
static int open_signals(enum image_task task)
{
	static const int ends[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	sigset_t awaited, blocked;
	bool any = false;

	sigemptyset(&awaited);
	if (task == IMAGE_TASK_REMOVE || sigprocmask(SIG_BLOCK, NULL, &blocked) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		if (sigismember(&blocked, ends[i]) != 1)
			continue;
		sigaddset(&awaited, ends[i]);
		any = true;
	}
	return any ? signalfd(-1, &awaited, SFD_CLOEXEC) : -1;
}

static int await_turn(int socket, int signals, struct error *err)
{
	struct pollfd ends[] = { { .fd = socket, .events = POLLIN },
				 { .fd = signals, .events = POLLIN } };

	while (poll(ends, 2, -1) < 0)
		if (errno != EINTR)
			return error_errno(err, "wait for sbx-image");
	if (ends[1].revents)
		return error_set(err, ERROR_IMAGE, "read the image: a signal ended that");
	return 0;
}

/* 0: it said that it is done; 1: it went without a word; -1: it failed. */
static int converse(int socket, const struct image_job *job, struct progress *progress,
		    struct arena *arena, struct images_result *result, struct error *err)
{
	auto_close int signals = open_signals(job->task);

	for (;;) {
		auto_close int fd = -1;
		struct image_turn turn;
		int got, next;

		if (await_turn(socket, signals, err) < 0)
			return -1;
		got = image_turn_receive(socket, &turn, err, &fd);
		if (got == 0 || (got < 0 && errno == ECONNRESET))
			return 1;
		if (got < 0)
			return error_errno_id(err, ERROR_IMAGE, "hear sbx-image");
		next = take_turn(job, &turn, &fd, progress, arena, result, err);
		if (next <= 0)
			return next;
	}
}

/* What would have helped: an image in memory counts with who wrote it. */
static int advise(const struct image_job *job, struct error *err)
{
	if (job->task == IMAGE_TASK_EXTRACT && !job->into)
		return error_hint(err, "without --no-cache an image is kept on the disk");
	return -1;
}

/* It ended without a word: what the kernel says of it. Whose arena is full says nothing more. */
static int explain_death(const struct image_job *job, int status, struct error *err)
{
	const int number = WIFSIGNALED(status) ? WTERMSIG(status) : 0;

	if (number == SIGKILL) {
		error_set(err, ERROR_RESOURCES,
			  "read the image: sbx-image was killed, as where memory or time "
			  "for it runs out (ulimit -t)");
		return advise(job, err);
	}
	if (!number && WEXITSTATUS(status) == ARENA_FULL)
		return error_set(err, ERROR_RESOURCES,
				 "read the image: it takes more memory to understand "
				 "than sbx-image may have");
	if (number == SIGSYS)
		return error_set(err, ERROR_IMAGE,
				 "read the image: sbx-image made a system call that it "
				 "must not make, and was killed");
	if (number)
		return error_set(err, ERROR_IMAGE,
				 "read the image: sbx-image died of signal %d", number);
	return error_set(err, ERROR_IMAGE,
			 "read the image: sbx-image ended with status %d",
			 WEXITSTATUS(status));
}

static int reap(struct worker *worker)
{
	int status = 0;

	(void)kill(worker->pid, SIGKILL);
	while (waitpid(worker->pid, &status, 0) < 0 && errno == EINTR)
		;
	fd_close(&worker->pidfd);
	return status;
}

/* Nothing that it still does counts. Who went without a word is to tell how, if it ends soon. */
static int end(struct worker *worker, int said)
{
	struct pollfd gone = { .fd = worker->pidfd, .events = POLLIN };

	if (said > 0)
		(void)poll(&gone, 1, END_WAIT_MS);
	return reap(worker);
}

static int map_and_open(struct worker *worker, int gate, struct error *err)
{
	if (!worker->mapped_by_parent)
		return 0;
	if (ids_map_child(worker->ids, worker->pid, err) < 0)
		return -1;
	if (fd_write_all(gate, "", 1) < 0)
		return error_errno(err, "tell sbx-image that its ids are mapped");
	return 0;
}

static int start(struct worker *worker, int *gate, struct error *err)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_errno(err, "make a pipe");
	worker->gate = ends[0];
	*gate = ends[1];
	worker->pid = sys_clone_child(CLONE_FLAGS, &worker->pidfd);
	if (worker->pid == 0) {
		close(ends[1]);
		work(worker);
	}
	fd_close(&worker->gate);
	return worker->pid < 0 ? namespaces_explain_refusal(errno, err) : 0;
}

int images_do(const struct ids_spec *ids, struct image_job *job, const char *title,
	      struct arena *arena, struct images_result *ret_result, struct error *err)
{
	struct images_result result = { .document_count = 0 };
	struct progress progress = { .title = title };
	const struct ids_spec own = one_id(arena);
	struct worker worker = { .ids = ids ? ids : &own,
				 .job = job,
				 .arena = arena,
				 .gate = -1,
				 .pidfd = -1 };
	auto_close int own_end = -1;
	auto_close int gate = -1;
	int ends[2], said, status;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return error_errno(err, "make a socket pair");
	own_end = ends[0];
	job->socket = ends[1];
	worker.mapped_by_parent = ids_mapped_by_parent(worker.ids);
	if (start(&worker, &gate, err) < 0) {
		fd_close(&job->socket);
		return -1;
	}
	fd_close(&job->socket);
	if (map_and_open(&worker, gate, err) < 0) {
		(void)reap(&worker);
		return -1;
	}
	said = converse(own_end, job, &progress, arena, &result, err);
	progress_clear(&progress);
	status = end(&worker, said);
	if (said > 0)
		said = explain_death(job, status, err);
	if (said < 0) {
		images_result_close(&result);
		return -1;
	}
	*ret_result = result;
	return 0;
}

void images_result_close(struct images_result *result)
{
	for (size_t i = 0; i < result->mount_count; i++)
		fd_close(&result->mounts[i]);
	result->mount_count = 0;
}

/* ---- the ids of a user ------------------------------------------------------------------ */

static int read_subids(enum subid_kind kind, struct subid_range *ret_ranges,
		       struct error *err)
{
	struct account account;
	const int missing = account_by_uid(-1, geteuid(), &account, err);
	int count;

	if (missing < 0)
		return -1;
	count = subids_of_user(kind, geteuid(), missing ? NULL : account.name, ret_ranges,
			       SUBIDS_MAX, err);
	if (count > SUBIDS_MAX)
		count = SUBIDS_MAX;
	return count < 0 ? -1 : subids_keep_mapped(kind, ret_ranges, count);
}

int images_default_ids(struct arena *arena, struct ids_spec *ret_ids, bool *ret_single,
		       struct error *err)
{
	struct subid_range uids[SUBIDS_MAX], gids[SUBIDS_MAX];
	int uid_count = read_subids(SUBID_UID, uids, err);
	int gid_count = uid_count < 0 ? -1 : read_subids(SUBID_GID, gids, err);

	if (uid_count < 0 || gid_count < 0)
		return -1;
	if (!uid_count || !gid_count)
		uid_count = gid_count = 0;
	*ret_ids =
		(struct ids_spec){ .uids = make_map(arena, geteuid(), uids, uid_count),
				   .gids = make_map(arena, getegid(), gids, gid_count) };
	ret_ids->keep_groups = uid_count == 0;
	if (uid_count && ids_need_helper(ret_ids) && ids_helpers_are_powerless()) {
		*ret_ids = one_id(arena);
		uid_count = 0;
	}
	*ret_single = uid_count == 0;
	return 0;
}
