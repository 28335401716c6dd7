/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A further process in a sandbox that runs in gVisor. Who has joined the namespaces and the
 * root of its init starts `runsc exec` there and waits for it: that ends as the process inside
 * does. A signal is one for the process inside (`runsc kill`), which also has to be ended
 * when nobody waits for it any more: it is a child of gVisor's kernel and not of ours.
 */
#include "launcher/gvisor_drive.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/text.h"
#include "launcher/child.h"
#include "launcher/command.h"
#include "plan/plan.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	START_MS = 30000, /* hundreds of times what it takes */
	LOOK_MS = 2,
	END_MS = 3000,
	SAID_MAX = 16384,
};

/* ---- what it is told --------------------------------------------------------------------- */

/* The sandbox's own files say who a user is: its root lies below that of runsc. */
static int find_user(struct child *child, struct error *err)
{
	auto_close int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int failed;

	if (root < 0 || chroot(GVISOR_ROOT) < 0 || chdir("/") < 0)
		return error_errno(err, "enter the sandbox's root");
	failed = identity_find(child, err);
	if (fchdir(root) < 0 || chroot(".") < 0)
		return error_errno(err, "leave the sandbox's root");
	return failed;
}

/* Of what runsc inherits: it opens it by /proc/self/fd. */
static int memory_file(const char *name, struct error *err)
{
	const int fd = memfd_create(name, 0);

	return fd < 0 ? error_errno(err, "make a file for runsc") : fd;
}

static int write_process(struct child *child, int to, struct error *err)
{
	const struct gvisor_inside inside = {
		.uid = child->uid,
		.gid = child->gid,
		.groups = child->groups,
		.group_count = child->group_count,
		.env = child->plan->process.env,
		.program = child->plan->process.argv[0],
		.root = GVISOR_ROOT,
	};
	const char *text;

	command_complete_environment(child);
	text = plan_to_gvisor_process(child->plan, &inside, &child->gvisor->arena);
	return fd_write_all(to, text, strlen(text)) < 0
		       ? error_errno(err, "write the process for runsc")
		       : 0;
}

/* ---- its start --------------------------------------------------------------------------- */

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* What --internal-pid-file holds; 0: nothing yet. */
static pid_t read_number(int fd)
{
	char text[16] = "";
	uint32_t number = 0;

	if (pread(fd, text, sizeof(text) - 1, 0) <= 0 || text_to_u32(text, &number) < 0 ||
	    number > INT_MAX)
		return 0;
	return (pid_t)number;
}

/* It stays to be reaped. */
static bool has_ended(pid_t pid)
{
	siginfo_t info = { 0 };

	return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 ||
	       info.si_pid == pid;
}

/* The process inside, or 0: there is none. */
static pid_t await_process(pid_t pid, int number)
{
	const uint64_t until = now_ms() + START_MS;

	while (!has_ended(pid)) {
		const pid_t process = read_number(number);

		if (process)
			return process;
		if (now_ms() >= until)
			break;
		(void)poll(NULL, 0, LOOK_MS);
	}
	return read_number(number);
}

void gvisor_exec_end(const struct child *child)
{
	const uint64_t until = now_ms() + END_MS;

	gvisor_signal(child, SIGKILL, false);
	while (!has_ended(child->command) && now_ms() < until)
		(void)poll(NULL, 0, LOOK_MS);
}

/* What the process would have been told by its own streams; a terminal ends lines in two. */
static int explain(const struct child *child, struct error *err)
{
	char said[SAID_MAX];
	const struct gvisor_words words = { .output = said, .log = "", .panic = "" };
	size_t kept = 0;

	(void)gvisor_streams_words(&child->gvisor->streams, said, sizeof(said));
	for (size_t i = 0; said[i]; i++)
		if (said[i] != '\r')
			said[kept++] = said[i];
	said[kept] = '\0';
	return gvisor_explain(&words, &child->gvisor->choice, err);
}

static int spawn(struct child *child, int process, int number, struct error *err)
{
	struct gvisor_start *gvisor = child->gvisor;
	char process_word[48], number_word[48];
	struct words words;

	snprintf(process_word, sizeof(process_word), "--process=/proc/self/fd/%d",
		 process);
	snprintf(number_word, sizeof(number_word), "--internal-pid-file=/proc/self/fd/%d",
		 number);
	runsc_begin(&words, gvisor->state);
	runsc_add(&words, "exec");
	runsc_add(&words, process_word);
	runsc_add(&words, number_word);
	runsc_add(&words, GVISOR_ID);
	child->command = runsc_spawn(&words, gvisor->streams.inner);
	if (child->command < 0)
		return error_errno_id(err, ERROR_RESOURCES, "make a process for runsc");
	gvisor->process = await_process(child->command, number);
	return gvisor->process ? 0 : explain(child, err);
}

static int start(struct child *child, struct error *err)
{
	auto_close int process = memory_file("process", err);
	auto_close int number = process < 0 ? -1 : memory_file("number", err);

	if (number < 0 || write_process(child, process, err) < 0 ||
	    spawn(child, process, number, err) < 0)
		return -1;
	if (gvisor_streams_hand_over(&child->gvisor->streams, child, err) == 0)
		return 0;
	/* Nobody is there any more whom it could be for. */
	gvisor_exec_end(child);
	return -1;
}

static int open_streams(struct child *child, struct error *err)
{
	return gvisor_streams_make(child, &child->gvisor->streams, err);
}

/* ---- the table --------------------------------------------------------------------------- */

/* In the sandbox from the beginning; from the most power to the least. */
static const struct stage exec_stages[] = {
	{ "watch the launcher", stage_watch_launcher },
	{ "drop groups", stage_drop_groups },
	{ "find the user", find_user },
	{ "stand alone", stage_stand_alone },
	{ "become root", gvisor_become_root },
	{ "bound runsc", gvisor_bound },
	{ "spare barriers", gvisor_spare_barriers },
	{ "open the streams", open_streams },
	{ "watch the command", reaper_prepare },
	{ "start in the sandbox", start },
};

void gvisor_exec_run(struct child *child)
{
	child_live(child, exec_stages, sizeof(exec_stages) / sizeof(*exec_stages));
}
