/* SPDX-License-Identifier: Apache-2.0 */
#include "launcher/oci_gvisor.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/files.h"
#include "base/syscalls.h"
#include "base/text.h"
#include "launcher/command.h"
#include "launcher/container_files.h"
#include "launcher/container_life.h"
#include "launcher/gvisor.h"
#include "launcher/gvisor_log.h"
#include "launcher/state_files.h"
#include "plan/plan.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	STEP_MS = 60000, /* hooks are among what is waited for */
	DYING_MS = 10000,
	REAP_MS = 20,
	SAID_MAX = 1 << 16,
	UNPREPARED = 124,
};

/* ---- its words --------------------------------------------------------------------------- */

struct words {
	struct arena *arena;
	const char **list;
	size_t count;
};

static void add(struct words *words, const char *word)
{
	words->list = arena_grow(words->arena, (const void *)words->list, words->count,
				 sizeof(*words->list));
	words->list[words->count++] = word;
}

/* The directory of an entry, by its name. */
static int place_of(const struct container_entry *entry, char *path, size_t size,
		    struct error *err)
{
	char link[32];
	ssize_t length;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", entry->dir);
	length = readlink(link, path, size - 1);
	if (length < 0)
		return container_refuse(err, "find the directory of the container");
	path[length] = '\0';
	return 0;
}

/* Cgroups are runsc's own where it may make them: as root of the machine. */
static bool ignores_cgroups(const struct container_options *options)
{
	char map[64] = "";

	(void)!files_read(AT_FDCWD, "/proc/self/uid_map", map, sizeof(map) - 1);
	return options->no_cgroup || !strstr(map, "4294967295");
}

static void add_flags(struct words *words, const struct gvisor_choice *choice)
{
	const unsigned int flags = choice->binary.flags;

	if (flags & GVISOR_DIRECTFS)
		add(words, choice->directfs ? "--directfs=true" : "--directfs=false");
	/* What a container writes belongs to the engine's root, from which it makes images. */
	if (flags & GVISOR_OVERLAY2)
		add(words, "--overlay2=none");
	if (flags & GVISOR_HOST_SETTINGS)
		add(words, "--host-settings=ignore");
	if (flags & GVISOR_SIDECAR_RELEASE)
		add(words, "--sidecar-release-enforcement-policy=ALWAYS");
	if (flags & GVISOR_SIDECAR_USAGE)
		add(words, "--sidecar-usage-policy=STRICT");
}

static const char *const *make_words(const struct plan *plan,
				     const struct container_options *options,
				     const struct gvisor_choice *choice,
				     const char *place, struct arena *arena)
{
	struct words words = { .arena = arena };

	add(&words, arena_strdup(arena, choice->binary.path));
	add(&words, arena_printf(arena, "--root=%s/runsc", place));
	add(&words, arena_printf(arena, "--log=%s/log/log", place));
	add(&words, "--log-format=json");
	add(&words, arena_printf(arena, "--debug-log=%s/log/", place));
	if (choice->binary.flags & GVISOR_PANIC_LOG)
		add(&words, arena_printf(arena, "--panic-log=%s/log/panic", place));
	add(&words,
	    arena_printf(arena, "--platform=%s", gvisor_platform_name(choice->platform)));
	add(&words, plan->runtime.net == GVISOR_NET_HOST ? "--network=host"
							 : "--network=sandbox");
	if (ignores_cgroups(options))
		add(&words, "--ignore-cgroups");
	else if (options->systemd_cgroup)
		add(&words, "--systemd-cgroup");
	add_flags(&words, choice);
	add(&words, NULL);
	return words.list;
}

/* The words of the record, then the command's: NULL-ended lists. */
static const char *const *join(const struct container_record *record,
			       const char *const *more, const char *const *rest,
			       struct arena *arena)
{
	struct words words = { .arena = arena };

	for (const char *const *at = record->runsc; *at; at++)
		add(&words, *at);
	for (; *more; more++)
		add(&words, *more);
	for (; rest && *rest; rest++)
		add(&words, *rest);
	add(&words, NULL);
	return words.list;
}

