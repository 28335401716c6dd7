/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hooks (runtime-spec, config.md, "POSIX-platform Hooks"; runtime.md, "Lifecycle"). Each is a
 * child in a process group of its own that dies with us. Its state comes through a pipe, so
 * that /dev/stdin can be opened; what it writes is read while it runs, of which the end is kept
 * for the error. What it leaves running is nobody's concern, unless it was out of time.
 */
#include "launcher/container.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/syscalls.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum end { END_READ, END_WRITE };

/* A hook that runs, as its parent sees it. */
struct running {
	const struct hook *hook;
	pid_t pid;
	int pidfd;
	int input, output;
	int signals; /* becomes readable when somebody wants us to end */
	const char *state;
	size_t state_left;
	char tail[512]; /* the end of what it wrote */
	size_t tail_length;
};

/* ---- the child ------------------------------------------------------------------------ */

struct ends {
	int input, output, errors, trouble;
	const char *directory; /* NULL: where we are */
};

/* With what is beside the three streams nothing of ours is inherited. */
static void close_others(int kept)
{
	if (kept > 3)
		(void)sys_close_range(3, (unsigned int)kept - 1, 0);
	(void)sys_close_range((unsigned int)kept + 1, UINT_MAX, 0);
}

/* Whether the parent still waits for what becomes of us: it alone reads from trouble. */
static bool parent_lives(int trouble)
{
	struct pollfd watched = { .fd = trouble, .events = 0 };

	return poll(&watched, 1, 0) == 0;
}

static int take_streams(const struct ends *ends)
{
	return dup2(ends->input, STDIN_FILENO) < 0 ||
			       dup2(ends->output, STDOUT_FILENO) < 0 ||
			       dup2(ends->errors, STDERR_FILENO) < 0
		       ? -1
		       : 0;
}

static __attribute__((noreturn)) void become(const struct hook *hook,
					     const struct ends *ends, int reader)
{
	const char *const alone[] = { hook->path, NULL };
	const char *const *argv = hook->argv ? hook->argv : alone;
	const char *const *env = hook->env ? hook->env : alone + 1;
	sigset_t none;
	int errnum;

	close(reader);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (!parent_lives(ends->trouble))
		_exit(1);
	(void)setpgid(0, 0);
	sigemptyset(&none);
	if (take_streams(ends) == 0) {
		close_others(ends->trouble);
		/* A bundle that is gone meanwhile, or closed to us, is no reason to fail. */
		if (ends->directory && chdir(ends->directory) < 0)
			(void)!chdir("/");
		sigprocmask(SIG_SETMASK, &none, NULL);
		execve(hook->path, (char *const *)(uintptr_t)argv,
		       (char *const *)(uintptr_t)env);
	}
	errnum = errno;
	(void)!write(ends->trouble, &errnum, sizeof(errnum));
	_exit(127);
}

/* ---- its streams ---------------------------------------------------------------------- */

/*
 * Writes what the pipe takes. A hook need not read its state: the signal for that is ours, and
 * must neither end us nor stay pending until somebody unblocks it.
 */
static void feed(struct running *run)
{
	const struct timespec at_once = { 0, 0 };
	sigset_t pipe_signal, before, pending;
	ssize_t length;
	int errnum;

	sigemptyset(&pipe_signal);
	sigaddset(&pipe_signal, SIGPIPE);
	sigpending(&pending);
	sigprocmask(SIG_BLOCK, &pipe_signal, &before);
	length = write(run->input, run->state, run->state_left);
	errnum = errno;
	if (length < 0 && errnum == EPIPE && !sigismember(&pending, SIGPIPE))
		(void)sigtimedwait(&pipe_signal, NULL, &at_once);
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (length < 0 && (errnum == EAGAIN || errnum == EINTR))
		return;
	if (length > 0) {
		run->state += length;
		run->state_left -= (size_t)length;
	}
	if (length < 0 || run->state_left == 0)
		fd_close(&run->input);
}

static void keep_end(struct running *run, const char *text, size_t length)
{
	size_t room = sizeof(run->tail);
	size_t kept = run->tail_length;

	if (length > room) {
		text += length - room;
		length = room;
	}
	if (kept > room - length)
		kept = room - length;
	memmove(run->tail, run->tail + run->tail_length - kept, kept);
	memcpy(run->tail + kept, text, length);
	run->tail_length = kept + length;
}

/* Takes one piece; whether there may be more at once. */
static bool take_output(struct running *run)
{
	char text[4096];
	ssize_t length = read(run->output, text, sizeof(text));

	if (length > 0) {
		keep_end(run, text, (size_t)length);
		return true;
	}
	if (length == 0 || (errno != EAGAIN && errno != EINTR))
		fd_close(&run->output);
	return false;
}

