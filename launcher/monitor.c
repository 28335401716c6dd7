/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The launcher while its sandbox lives. One loop waits for signals, turns, the terminal
 * and the standard input. Whatever ends it, the init is waited for before the launcher
 * says a word about the end: when it returns, nothing of the sandbox is left. Only a start
 * that hangs in the kernel is left to it, killed.
 */
#include "launcher/monitor.h"

#include "base/error.h"
#include "base/failpoint.h"
#include "base/fd.h"
#include "base/own_program.h"
#include "launcher/explain.h"
#include "launcher/flows.h"
#include "launcher/gvisor_log.h"
#include "launcher/job.h"
#include "launcher/learn.h"
#include "launcher/outcome.h"
#include "launcher/servers.h"
#include "launcher/signals.h"
#include "launcher/sync.h"
#include "launcher/terminal.h"
#include "plan/plan.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	LASTING_MS =
		50, /* a run that is over sooner leaves no entry in the state folder */
	DYING_MS = 300,     /* for a killed start; where the kernel holds it, longer */
	STARTING_MS = 1000, /* for a start that a signal waits for */
};

enum event {
	EVENT_SIGNAL,
	EVENT_SOCKET,
	EVENT_INIT,
	EVENT_LISTENER,
	EVENT_NETWORK,
	EVENT_TERMINAL_IN,
	EVENT_TERMINAL_OUT = EVENT_TERMINAL_IN + FLOW_EVENTS,
	EVENT_FLOWS = EVENT_TERMINAL_OUT + FLOW_EVENTS,
	EVENT_COUNT = EVENT_FLOWS + FLOWS_EVENTS,
};

struct monitor {
	const struct plan *plan;
	struct sandbox *sandbox;
	const struct monitor_events *events;
	struct outcome *outcome;
	struct error *err;
	int signals;
	int log; /* runsc's, of a start that failed; -1: none */
	struct servers servers;
	struct explainer explainer;
	struct terminal terminal;
	struct flows flows;
	uint64_t began_ms;
	bool lasting;                 /* the events were told so */
	bool ended;                   /* the init has said how the command ended */
	bool dropped;                 /* a start that a signal ended */
	bool failed;                  /* err says what */
	int status;                   /* wait status of the command */
	struct signalfd_siginfo held; /* what came before the command had started */
	uint64_t held_ms;
};

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* ---- signals --------------------------------------------------------------------------- */

static void send_signal(const struct monitor *monitor, int number, bool group)
{
	if (number == SIGKILL || monitor->plan->process.no_init)
		(void)kill(monitor->sandbox->init, number);
	else if (monitor->sandbox->socket >= 0)
		(void)sync_send_turn(monitor->sandbox->socket,
				     group ? TURN_GROUP_SIGNAL : TURN_SIGNAL, number);
}

/* From the terminal a signal goes to the whole group, as it would without a sandbox. */
static void forward(struct monitor *monitor, const struct signalfd_siginfo *info)
{
	int number = (int)info->ssi_signo;
	bool group =
		info->ssi_code == SI_KERNEL || number == SIGCONT || number == SIGTSTP;

	switch (number) {
	case SIGCHLD:
	case SIGPIPE:
	case SIGXFSZ: /* raised by what the launcher itself writes */
	case SIGXCPU:
	case SIGTTIN:
	case SIGTTOU:
		return;
	case SIGWINCH:
		terminal_resize(&monitor->terminal);
		if (monitor->terminal.master >= 0)
			return;
		break;
	case SIGTERM:
		number = monitor->plan->process.stop_signal;
		break;
	case SIGCONT:
		terminal_make_raw(&monitor->terminal);
		terminal_resize(&monitor->terminal);
		break;
	default:
		break;
	}
	send_signal(monitor, number, group);
}

/*
 * What would end the command waits for its start. That may be over already, with nobody
 * having told us: the command then gets the signal as if it had come a moment later.
 */
static bool is_held(struct monitor *monitor, const struct signalfd_siginfo *info)
{
	const int number = (int)info->ssi_signo;

	if (monitor->outcome->command_started || (number != SIGTERM && number != SIGINT &&
						  number != SIGHUP && number != SIGQUIT))
		return false;
	if (!monitor->held.ssi_signo) {
		monitor->held = *info;
		monitor->held_ms = now_ms();
	}
	return true;
}

/* An init that still builds the sandbox does not listen, and may hang in a dead file system. */
static void drop_start(struct monitor *monitor)
{
	monitor->ended = monitor->dropped = true;
	monitor->status = (int)monitor->held.ssi_signo;
	(void)kill(monitor->sandbox->init, SIGKILL);
}