/* ---- its processes ----------------------------------------------------------------------- */

struct step {
	const struct container_entry *entry;
	const struct container_record *record;
	const char *const *words;
	bool silent;  /* without the caller's streams */
	bool prepare; /* oci_gvisor_hide_net_core() */
	bool reaps; /* whoever of the container's has become our child: nobody asks any more */
};

static _Noreturn void become(const struct step *step)
{
	auto_close int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (step->silent && (dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0))
		_exit(125);
	if (step->prepare && oci_gvisor_hide_net_core(step->record) < 0)
		_exit(UNPREPARED);
	command_reset_signals();
	execv(step->words[0], (char *const *)(uintptr_t)step->words);
	_exit(126);
}

/* As files_read(), NUL-ended, in the arena; "" where there is nothing. */
static const char *read_said(const struct container_entry *entry, const char *name,
			     struct arena *arena)
{
	char *text = arena_alloc(arena, SAID_MAX + 1);
	ssize_t length = files_read(entry->dir, name, text, SAID_MAX);

	text[length > 0 ? length : 0] = '\0';
	return text;
}

static int explain(const struct step *step, const struct gvisor_choice *choice,
		   struct error *err)
{
	const struct gvisor_choice none = { .directfs = false };
	struct arena arena = { 0 };
	const char *log = read_said(step->entry, "log/log", &arena);
	const struct gvisor_words words = {
		.output = log,
		.log = log,
		.panic = read_said(step->entry, "log/panic", &arena),
	};

	(void)gvisor_explain(&words, choice ? choice : &none, err);
	arena_free(&arena);
	return -1;
}

/* Before each time that it is executed: what was found at `create` may be another by now. */
static int verify(const struct container_record *record, struct error *err)
{
	const struct runtime_spec spec = { .runsc = record->runsc[0],
					   .pin = record->runsc_pin };
	struct gvisor_binary binary;

	return gvisor_find(&spec, &binary, err);
}

/* `runsc delete` waits for seconds until who was its gofer is no zombie of ours any more. */
static void reap_others(pid_t but)
{
	siginfo_t info = { 0 };

	while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid &&
	       info.si_pid != but) {
		(void)waitpid(info.si_pid, NULL, 0);
		info.si_pid = 0;
	}
}

/* false: not in time. */
static bool await(const struct step *step, pid_t pid, int pidfd)
{
	struct pollfd end = { .fd = pidfd, .events = POLLIN };

	if (!step->reaps)
		return poll(&end, 1, STEP_MS) != 0;
	for (int waited = 0; waited < STEP_MS; waited += REAP_MS) {
		reap_others(pid);
		if (poll(&end, 1, REAP_MS) != 0)
			return true;
	}
	return false;
}

/*
 * 0: it has ended with 0; else err. A step that hangs is ended. choice: what runsc was just
 * verified for; NULL: it was not.
 */
static int take_step(const struct step *step, const struct gvisor_choice *choice,
		     struct error *err)
{
	int status = 0;
	int pidfd = -1;
	pid_t pid;

	if (!choice && verify(step->record, err) < 0)
		return -1;
	/* What it says now is about this step. */
	(void)unlinkat(step->entry->dir, "log/log", 0);
	pid = sys_clone_child(0, &pidfd);
	if (pid == 0)
		become(step);
	if (pid < 0)
		return error_errno_id(err, ERROR_RESOURCES, "make a process for runsc");
	if (!await(step, pid, pidfd))
		(void)kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	fd_close(&pidfd);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (WIFEXITED(status) && WEXITSTATUS(status) == UNPREPARED) {
		error_set(err, ERROR_RUNSC_START,
			  "hide /proc/sys/net/core from this release of runsc");
		return error_hint(err,
				  "one from 20240807 on needs it not (gvisor#10704)");
	}
	if (WIFSIGNALED(status))
		return error_set(err, ERROR_RUNSC_START,
				 "go on: runsc was ended by signal %d", WTERMSIG(status));
	return explain(step, choice, err);
}

