/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptors that are handed on to a container. Engines leak theirs, and a leaked directory
 * is a way out (CVE-2024-21626): so what nobody names is closed before anything else is done.
 */
#include "launcher/container.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/syscalls.h"
#include "base/text.h"
#include "plan/plan.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FIRST = 3 };

/*
 * How many the service manager hands on. They are ours only if LISTEN_PID says so
 * (sd_listen_fds(3)); engines in between write 1, the pid of the process inside.
 */
static uint32_t count_listened(void)
{
	const char *count_text = getenv("LISTEN_FDS"), *pid_text = getenv("LISTEN_PID");
	uint32_t count = 0, pid = 1;

	if (!count_text || text_to_u32(count_text, &count) < 0)
		return 0;
	if (pid_text && text_to_u32(pid_text, &pid) < 0)
		return 0;
	return pid == 1 || pid == (uint32_t)getpid() ? count : 0;
}

int container_take_fds(unsigned int preserved, struct error *err)
{
	const uint32_t listened = count_listened();
	const uint64_t count = (uint64_t)listened + preserved;

	if (count > CONTAINER_FDS_MAX)
		return error_set(err, ERROR_USAGE, "hand on more than %d descriptors",
				 CONTAINER_FDS_MAX);
	for (int fd = FIRST; fd < FIRST + (int)count; fd++)
		if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0) {
			error_errno_id(err, ERROR_USAGE, "hand descriptor %d on", fd);
			return error_hint(err,
					  "--preserve-fds %u and LISTEN_FDS=%u ask "
					  "for 3 to %d",
					  preserved, listened, FIRST + (int)count - 1);
		}
	fd_close_all_but(FIRST + (int)count, NULL, 0);
	return (int)count;
}

/* Their numbers stay. */
static void keep(struct plan *plan, int count)
{
	int *kept = arena_alloc_array(&plan->arena, (size_t)count, sizeof(*kept));

	for (int i = 0; i < count; i++)
		kept[i] = FIRST + i;
	plan->process.keep_fds = kept;
	plan->process.keep_fd_count = (size_t)count;
}

/* Where the list has a variable of that name, or its end. */
static size_t place_of(const struct process_spec *process, const char *variable)
{
	const size_t length = strcspn(variable, "=") + 1;
	size_t at = 0;

	while (at < process->env_count &&
	       strncmp(process->env[at], variable, length) != 0)
		at++;
	return at;
}

void container_set_env(struct plan *plan, const char *variable)
{
	enum { FREE = 2, END = 1 };
	struct process_spec *process = &plan->process;
	const size_t place = place_of(process, variable);
	const char **env = arena_alloc_array(
		&plan->arena, process->env_count + 1 + FREE + END, sizeof(*env));

	for (size_t i = 0; i < process->env_count; i++)
		env[i] = process->env[i];
	env[place] = variable;
	process->env = env;
	process->env_count += place == process->env_count;
}

void container_pass_fds(struct plan *plan, int count)
{
	const uint32_t listened = count_listened();

	if (count > 0)
		keep(plan, count);
	if (!listened)
		return;
	container_set_env(plan, arena_printf(&plan->arena, "LISTEN_FDS=%u", listened));
	container_set_env(plan, "LISTEN_PID=1");
}