static void take_signal(struct monitor *monitor)
{
	struct signalfd_siginfo info;

	while (read(monitor->signals, &info, sizeof(info)) == sizeof(info))
		if (!sigismember(monitor->events->ignored, (int)info.ssi_signo) &&
		    !is_held(monitor, &info))
			forward(monitor, &info);
}

/* The command stands still: so do we, that our own parent sees it. */
static void stop_too(struct monitor *monitor)
{
	if (monitor->plan->life.detach)
		return;
	terminal_restore(&monitor->terminal);
	job_stand_still(monitor->sandbox->pidfd);
}

/* ---- turns ----------------------------------------------------------------------------- */

static void fail(struct monitor *monitor)
{
	monitor->failed = true;
	(void)kill(monitor->sandbox->init, SIGKILL);
}

/*
 * What the command inherited is its own: a pipe that it closes is closed for good. What
 * we still need stays: the standard input for its offset, a standard output that takes
 * status lines.
 */
static void release_streams(const struct monitor *monitor)
{
	auto_close int null = -1;

	if (monitor->terminal.master >= 0 || flows_are_open(&monitor->flows) ||
	    monitor->plan->life.status_fd == STDOUT_FILENO)
		return;
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0)
		return;
	(void)dup2(null, STDOUT_FILENO);
}

static void command_started(struct monitor *monitor)
{
	monitor->outcome->command_started = true;
	if (monitor->events->started(monitor->events->context, monitor->sandbox->init,
				     monitor->err) < 0)
		fail(monitor);
	release_streams(monitor);
	if (monitor->held.ssi_signo)
		forward(monitor, &monitor->held);
}

static void socket_closed(struct monitor *monitor)
{
	fd_close(&monitor->sandbox->socket);
	/* A command without an init took the socket with it: by executing. */
	if (monitor->plan->process.no_init && !monitor->failed)
		command_started(monitor);
}

/* Who is learnt from is not explained: there is one listener. */
static void attach_listener(struct monitor *monitor, int listener, int errnum)
{
	if (monitor->events->learner)
		learner_attach(monitor->events->learner, listener);
	else
		explainer_attach(&monitor->explainer, listener, errnum,
				 monitor->terminal.raw);
}

static int listener_of(const struct monitor *monitor)
{
	return monitor->events->learner ? monitor->events->learner->listener
					: monitor->explainer.listener;
}

static void serve_listener(struct monitor *monitor)
{
	if (monitor->events->learner)
		learner_serve(monitor->events->learner);
	else
		explainer_serve(&monitor->explainer, monitor->terminal.raw);
}

/* The root that is a served image, or NULL. */
static const struct rootfs_spec *image_of(const struct plan *plan)
{
	return plan->rootfs.kind == ROOT_SERVED ? &plan->rootfs : NULL;
}

static void command_ended(struct monitor *monitor, const struct message *message)
{
	monitor->ended = true;
	monitor->status = message->value;
	monitor->outcome->timed_out = message->timed_out;
	monitor->outcome->saw_sigsys = message->saw_sigsys;
	flows_move_input_to(message->stdin_offset);
}

static void take_written(const struct monitor *monitor, int value, int fd)
{
	if (monitor->events->written)
		monitor->events->written(monitor->events->context, value, fd);
	else
		fd_close(&fd);
}

static void take_failure(struct monitor *monitor, const struct message *message)
{
	*monitor->err = message->err;
	if (monitor->log >= 0)
		gvisor_log_keep(monitor->log, monitor->err);
	monitor->failed = true;
}

static void refuse_turn(struct monitor *monitor)
{
	error_set(monitor->err, ERROR_PLAIN, "go on: a turn out of order");
	fail(monitor);
}

static void take_turn(struct monitor *monitor, const struct message *message, int taken)
{
	auto_close int fd = taken;

	switch (message->turn) {
	case TURN_STDIN_PIPE:
		flows_take_input(&monitor->flows, fd_take(&fd), message->value != 0);
		break;
	case TURN_OUTPUT:
		flows_take_output(&monitor->flows, message->value, fd_take(&fd));
		break;
	case TURN_LOG:
		fd_close(&monitor->log);
		monitor->log = fd_take(&fd);
		break;
	case TURN_WRITTEN:
		take_written(monitor, message->value, fd_take(&fd));
		break;
	case TURN_LAYERS:
		servers_take_layers(&monitor->servers, fd_take(&fd),
				    (unsigned int)message->value);
		break;
	case TURN_FUSE:
		/* Without a server the child's next look at the layers fails, and says so. */
		(void)servers_start(&monitor->servers, image_of(monitor->plan),
				    fd_take(&fd), (unsigned int)message->value);
		break;
	case TURN_CONSOLE:
		terminal_attach(&monitor->terminal, fd_take(&fd),
				!monitor->plan->process.stdin_null);
		break;
	case TURN_LISTENER:
		attach_listener(monitor, fd_take(&fd), message->value);
		break;
	case TURN_STARTED:
		command_started(monitor);
		break;
	case TURN_STOPPED:
		stop_too(monitor);
		break;
	case TURN_ENDED:
		command_ended(monitor, message);
		break;
	case TURN_FAILED:
		take_failure(monitor, message);
		break;
	case TURN_MOVED:
	case TURN_IDS_MAPPED:
	case TURN_NAMESPACES:
	case TURN_GO:
	case TURN_SIGNAL:
	case TURN_GROUP_SIGNAL:
	case TURN_MOUNTED:
	case TURN_MOUNT_IDS:
	case TURN_READY:
	case TURN_LEAVE:
	case TURN_START:
		refuse_turn(monitor);
		break;
	}
}