/* The last line of it that says anything, NUL-ended in place. */
static const char *last_line(struct running *run)
{
	size_t end = run->tail_length;
	size_t start;

	if (end == sizeof(run->tail))
		end--;
	while (end > 0 && (unsigned char)run->tail[end - 1] <= ' ')
		end--;
	start = end;
	while (start > 0 && run->tail[start - 1] != '\n')
		start--;
	run->tail[end] = '\0';
	return run->tail + start;
}

/* ---- its life --------------------------------------------------------------------------- */

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* What poll(2) may wait; 0 when the time is over, -1: for ever. */
static int time_left(int64_t until)
{
	int64_t left = until - now_ms();

	if (until < 0)
		return -1;
	if (left <= 0)
		return 0;
	return left > INT_MAX ? INT_MAX : (int)left;
}

static void kill_all(struct running *run)
{
	(void)kill(-run->pid, SIGKILL);
	/* It may not have its group yet. */
	(void)kill(run->pid, SIGKILL);
}

static int reap(const struct running *run, int *ret_status)
{
	pid_t done;

	do
		done = waitpid(run->pid, ret_status, 0);
	while (done < 0 && errno == EINTR);
	return done < 0 ? -1 : 0;
}

enum watched { WATCH_END, WATCH_SIGNALS, WATCH_OUTPUT, WATCH_INPUT, WATCHED };

/* Serves its streams once. Whether it has ended; *ret_why: it has to be killed, and for what. */
static bool serve(struct running *run, int64_t until, const char **ret_why)
{
	struct pollfd watched[WATCHED] = {
		[WATCH_END] = { .fd = run->pidfd, .events = POLLIN },
		[WATCH_SIGNALS] = { .fd = run->signals, .events = POLLIN },
		[WATCH_OUTPUT] = { .fd = run->output, .events = POLLIN },
		[WATCH_INPUT] = { .fd = run->input, .events = POLLOUT },
	};
	int ready = poll(watched, WATCHED, time_left(until));

	if (ready < 0 && errno == EINTR)
		return false;
	if (ready <= 0) {
		*ret_why = ready < 0 ? "it cannot be watched" : "it was out of time";
		return false;
	}
	if (watched[WATCH_INPUT].revents)
		feed(run);
	if (watched[WATCH_OUTPUT].revents)
		(void)take_output(run);
	if (watched[WATCH_END].revents)
		return true;
	if (watched[WATCH_SIGNALS].revents)
		*ret_why = "it was interrupted";
	return false;
}

/* What the pipe still holds; what others write who keep it open is not waited for. */
static void take_rest(struct running *run)
{
	enum { PIECES = 64 };

	for (int i = 0; i < PIECES && run->output >= 0; i++)
		if (!take_output(run))
			return;
}

/* ---- its start -------------------------------------------------------------------------- */

static int open_log(const char *path, struct error *err)
{
	/* Without waiting for the reader of a FIFO. */
	int fd = open(path,
		      O_WRONLY | O_CREAT | O_APPEND | O_NOCTTY | O_NONBLOCK | O_CLOEXEC,
		      0600);

	if (fd < 0) {
		error_errno_id(err, ERROR_HOOK, "open %s for the output of hooks", path);
		return error_hint(
			err, "the annotations run.oci.hooks.stdout and .stderr name it");
	}
	(void)fcntl(fd, F_SETFL, O_APPEND);
	return fd;
}

/*
 * Where the annotations name files, they are paths of the host: no hook that runs inside of
 * the container's root has them.
 */
static int open_logs(const struct container_spec *container, enum hook_kind kind,
		     struct ends *ends, struct error *err)
{
	if (kind == HOOK_START_CONTAINER)
		return 0;
	if (container->hooks_stdout) {
		ends->output = open_log(container->hooks_stdout, err);
		if (ends->output < 0)
			return -1;
	}
	if (container->hooks_stderr) {
		ends->errors = open_log(container->hooks_stderr, err);
		if (ends->errors < 0)
			return -1;
	}
	return 0;
}

static int open_signals(void)
{
	static const int numbers[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM };
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		sigaddset(&set, numbers[i]);
	/* Only those that are blocked arrive there; it is never read, so they stay pending. */
	return signalfd(-1, &set, SFD_CLOEXEC);
}

/* 0: it was executed; else the errno that says why not. */
static int await_execution(int reader)
{
	int errnum = 0;
	ssize_t length;

	do
		length = read(reader, &errnum, sizeof(errnum));
	while (length < 0 && errno == EINTR);
	return length == (ssize_t)sizeof(errnum) ? errnum : 0;
}

/* Other words than strerror(3)'s: engines take those for words about the container's command. */
static const char *execution_words(int errnum)
{
	switch (errnum) {
	case ENOENT:
		return "there is no such file, or none of its interpreter";
	case EACCES:
	case EPERM:
		return "the file may not be executed";
	default:
		return strerror(errnum);
	}
}

static void close_ends(struct ends *ends)
{
	if (ends->errors != ends->output)
		fd_close(&ends->errors);
	fd_close(&ends->output);
	fd_close(&ends->input);
	fd_close(&ends->trouble);
}

