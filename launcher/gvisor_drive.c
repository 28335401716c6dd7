/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runsc's commands, as children of the init. `create` leaves two processes behind, which become
 * the init's children: the sandbox process, whose status is that of the command, and its
 * gofer. `run` and `wait` are not used: `run` loses signals, `wait` loses short commands.
 */
#include "launcher/gvisor_drive.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/files.h"
#include "base/text.h"
#include "launcher/child.h"
#include "launcher/command.h"
#include "launcher/execute.h"
#include "launcher/gvisor_log.h"
#include "plan/plan.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BINARY   GVISOR_DIR "/runsc"
#define PID_FILE GVISOR_BUNDLE "/pid"
#define OUTPUT   GVISOR_LOGS "/output"

enum {
	STEP_MS = 30000, /* for create and for start: hundreds of times what they take */
	SAID_MAX = 1 << 18,
};

/* ---- its words --------------------------------------------------------------------------- */

void runsc_add(struct words *words, const char *word)
{
	if (words->count < sizeof(words->list) / sizeof(*words->list) - 1)
		words->list[words->count++] = word;
	words->list[words->count] = NULL;
}

/* To know its sandbox again, runsc needs nothing but its --root. */
void runsc_begin(struct words *words, const char *state)
{
	words->count = 0;
	snprintf(words->root, sizeof(words->root), "--root=%s", state);
	runsc_add(words, "runsc");
	runsc_add(words, words->root);
}

/* Which network stack it is to have: without a served network there is nothing to take over. */
static const char *network_word(const struct plan *plan)
{
	if (plan->runtime.net == GVISOR_NET_HOST)
		return "--network=host";
	if (plan->runtime.net == GVISOR_NET_NONE || plan->net.mode == NET_PLAIN)
		return "--network=none";
	return "--network=sandbox";
}

static const char *platform_word(enum gvisor_platform platform)
{
	static const char *const words[PLATFORM_COUNT] = {
		[PLATFORM_SYSTRAP] = "--platform=systrap",
		[PLATFORM_PTRACE] = "--platform=ptrace",
		[PLATFORM_KVM] = "--platform=kvm",
	};

	return words[platform];
}

/*
 * What is said about files: the root is read-only where the plan says so by the host's kernel,
 * and nobody else changes it while the sandbox runs.
 */
static void add_file_words(struct words *words, const struct gvisor_choice *choice)
{
	const unsigned int flags = choice->binary.flags;

	if (flags & GVISOR_DIRECTFS)
		runsc_add(words,
			  choice->directfs ? "--directfs=true" : "--directfs=false");
	if (flags & GVISOR_OVERLAY2)
		runsc_add(words, "--overlay2=none");
	if (flags & GVISOR_FILE_ACCESS)
		runsc_add(words, "--file-access=exclusive");
	if (flags & GVISOR_HOST_UDS)
		runsc_add(words, "--host-uds=none");
	if (flags & GVISOR_HOST_FIFO)
		runsc_add(words, "--host-fifo=none");
}

static void begin(struct words *words, const struct child *child)
{
	const struct gvisor_choice *choice = &child->gvisor->choice;
	const unsigned int flags = choice->binary.flags;

	runsc_begin(words, child->gvisor->state);
	runsc_add(words, "--ignore-cgroups");
	runsc_add(words, network_word(child->plan));
	runsc_add(words, platform_word(choice->platform));
	runsc_add(words, "--log=" GVISOR_LOGS "/log");
	runsc_add(words, "--log-format=json");
	runsc_add(words, "--debug-log=" GVISOR_LOGS "/");
	if (flags & GVISOR_PANIC_LOG)
		runsc_add(words, "--panic-log=" GVISOR_PANIC);
	add_file_words(words, choice);
	if (flags & GVISOR_HOST_SETTINGS)
		runsc_add(words, "--host-settings=ignore");
	if (flags & GVISOR_OCI_SECCOMP)
		runsc_add(words, "--oci-seccomp");
	if (flags & GVISOR_NET_RAW &&
	    child->plan->policy.caps.kept & caps_by_name("NET_RAW"))
		runsc_add(words, "--net-raw");
	if (flags & GVISOR_SIDECAR_RELEASE)
		runsc_add(words, "--sidecar-release-enforcement-policy=ALWAYS");
	if (flags & GVISOR_SIDECAR_USAGE)
		runsc_add(words, "--sidecar-usage-policy=STRICT");
}