static void hear_init(struct monitor *monitor)
{
	struct message message = { 0 };
	int fd = -1;

	if (sync_receive(monitor->sandbox->socket, &message, &fd) <= 0)
		socket_closed(monitor);
	else
		take_turn(monitor, &message, fd);
}

/* A start that it has stopped says why by itself. */
static void hear_network(struct monitor *monitor)
{
	struct network *network = &monitor->sandbox->network;
	struct error err = { 0 };

	if (network_hear(network, monitor->plan, monitor->terminal.raw, &err) == 0)
		return;
	if (!monitor->outcome->command_started) {
		fd_close(&network->service.control);
		return;
	}
	*monitor->err = err;
	fail(monitor);
}

/* ---- the loop -------------------------------------------------------------------------- */

static void pump(struct monitor *monitor, const struct pollfd *events)
{
	if (!flow_pump(&monitor->terminal.in, &events[EVENT_TERMINAL_IN]))
		flow_close(&monitor->terminal.in);
	if (!flow_pump(&monitor->terminal.out, &events[EVENT_TERMINAL_OUT]))
		flow_close(&monitor->terminal.out);
	flows_pump(&monitor->flows, &events[EVENT_FLOWS]);
}

static int left_of(uint64_t since_ms, int limit_ms)
{
	const uint64_t passed = now_ms() - since_ms;

	return passed >= (uint64_t)limit_ms ? 0 : limit_ms - (int)passed;
}

/* For poll(2). */
static int time_left(const struct monitor *monitor)
{
	if (!monitor->outcome->command_started)
		return monitor->held.ssi_signo ? left_of(monitor->held_ms, STARTING_MS)
					       : -1;
	return monitor->lasting ? -1 : left_of(monitor->began_ms, LASTING_MS);
}

static void look_at_clock(struct monitor *monitor)
{
	if (time_left(monitor) != 0)
		return;
	if (!monitor->outcome->command_started) {
		drop_start(monitor);
		return;
	}
	monitor->lasting = true;
	if (monitor->events->lasting(monitor->events->context, monitor->sandbox->init,
				     monitor->err) < 0)
		fail(monitor);
	own_program_give_back();
}

/* The socket is of no use any more; only a command without an init lives on then. */
static bool is_over(const struct monitor *monitor, const struct pollfd *events)
{
	if (monitor->ended || monitor->failed)
		return true;
	if (events[EVENT_INIT].revents && !events[EVENT_SOCKET].revents)
		return true;
	return monitor->sandbox->socket < 0 && !monitor->plan->process.no_init;
}

static void follow(struct monitor *monitor)
{
	struct pollfd events[EVENT_COUNT] = { 0 };

	while (!is_over(monitor, events)) {
		events[EVENT_SIGNAL] =
			(struct pollfd){ .fd = monitor->signals, .events = POLLIN };
		events[EVENT_SOCKET] = (struct pollfd){ .fd = monitor->sandbox->socket,
							.events = POLLIN };
		events[EVENT_INIT] = (struct pollfd){ .fd = monitor->sandbox->pidfd,
						      .events = POLLIN };
		events[EVENT_LISTENER] =
			(struct pollfd){ .fd = listener_of(monitor), .events = POLLIN };
		events[EVENT_NETWORK] =
			(struct pollfd){ .fd = monitor->sandbox->network.service.control,
					 .events = POLLIN };
		flow_events(&monitor->terminal.in, &events[EVENT_TERMINAL_IN]);
		flow_events(&monitor->terminal.out, &events[EVENT_TERMINAL_OUT]);
		flows_events(&monitor->flows, &events[EVENT_FLOWS]);
		if (poll(events, EVENT_COUNT, time_left(monitor)) < 0) {
			if (errno == EINTR)
				continue;
			/* More of them than it may have open (poll(2)). */
			errno = errno == EINVAL ? EMFILE : errno;
			error_errno(monitor->err, "wait for the sandbox");
			fail(monitor);
			return;
		}
		if (events[EVENT_SIGNAL].revents)
			take_signal(monitor);
		if (events[EVENT_SOCKET].revents)
			hear_init(monitor);
		if (events[EVENT_LISTENER].revents)
			serve_listener(monitor);
		if (events[EVENT_NETWORK].revents)
			hear_network(monitor);
		pump(monitor, events);
		look_at_clock(monitor);
	}
}