static int command(const struct container_entry *entry,
		   const struct container_record *record, const char *const *words,
		   struct error *err)
{
	struct arena arena = { 0 };
	const struct step step = { .entry = entry,
				   .record = record,
				   .words = join(record, words, NULL, &arena),
				   .silent = true };
	const int failed = take_step(&step, NULL, err);

	arena_free(&arena);
	return failed;
}

static int take_away(const struct container_entry *entry,
		     const struct container_record *record, struct error *err);

/* ---- create ------------------------------------------------------------------------------ */

static int check(const struct plan *plan, const struct container_options *options,
		 struct error *err)
{
	if (geteuid() != 0) {
		error_set(
			err, ERROR_RUNSC_START,
			"hand the bundle to runsc: that takes who is root, if only of a "
			"user namespace");
		return error_hint(err, "sbx unshare sbx-oci --runtime runsc …, an engine "
				       "without root, or sbx run --runtime runsc");
	}
	if (plan->process.terminal && !options->console_socket) {
		error_set(err, ERROR_USAGE,
			  "create a terminal that nobody would hold: with runsc "
			  "process.terminal takes a console socket");
		return error_hint(err, "--console-socket PATH takes it");
	}
	return 0;
}

/* Whose ids are those of the caller's namespace, nobody's among them. */
static int choose(const struct plan *plan, struct gvisor_choice *ret_choice,
		  struct error *err)
{
	static const struct id_range all = { 0, 0, UINT32_MAX };
	struct plan here = *plan;

	here.ids.uids = here.ids.gids = (struct id_map){ &all, 1 };
	return gvisor_choose(&here, ret_choice, err);
}

/* Its name from wherever: a relative one is the caller's of now. */
static int keep_pin(const struct plan *plan, struct container_record *record,
		    struct arena *arena, struct error *err)
{
	char path[PATH_MAX];

	if (!plan->runtime.pin)
		return 0;
	if (!realpath(plan->runtime.pin, path))
		return error_errno_id(err, ERROR_RUNSC_PIN, "read %s", plan->runtime.pin);
	record->runsc_pin = arena_strdup(arena, path);
	return 0;
}

static int mark(const struct container_entry *entry, const char *name, struct error *err)
{
	if (files_replace(entry->dir, name, "", 0, 0600) < 0)
		return container_refuse(err, "write the record of container %.100s",
					entry->id);
	return 0;
}

static int read_pid(const struct container_entry *entry, struct container_record *record,
		    struct error *err)
{
	char text[16], state;
	uint32_t pid = 0;
	ssize_t length = files_read(entry->dir, "pid", text, sizeof(text) - 1);

	text[length > 0 ? length : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	if (text_to_u32(text, &pid) < 0 || pid < 2 || pid > INT_MAX ||
	    state_read_stat((pid_t)pid, &state, &record->start_time) < 0)
		return error_set(err, ERROR_RUNSC_START,
				 "create the container: runsc has not told its process");
	record->pid = (pid_t)pid;
	return 0;
}

/*
 * runsc gives its streams to a user of its own, as which it reads and writes them from then on;
 * a terminal or a file would stay with that user.
 */
static void look_at_streams(struct stat owners[3])
{
	for (int fd = 0; fd <= 2; fd++)
		if (fstat(fd, &owners[fd]) < 0)
			owners[fd].st_mode = 0;
}

static void restore_streams(const struct stat owners[3])
{
	struct stat now;

	for (int fd = 0; fd <= 2; fd++)
		if (owners[fd].st_mode && fstat(fd, &now) == 0 &&
		    (now.st_uid != owners[fd].st_uid || now.st_gid != owners[fd].st_gid))
			(void)!fchown(fd, owners[fd].st_uid, owners[fd].st_gid);
}

static int run_create(const struct container_options *options, const char *place,
		      const struct gvisor_choice *choice,
		      const struct container_entry *entry,
		      const struct container_record *record, struct arena *arena,
		      struct error *err)
{
	const char *const words[] = {
		"create",
		arena_printf(arena, "--bundle=%s", record->bundle),
		arena_printf(arena, "--pid-file=%s/pid", place),
		options->console_socket ? arena_printf(arena, "--console-socket=%s",
						       options->console_socket)
					: entry->id,
		options->console_socket ? entry->id : NULL,
		NULL,
	};
	const struct step step = { .entry = entry,
				   .record = record,
				   .words = join(record, words, NULL, arena) };
	auto_close int log = -1;
	struct stat owners[3];
	int failed;