/* Where each of its streams leads; *run has our side of them. */
static int open_streams(const struct container_spec *container, enum hook_kind kind,
			struct running *run, struct ends *ends, struct error *err)
{
	int input[2], output[2];

	if (pipe2(input, O_CLOEXEC) < 0)
		return error_errno_id(err, ERROR_HOOK, "make a pipe");
	run->input = input[END_WRITE];
	ends->input = input[END_READ];
	if (pipe2(output, O_CLOEXEC) < 0)
		return error_errno_id(err, ERROR_HOOK, "make a pipe");
	run->output = output[END_READ];
	ends->output = output[END_WRITE];
	ends->errors = ends->output;
	if (fcntl(run->input, F_SETFL, O_NONBLOCK) < 0 ||
	    fcntl(run->output, F_SETFL, O_NONBLOCK) < 0)
		return error_errno_id(err, ERROR_HOOK, "make a pipe");
	run->signals = open_signals();
	return open_logs(container, kind, ends, err);
}

/* Becomes a child; errno of execve(2) in *ret_errnum, 0: it runs. */
static int start(struct running *run, struct ends *ends, int *ret_errnum,
		 struct error *err)
{
	int trouble[2];
	auto_close int reader = -1;

	if (pipe2(trouble, O_CLOEXEC) < 0)
		return error_errno_id(err, ERROR_HOOK, "make a pipe");
	reader = trouble[END_READ];
	ends->trouble = trouble[END_WRITE];
	run->pid = sys_clone_child(0, &run->pidfd);
	if (run->pid == 0)
		become(run->hook, ends, reader);
	if (run->pid < 0)
		return error_errno_id(err, ERROR_HOOK, "make a process for a hook");
	close_ends(ends);
	*ret_errnum = await_execution(reader);
	return 0;
}

/* ---- what became of it ------------------------------------------------------------------ */

static int explain(struct running *run, const char *why, int status, struct error *err)
{
	const char *said = last_line(run);
	const char *between = *said ? ": " : "";

	if (why)
		return error_set(err, ERROR_HOOK, "%s: %s%s%s", run->hook->path, why,
				 between, said);
	if (WIFSIGNALED(status))
		return error_set(err, ERROR_HOOK, "%s: signal %d ended it%s%s",
				 run->hook->path, WTERMSIG(status), between, said);
	return error_set(err, ERROR_HOOK, "%s: it ended with status %d%s%s",
			 run->hook->path, WEXITSTATUS(status), between, said);
}

static int attend(struct running *run, int errnum, struct error *err)
{
	const struct hook *hook = run->hook;
	int64_t until = hook->timeout_s ? now_ms() + (int64_t)hook->timeout_s * 1000 : -1;
	const char *why = NULL;
	int status = 0;

	while (errnum == 0 && !why && !serve(run, until, &why))
		;
	if (why)
		kill_all(run);
	if (reap(run, &status) < 0)
		return error_errno_id(err, ERROR_HOOK, "wait for %s", hook->path);
	take_rest(run);
	if (errnum != 0)
		return error_set(err, ERROR_HOOK, "%s: %s", hook->path,
				 execution_words(errnum));
	if (why || status != 0)
		return explain(run, why, status, err);
	return 0;
}

static void end_running(struct running *run)
{
	fd_close(&run->pidfd);
	fd_close(&run->input);
	fd_close(&run->output);
	fd_close(&run->signals);
}

static int run_hook(const struct container_spec *container, enum hook_kind kind,
		    const struct hook *hook, const char *state_text, struct error *err)
{
	struct running run = {
		.hook = hook,
		.pid = -1,
		.pidfd = -1,
		.input = -1,
		.output = -1,
		.signals = -1,
		.state = state_text,
		.state_left = strlen(state_text),
	};
	struct ends ends = {
		.input = -1,
		.output = -1,
		.errors = -1,
		.trouble = -1,
		.directory = kind == HOOK_START_CONTAINER ? "/" : container->bundle,
	};
	int errnum = 0;
	int result = open_streams(container, kind, &run, &ends, err);

	if (result == 0)
		result = start(&run, &ends, &errnum, err);
	close_ends(&ends);
	if (result == 0)
		result = attend(&run, errnum, err);
	end_running(&run);
	return result;
}

int container_run_hooks(const struct plan *plan, enum hook_kind kind,
			const char *state_text, struct error *err)
{
	const struct hook_list *list = &plan->container.hooks[kind];
	struct error other;
	int result = 0;

	for (size_t i = 0; i < list->count; i++) {
		struct error *told = result == 0 ? err : &other;

		if (run_hook(&plan->container, kind, &list->hooks[i], state_text, told) ==
		    0)
			continue;
		error_within(told, "run hook %zu of %s", i + 1, hook_kind_name(kind));
		result = -1;
		/* What is gone cannot be kept any more: each of these has its turn. */
		if (kind != HOOK_POSTSTOP)
			break;
	}
	return result;
}