/* ---- the end --------------------------------------------------------------------------- */

static uint64_t milliseconds(const struct timeval *time)
{
	return (uint64_t)time->tv_sec * 1000 + (uint64_t)time->tv_usec / 1000;
}

/*
 * A start that a signal has ended may hang in a call that no signal interrupts. It has been
 * killed, and starts nothing any more: the kernel takes it away when that call returns.
 */
static bool is_held_by_kernel(const struct monitor *monitor)
{
	struct pollfd end = { .fd = monitor->sandbox->pidfd, .events = POLLIN };

	return monitor->dropped && poll(&end, 1, DYING_MS) == 0;
}

static void wait_for_init(struct monitor *monitor, int *ret_status)
{
	struct outcome *outcome = monitor->outcome;
	const int options = is_held_by_kernel(monitor) ? WNOHANG : 0;
	struct rusage usage = { 0 };

	while (wait4(monitor->sandbox->init, ret_status, options, &usage) < 0 &&
	       errno == EINTR)
		;
	outcome->wall_ms = now_ms() - monitor->began_ms;
	outcome->user_ms = milliseconds(&usage.ru_utime);
	outcome->system_ms = milliseconds(&usage.ru_stime);
	outcome->max_rss_kib = (uint64_t)usage.ru_maxrss;
}

/*
 * What is still on its way is for whoever reads; the command has ended, but its launcher can
 * be told to go as if it had not.
 */
static void end_flows(struct monitor *monitor)
{
	const uint64_t timeout = monitor->plan->life.timeout_ms;
	const int limit = timeout == 0 || timeout > INT_MAX
				  ? -1
				  : left_of(monitor->began_ms, (int)timeout);
	struct error lost;
	int number = flows_drain(&monitor->flows, monitor->signals,
				 monitor->events->ignored, limit);

	if (number == SIGALRM)
		monitor->outcome->timed_out = true;
	else if (number)
		monitor->status = number;
	if (flows_end(&monitor->flows, &lost) == 0 || monitor->failed)
		return;
	*monitor->err = lost;
	monitor->failed = true;
}

static int judge(struct monitor *monitor, int init_status)
{
	const struct ending ending = {
		.no_init = monitor->plan->process.no_init,
		.told = monitor->ended,
		.status = monitor->status,
		.init_status = init_status,
	};

	if (monitor->failed)
		return -1;
	return outcome_judge(monitor->outcome, &ending, monitor->err);
}

/* What was denied is told for every end; an error that there is already is the one that counts. */
static int conclude(struct monitor *monitor, int init_status)
{
	struct error ignored;
	const int failed = judge(monitor, init_status);
	const int lost =
		explainer_end(&monitor->explainer, failed ? &ignored : monitor->err);

	return failed || lost ? -1 : 0;
}

int monitor_run(const struct plan *plan, struct sandbox *sandbox,
		const struct monitor_events *events, struct outcome *ret_outcome,
		struct error *err)
{
	struct monitor monitor = {
		.plan = plan,
		.sandbox = sandbox,
		.events = events,
		.outcome = ret_outcome,
		.err = err,
		.log = -1,
		.began_ms = now_ms(),
	};
	sigset_t set;
	int init_status = 0;

	*ret_outcome = (struct outcome){ .init = sandbox->init };
	monitor.servers.layers = -1;
	explainer_init(&monitor.explainer, plan);
	monitor.explainer.place = events->denials;
	terminal_init(&monitor.terminal);
	flows_init(&monitor.flows, plan->life.status_fd == STDOUT_FILENO);
	signals_forwarded(&set);
	monitor.signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (monitor.signals < 0) {
		error_errno(err, "watch signals");
		fail(&monitor);
	} else {
		follow(&monitor);
	}
	/* An init that has failed or said goodbye ends by itself, and soon. */
	wait_for_init(&monitor, &init_status);
	servers_end(&monitor.servers);
	end_flows(&monitor);
	terminal_drain(&monitor.terminal);
	terminal_free(&monitor.terminal);
	fd_close(&monitor.signals);
	fd_close(&monitor.log);
	fd_close(&sandbox->socket);
	fd_close(&sandbox->pidfd);
	return conclude(&monitor, init_status);
}