static void end(struct words *words, const char *const *rest)
{
	for (; *rest; rest++)
		runsc_add(words, *rest);
}

/* ---- its processes ----------------------------------------------------------------------- */

pid_t runsc_spawn(const struct words *words, const int *streams)
{
	static const char *const environment[] = { "PATH=" GVISOR_DIR, NULL };
	auto_close int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	auto_close int output =
		open(OUTPUT,
		     O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
		     0600);
	pid_t pid = vfork();

	if (pid != 0)
		return pid;
	for (int fd = 0; fd <= 2; fd++) {
		const int own = fd == 0 ? null : output;

		if (dup2(streams ? streams[fd] : own, fd) < 0)
			_exit(125);
	}
	command_reset_signals();
	execve(BINARY, (char *const *)(uintptr_t)words->list,
	       (char *const *)(uintptr_t)environment);
	_exit(126);
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* 0: it has ended, with that status; -1: not in time, and it was killed. */
static int await(const struct child *child, pid_t pid, int *ret_status)
{
	const uint64_t until = now_ms() + STEP_MS;

	while (waitpid(pid, ret_status, WNOHANG) == 0) {
		struct pollfd event = { .fd = child->signals, .events = POLLIN };
		struct signalfd_siginfo info;
		const uint64_t now = now_ms();

		if (now >= until) {
			(void)kill(pid, SIGKILL);
			(void)waitpid(pid, ret_status, 0);
			return -1;
		}
		if (poll(&event, 1, (int)(until - now)) > 0)
			(void)!read(child->signals, &info, sizeof(info));
	}
	return 0;
}

/* ---- what it said ------------------------------------------------------------------------ */

/* Its beginning, NUL-ended, in the arena; "" where there is nothing. */
static const char *read_said(struct arena *arena, const char *path)
{
	char *text = arena_alloc(arena, SAID_MAX + 1);
	auto_close int file = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	const ssize_t got = file < 0 ? -1 : fd_read_all(file, text, SAID_MAX);

	text[got > 0 ? got : 0] = '\0';
	return text;
}

/* What it wrote to the command's standard error, before there was a command. */
static const char *read_streams(struct arena *arena, const struct gvisor_streams *streams)
{
	char *text = arena_alloc(arena, SAID_MAX);

	(void)gvisor_streams_words(streams, text, SAID_MAX);
	return text;
}

/* All that its processes have written, as it is given to the launcher. */
static const char *read_debug(struct arena *arena)
{
	char *text = arena_alloc(arena, SAID_MAX + 1);
	auto_close int file = gvisor_log_gather(GVISOR_LOGS);
	const ssize_t got = file < 0 ? -1 : pread(file, text, SAID_MAX, 0);

	text[got > 0 ? got : 0] = '\0';
	return text;
}

int runsc_explain(const struct child *child, const char *output, struct error *err)
{
	struct arena arena = { 0 };
	const struct gvisor_words words = {
		.output = output,
		.log = read_said(&arena, GVISOR_LOGS "/log"),
		.panic = read_said(&arena, GVISOR_PANIC),
		.debug = read_debug(&arena),
	};

	(void)gvisor_explain(&words, &child->gvisor->choice, err);
	arena_free(&arena);
	return -1;
}

/* What failed without a word of runsc's. */
static int refuse(const struct child *child, const char *command, int failed, int status,
		  struct error *err)
{
	gvisor_log_send(child->socket);
	if (failed)
		error_set(err, ERROR_RUNSC_START, "start gVisor: runsc %s hangs",
			  command);
	else if (WIFSIGNALED(status))
		error_set(err, ERROR_RUNSC_START,
			  "start gVisor: runsc %s was killed by signal %d", command,
			  WTERMSIG(status));
	return -1;
}

/* ---- create ------------------------------------------------------------------------------ */

int gvisor_configure(struct child *child, struct error *err)
{
	struct gvisor_start *start = child->gvisor;
	struct execution *execution = start->execution;
	struct gvisor_inside inside = {
		.uid = child->uid,
		.gid = child->gid,
		.groups = child->groups,
		.group_count = child->group_count,
		.env = child->plan->process.env,
		.program = execution->path,
		.own_uid = geteuid(),
		.own_gid = getegid(),
		.root = GVISOR_ROOT,
		.filters = start->choice.binary.flags & GVISOR_OCI_SECCOMP,
	};

	(void)err;
	/* gVisor's own execve(2) is all there is: nobody could try the shell afterwards. */
	execution_prepare_shell(execution);
	if (execution->shell_words[0])
		inside.argv = execution->shell_words;
	command_complete_environment(child);
	start->config = plan_to_gvisor(child->plan, &inside, &start->arena);
	return 0;
}

static int write_bundle(const struct gvisor_start *start, struct error *err)
{
	if (files_replace(AT_FDCWD, GVISOR_BUNDLE "/config.json", start->config,
			  strlen(start->config), 0600) < 0)
		return error_errno(err, "write the bundle for runsc");
	return 0;
}

/* Of our own children: for the end of any other we would wait in vain. */
static int read_pid(struct arena *arena, pid_t *ret_pid)
{
	char text[16];
	siginfo_t info;
	uint32_t pid;

	snprintf(text, sizeof(text), "%s", read_said(arena, PID_FILE));
	text[strcspn(text, "\n")] = '\0';
	if (text_to_u32(text, &pid) < 0 || pid < 2 || pid > INT_MAX ||
	    waitid(P_PID, pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0)
		return -1;
	*ret_pid = (pid_t)pid;
	return 0;
}

int gvisor_create(struct child *child, struct error *err)
{
	static const char *const rest[] = { "--bundle=" GVISOR_BUNDLE,
					    "--pid-file=" PID_FILE, GVISOR_ID, NULL };
	struct gvisor_streams *streams = &child->gvisor->streams;
	struct arena arena = { 0 };
	struct words words;
	int status = 0;
	int failed;
	pid_t pid;

	if (write_bundle(child->gvisor, err) < 0)
		return -1;
	begin(&words, child);
	runsc_add(&words, "create");
	if (streams->console >= 0)
		runsc_add(&words, "--console-socket=" GVISOR_CONSOLE);
	end(&words, rest);
	pid = runsc_spawn(&words, streams->inner);
	if (pid < 0)
		return error_errno_id(err, ERROR_RESOURCES, "make a process for runsc");
	failed = await(child, pid, &status);
	if (!failed && status == 0 && read_pid(&arena, &child->command) == 0) {
		arena_free(&arena);
		return 0;
	}
	if (refuse(child, "create", failed, status, err) && !failed && WIFEXITED(status))
		(void)runsc_explain(child, read_streams(&arena, streams), err);
	arena_free(&arena);
	return -1;
}

/* ---- start, and kill --------------------------------------------------------------------- */

int gvisor_go(struct child *child, struct error *err)
{
	static const char *const rest[] = { "start", GVISOR_ID, NULL };
	struct arena arena = { 0 };
	struct words words;
	int status = 0;
	int failed;
	pid_t pid;

	begin(&words, child);
	end(&words, rest);
	pid = runsc_spawn(&words, NULL);
	if (pid < 0)
		return error_errno_id(err, ERROR_RESOURCES, "make a process for runsc");
	failed = await(child, pid, &status);
	if (!failed && status == 0)
		return 0;
	if (refuse(child, "start", failed, status, err) && !failed && WIFEXITED(status))
		(void)runsc_explain(child, read_said(&arena, OUTPUT), err);
	arena_free(&arena);
	return -1;
}

/* ---- the end ----------------------------------------------------------------------------- */

int gvisor_judge(const struct child *child, int status, struct error *err)
{
	if (child->joins || !gvisor_log_has_panic(GVISOR_PANIC, status, err))
		return 0;
	gvisor_log_send(child->socket);
	return -1;
}