	look_at_streams(owners);
	failed = take_step(&step, choice, err);
	restore_streams(owners);
	if (!failed)
		return 0;
	log = gvisor_log_gather(arena_printf(arena, "%s/log", place));
	gvisor_log_keep(log, err);
	return -1;
}

static int tell(const struct container_options *options, pid_t pid, int pidfd,
		struct error *err)
{
	if (options->pidfd_socket &&
	    container_send_fd(options->pidfd_socket, "pidfd", pidfd, err) < 0)
		return -1;
	return options->pid_file ? container_write_pid(options->pid_file, pid, err) : 0;
}

static int make(const struct plan *plan, const struct container_options *options,
		const struct container_entry *entry, struct container_record *record,
		struct arena *arena, struct error *err)
{
	struct gvisor_choice choice;
	char place[PATH_MAX];

	if (check(plan, options, err) < 0 || choose(plan, &choice, err) < 0 ||
	    keep_pin(plan, record, arena, err) < 0 ||
	    place_of(entry, place, sizeof(place), err) < 0)
		return -1;
	if (mkdirat(entry->dir, "runsc", 0700) < 0 ||
	    mkdirat(entry->dir, "log", 0700) < 0)
		return container_refuse(err, "make a place for runsc's state");
	record->runsc = make_words(plan, options, &choice, place, arena);
	record->hides_net_core =
		choice.hides_net_core && plan->runtime.net != GVISOR_NET_HOST;
	/* So that it is found again, should we be killed on the way. */
	if (mark(entry, CONTAINER_CREATED_FILE, err) < 0 ||
	    container_write(entry, record, err) < 0 ||
	    run_create(options, place, &choice, entry, record, arena, err) < 0)
		return -1;
	if (read_pid(entry, record, err) < 0 || container_write(entry, record, err) < 0) {
		(void)take_away(entry, record, &(struct error){ 0 });
		return -1;
	}
	return 0;
}

int oci_gvisor_create(const struct plan *plan, const struct container_options *options,
		      const struct container_entry *entry,
		      struct container_record *record, struct arena *arena,
		      struct container_handle *ret_handle, struct error *err)
{
	/* What runsc leaves behind becomes our child, whose status is the command's. */
	if (options->attached && prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
		return error_errno(err, "become who reaps the container");
	if (make(plan, options, entry, record, arena, err) < 0)
		return -1;
	ret_handle->pid = record->pid;
	ret_handle->pidfd = sys_pidfd_open(record->pid, 0);
	if (ret_handle->pidfd < 0)
		error_errno(err, "find the process of the container");
	else if (tell(options, record->pid, ret_handle->pidfd, err) == 0)
		return 0;
	fd_close(&ret_handle->pidfd);
	(void)take_away(entry, record, &(struct error){ 0 });
	return -1;
}

/* ---- later ------------------------------------------------------------------------------- */

int oci_gvisor_start(const struct container_entry *entry,
		     const struct container_record *record, struct error *err)
{
	const char *const words[] = { "start", record->id, NULL };
	struct arena arena = { 0 };
	const struct step step = { .entry = entry,
				   .record = record,
				   .words = join(record, words, NULL, &arena),
				   .silent = true,
				   .prepare = record->hides_net_core };
	const int failed = take_step(&step, NULL, err);

	arena_free(&arena);
	if (!failed)
		(void)unlinkat(entry->dir, CONTAINER_CREATED_FILE, 0);
	return failed;
}

static int end_process(const struct container_record *record, struct error *err)
{
	auto_close int pidfd = container_open_process(record);
	struct pollfd end = { .fd = pidfd, .events = POLLIN };

	if (pidfd < 0)
		return error_set(err, ERROR_CONTAINER_STATE,
				 "signal %s: container not running", record->id);
	if (sys_pidfd_send_signal(pidfd, SIGKILL) < 0 && errno != ESRCH)
		return error_errno(err, "kill the process of %s", record->id);
	(void)poll(&end, 1, DYING_MS);
	return 0;
}

int oci_gvisor_kill(const struct container_entry *entry,
		    const struct container_record *record, int number, bool all,
		    struct error *err)
{
	const enum container_status status = container_status(entry, record);
	char text[16];
	const char *const words[] = { "kill", all ? "--all" : record->id,
				      all ? record->id : text, all ? text : NULL, NULL };

