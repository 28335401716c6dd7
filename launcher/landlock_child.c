/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The child's half of a start without namespaces. It has no power that the caller does not
 * have, and stays outside of the Landlock domain: the command enters that just before it is
 * executed (command.c), and can then neither signal, trace nor read the init.
 */
#include "launcher/child.h"

#include "base/error.h"
#include "plan/plan.h"

#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

/* Programs open their terminal by its name too; those of others stay closed. */
static int open_terminal(struct child *child, struct error *err)
{
	struct landlock_spec *landlock =
		(struct landlock_spec *)(uintptr_t)&child->plan->policy.landlock;
	char link[32];
	ssize_t length;

	if (stage_open_terminal(child, err) < 0)
		return -1;
	if (child->terminal < 0)
		return 0;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", child->terminal);
	length = readlink(link, child->terminal_path, sizeof(child->terminal_path) - 1);
	if (length < 0)
		return error_errno(err, "find the terminal's name");
	child->terminal_path[length] = '\0';
	*child->spare_path = (struct landlock_path){
		.path = child->terminal_path,
		.writable = true,
		.optional = true,
	};
	landlock->path_count++;
	return 0;
}

/* From the most power to the least; the table is the order. */
static const struct stage in_place_stages[] = {
	{ "watch the launcher", stage_watch_launcher },
	{ "enter the cgroup", stage_enter_cgroup },
	{ "weigh for memory", stage_weigh_oom },
	{ "find the user", identity_find },
	{ "stand alone", stage_stand_alone },
	{ "open the terminal", open_terminal },
	{ "start the command", stage_start_command },
	{ "drop capabilities", stage_drop_capabilities },
};

void child_run_in_place(struct child *child)
{
	child_live(child, in_place_stages,
		   sizeof(in_place_stages) / sizeof(*in_place_stages));
}
