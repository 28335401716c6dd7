/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The init's life while the command runs: it reaps whoever ends, passes signals on, ends
 * the command when its time is up, and reports. It never prints, and nothing that the
 * command wrote is read. When it ends, the kernel ends everything in its pid namespace.
 */
#include "launcher/child.h"

#include "base/error.h"
#include "base/failpoint.h"
#include "base/fd.h"
#include "base/own_program.h"
#include "base/syscalls.h"
#include "launcher/gvisor.h"
#include "launcher/sync.h"
#include "plan/plan.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/*
 * What init needs is opened before the command starts: that may lower the limits of
 * process 1 later (prlimit(2)), and poll(2) or open(2) would fail then.
 */
struct reaper {
	const struct child *child;
	int signals;          /* signalfd of SIGCHLD */
	int events;           /* epoll of both */
	int children;         /* /proc/thread-self/children, without a pid namespace */
	uint64_t deadline_ms; /* of the next step of --timeout; 0: none */
	bool timed_out;
	bool saw_sigsys; /* another process than the command died of it */
	bool told_stop;  /* and the launcher has not said a word since */
};

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* A time that no clock reaches is as good as the last one that can be counted. */
static uint64_t from_now(uint64_t wait_ms)
{
	uint64_t then;

	return __builtin_add_overflow(now_ms(), wait_ms, &then) ? UINT64_MAX : then;
}

static bool is_process_one(void)
{
	return getpid() == 1;
}

/* ---- the end ------------------------------------------------------------------------- */

/*
 * Without a pid namespace nobody ends the rest for us: children are killed until there
 * are none, as those of a dead one become ours (prctl(2), PR_SET_CHILD_SUBREAPER).
 */
void children_kill(int children)
{
	for (int round = 0; round < 1000; round++) {
		char list[4096];
		ssize_t length = pread(children, list, sizeof(list) - 1, 0);

		if (length <= 0)
			return;
		list[length] = '\0';
		for (char *at = list; *at; at += strspn(at, " ")) {
			pid_t pid = (pid_t)strtol(at, &at, 10);

			if (pid <= 1)
				break;
			(void)kill(pid, SIGKILL);
		}
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		poll(NULL, 0, 1);
	}
}

static _Noreturn void finish(const struct reaper *reaper, int status)
{
	struct message message = {
		.turn = TURN_ENDED,
		.value = status,
		.stdin_offset = -1,
		.timed_out = reaper->timed_out,
		.saw_sigsys = reaper->saw_sigsys,
	};
	struct message failure = { .turn = TURN_FAILED };

	if (reaper->child->stdin_sealed)
		message.stdin_offset = lseek(STDIN_FILENO, 0, SEEK_CUR);
	if (!is_process_one())
		children_kill(reaper->children);
	if (reaper->child->gvisor &&
	    gvisor_judge(reaper->child, status, &failure.err) < 0)
		(void)sync_send(reaper->child->socket, &failure, -1);
	(void)sync_send(reaper->child->socket, &message, -1);
	_exit(0);
}

/* The launcher is gone: so is everything here. */
static _Noreturn void go_down(const struct reaper *reaper)
{
	if (reaper->child->gvisor && reaper->child->joins)
		gvisor_exec_end(reaper->child);
	if (!is_process_one())
		children_kill(reaper->children);
	_exit(0);
}

/* ---- what happens -------------------------------------------------------------------- */

/*
 * Once is enough: the launcher may stand still itself now, and room has to be left for the
 * word of the end.
 */
static void tell_stop(struct reaper *reaper, int number)
{
	if (!reaper->told_stop)
		(void)sync_offer_turn(reaper->child->socket, TURN_STOPPED, number);
	reaper->told_stop = true;
}