	snprintf(text, sizeof(text), "%d", number);
	if (status == CONTAINER_STOPPED)
		return error_set(err, ERROR_CONTAINER_STATE,
				 "signal %s: container not running", record->id);
	/* Nobody is in it yet who could take a signal. */
	if (status == CONTAINER_CREATED ||
	    (status == CONTAINER_PAUSED && number == SIGKILL))
		return number == SIGKILL || number == SIGTERM ? end_process(record, err)
							      : 0;
	if (number == 0)
		return 0;
	/* That takes no runsc: what cannot be trusted any more can be ended. */
	if (number == SIGKILL && verify(record, err) < 0)
		return end_process(record, err);
	return command(entry, record, words, err);
}

/* It may be that runsc knows nothing of it any more, or never did. */
static int take_away(const struct container_entry *entry,
		     const struct container_record *record, struct error *err)
{
	const char *const words[] = { "delete", "--force", record->id, NULL };
	struct arena arena = { 0 };
	const struct step step = { .entry = entry,
				   .record = record,
				   .words = join(record, words, NULL, &arena),
				   .silent = true,
				   .reaps = true };
	struct error ignored;

	(void)take_step(&step, NULL, &ignored);
	arena_free(&arena);
	if (record->pid == 0 || container_status(entry, record) == CONTAINER_STOPPED)
		return 0;
	return end_process(record, err);
}

int oci_gvisor_delete(struct container_entry *entry,
		      const struct container_record *record, bool force,
		      struct error *err)
{
	const enum container_status status = container_status(entry, record);

	if (!force && status != CONTAINER_STOPPED && record->pid > 0) {
		error_set(err, ERROR_CONTAINER_STATE,
			  "delete %s: container is not stopped: %s", record->id,
			  container_status_name(status));
		return error_hint(err, "--force kills it first");
	}
	if (take_away(entry, record, err) < 0)
		return -1;
	return container_remove(entry, err);
}

int oci_gvisor_freeze(const struct container_entry *entry,
		      const struct container_record *record, bool frozen,
		      struct error *err)
{
	const char *const words[] = { frozen ? "pause" : "resume", record->id, NULL };

	if (frozen == (container_status(entry, record) == CONTAINER_PAUSED))
		return error_set(err, ERROR_CONTAINER_STATE, "%s %.100s: container %s",
				 words[0], record->id,
				 frozen ? "is paused already" : "not paused");
	if (command(entry, record, words, err) < 0)
		return -1;
	if (frozen)
		return mark(entry, CONTAINER_PAUSED_FILE, err);
	(void)unlinkat(entry->dir, CONTAINER_PAUSED_FILE, 0);
	return 0;
}

int oci_gvisor_become(const struct container_record *record, const char *name,
		      const char *const *words, struct error *err)
{
	const char *const first[] = { name, NULL };
	struct arena arena = { 0 };
	const char *const *all;

	if (verify(record, err) < 0)
		return -1;
	all = join(record, first, words, &arena);
	fflush(stdout);
	execv(record->runsc[0], (char *const *)(uintptr_t)all);
	error_errno_id(err, ERROR_RUNSC_NOT_EXECUTABLE, "execute %s", record->runsc[0]);
	arena_free(&arena);
	return -1;
}
