/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The child's half of a start with gVisor. As natively it gives its power away stage by stage,
 * and the table below is the order; but what it starts is runsc, and it keeps what runsc needs:
 * that is power over the sandbox's own namespaces, and there is nothing of the host left in
 * them by then.
 */
#include "launcher/gvisor.h"

#include "base/error.h"
#include "base/failpoint.h"
#include "base/fd.h"
#include "base/syscalls.h"
#include "launcher/child.h"
#include "launcher/command.h"
#include "launcher/execute.h"
#include "plan/plan.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* As who it will be: a child of vfork(2) looks, so that nothing of that stays. */
static int find_command(struct child *child, struct error *err)
{
	volatile int failed = 0;
	int status;
	pid_t pid = vfork();

	if (pid < 0)
		return error_errno_id(err, ERROR_RESOURCES,
				      "make a process to look for the command");
	if (pid == 0) {
		failed = command_look(child, child->gvisor->execution, err);
		_exit(0);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!failed && (!WIFEXITED(status) || WEXITSTATUS(status) != 0))
		return error_set(err, ERROR_PLAIN, "look for the command");
	return failed;
}

/*
 * runsc is to be the root of the user namespace. A change of ids takes the death signal away
 * (prctl(2)).
 */
int gvisor_become_root(struct child *child, struct error *err)
{
	(void)child;
	if (geteuid() == 0 && getegid() == 0)
		return 0;
	if (sys_setresgid(0) < 0 || sys_setresuid(0) < 0)
		return error_errno_id(err, ERROR_IDS,
				      "become the root of the user namespace");
	if (!protection_is_off("death signal") &&
	    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return error_errno(err, "ask for the death signal again");
	return 0;
}

/* Of the capabilities over the sandbox's own namespaces, those that runsc asks for. */
int gvisor_bound(struct child *child, struct error *err)
{
	static const char *const names[] = {
		"SYS_ADMIN",       "SYS_CHROOT", "SETUID",    "SETGID", "SETPCAP",
		"SYS_PTRACE",      "NET_RAW",    "NET_ADMIN", "CHOWN",  "DAC_OVERRIDE",
		"DAC_READ_SEARCH", "FOWNER",     "FSETID",    "KILL",
	};
	uint64_t kept = 0;

	if (protection_is_off("capabilities"))
		return 0;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		kept |= caps_by_name(names[i]);
	/* To map its root, runsc has to have it (user_namespaces(7), since 5.12). */
	if (child->gvisor->choice.directfs)
		kept |= caps_by_name("SETFCAP");
	if (caps_bound(kept, err) < 0 || caps_drop_to(kept, err) < 0)
		return -1;
	return caps_raise(kept, err);
}

static int open_streams(struct child *child, struct error *err)
{
	return gvisor_streams_make(child, &child->gvisor->streams, err);
}

static int give_streams(struct child *child, struct error *err)
{
	/* What it says of a create that succeeded is not the command's. */
	gvisor_streams_hush(&child->gvisor->streams);
	return gvisor_streams_hand_over(&child->gvisor->streams, child, err);
}

static const struct stage gvisor_stages[] = {
	{ "watch the launcher", stage_watch_launcher },
	{ "enter the cgroup", stage_enter_cgroup },
	{ "wait for ids", stage_await_ids },
	{ "open the network", stage_open_network },
	{ "weigh for memory", stage_weigh_oom },
	{ "name the host", stage_name_host },
	{ "take runsc", gvisor_take_world },
	{ "enter the root", stage_enter_root },
	{ "drop groups", stage_drop_groups },
	{ "find the user", identity_find },
	{ "find the command", find_command },
	{ "configure runsc", gvisor_configure },
	{ "stand alone", stage_stand_alone },
	{ "become root", gvisor_become_root },
	{ "enter the root of runsc", gvisor_enter_world },
	{ "bound runsc", gvisor_bound },
	{ "spare barriers", gvisor_spare_barriers },
	{ "open the streams", open_streams },
	{ "watch the command", reaper_prepare },
	{ "create the sandbox", gvisor_create },
	{ "give the streams", give_streams },
	{ "wait for the network", stage_await_network },
	{ "start the sandbox", gvisor_go },
};

void gvisor_child_run(struct child *child)
{
	struct execution execution;

	child->gvisor->execution = &execution;
	child_live(child, gvisor_stages, sizeof(gvisor_stages) / sizeof(*gvisor_stages));
}