static void reap(struct reaper *reaper)
{
	struct signalfd_siginfo info;
	int status;
	pid_t pid;

	(void)!read(reaper->signals, &info, sizeof(info));
	while ((pid = waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0) {
		if (reaper->child->gvisor)
			gvisor_reaped(reaper->child, pid);
		if (pid != reaper->child->command) {
			reaper->saw_sigsys |=
				WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
			continue;
		}
		if (WIFSTOPPED(status))
			tell_stop(reaper, WSTOPSIG(status));
		else
			finish(reaper, status);
	}
}

/* A process in gVisor is none of ours. */
static void send_signal(const struct reaper *reaper, int number, bool group)
{
	const pid_t command = reaper->child->command;

	if (reaper->child->gvisor)
		gvisor_signal(reaper->child, number, group);
	else
		(void)kill(group ? -command : command, number);
}

static void obey(struct reaper *reaper)
{
	struct message message;
	int fd = -1;

	if (sync_receive(reaper->child->socket, &message, &fd) != 1)
		go_down(reaper);
	reaper->told_stop = false;
	if (message.turn == TURN_SIGNAL)
		send_signal(reaper, message.value, false);
	else if (message.turn == TURN_GROUP_SIGNAL)
		send_signal(reaper, message.value, true);
}

/* First the stop signal, and when that did not help in time, the end of everything. */
static void run_out_of_time(struct reaper *reaper)
{
	const struct plan *plan = reaper->child->plan;

	if (reaper->timed_out) {
		(void)kill(reaper->child->command, SIGKILL);
		reaper->deadline_ms = 0;
		return;
	}
	reaper->timed_out = true;
	send_signal(reaper, plan->process.stop_signal, false);
	send_signal(reaper, SIGCONT, false);
	reaper->deadline_ms = from_now(plan->life.kill_after_ms);
}

static int time_left(const struct reaper *reaper)
{
	uint64_t now = now_ms();

	if (reaper->deadline_ms == 0)
		return -1;
	if (reaper->deadline_ms <= now)
		return 0;
	return reaper->deadline_ms - now > 3600000 ? 3600000
						   : (int)(reaper->deadline_ms - now);
}

/* ---- the start ----------------------------------------------------------------------- */

static int watch(int events, int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	return epoll_ctl(events, EPOLL_CTL_ADD, fd, &event);
}

int reaper_prepare(struct child *child, struct error *err)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	child->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	child->events = epoll_create1(EPOLL_CLOEXEC);
	if (child->signals < 0 || child->events < 0 ||
	    watch(child->events, child->signals) < 0 ||
	    watch(child->events, child->socket) < 0)
		return error_errno(err, "watch the command");
	child->children = -1;
	if (is_process_one() || child->plan->process.no_init)
		return 0;
	/*
	 * Who is not process 1 must not die of the launcher's death, but see it by the end
	 * of file: there is nobody else to end the rest.
	 */
	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0) < 0)
		return error_errno(err, "become the reaper of the sandbox");
	child->children = open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);
	return 0;
}

/*
 * What the command had from us, and what is the launcher's, is not held open by the init:
 * who waits for the end of a pipe must not wait for us. 0 stays where its offset is wanted.
 */
static void let_go(const struct child *child)
{
	const int kept[] = { child->stdin_sealed ? STDIN_FILENO : -1,
			     child->socket,
			     child->signals,
			     child->events,
			     child->children,
			     child->binfmt };

	fd_close_all_but(0, kept, sizeof(kept) / sizeof(*kept));
}

/*
 * With gVisor `sbx exec` finds the namespaces by the init, as there is no command of ours in
 * them; its kernel, which could be taken over, is another user then.
 */
static bool is_way_in(const struct child *child)
{
	return child->gvisor && !child->joins && !child->gvisor->choice.directfs;
}

/*
 * A change of credentials may have taken the death signal and the closed book away
 * (prctl(2)).
 */
static void become_init(const struct child *child)
{
	(void)prctl(PR_SET_NAME, "sbx-init", 0, 0, 0);
	if (is_process_one() && !protection_is_off("death signal"))
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (protection_is_off("closed init"))
		return;
	(void)prctl(PR_SET_DUMPABLE, is_way_in(child), 0, 0, 0);
}

void reaper_run(struct child *child)
{
	struct reaper reaper = {
		.child = child,
		.signals = child->signals,
		.events = child->events,
		.children = child->children,
	};
	const uint64_t timeout = child->plan->life.timeout_ms;

	become_init(child);
	if (timeout)
		reaper.deadline_ms = from_now(timeout);
	(void)sync_send_turn(child->socket, TURN_STARTED, child->command);
	let_go(child);
	/* It may have ended while its start was waited for, which has taken long anyway. */
	if (child->gvisor) {
		own_program_give_back();
		reap(&reaper);
	}
	for (;;) {
		struct epoll_event event;
		int ready = epoll_wait(reaper.events, &event, 1, time_left(&reaper));

		if (ready < 0 && errno != EINTR)
			go_down(&reaper);
		if (ready > 0 && event.data.fd == reaper.signals)
			reap(&reaper);
		else if (ready > 0)
			obey(&reaper);
		if (time_left(&reaper) == 0)
			run_out_of_time(&reaper);
	}
}
