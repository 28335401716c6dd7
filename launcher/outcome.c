/* SPDX-License-Identifier: Apache-2.0 */
#include "launcher/outcome.h"

#include "base/error.h"
#include "launcher/report.h"

#include <string.h>
#include <sys/wait.h>

/* The init was killed from outside: with it, whatever the command was doing. */
static int judge_killed(struct outcome *outcome, int init_status, struct error *err)
{
	outcome->init_killed = WIFSIGNALED(init_status);
	if (outcome->command_started && WIFSIGNALED(init_status)) {
		outcome->signal = WTERMSIG(init_status);
		outcome->status = 128 + outcome->signal;
		return 0;
	}
	if (WIFSIGNALED(init_status))
		return error_set(
			err, ERROR_PLAIN,
			"start the command: the sandbox was killed by signal %d (%s)",
			WTERMSIG(init_status), strsignal(WTERMSIG(init_status)));
	return error_set(err, ERROR_PLAIN, "%s: its init ended without a word",
			 outcome->command_started ? "follow the sandbox"
						  : "start the sandbox");
}

int outcome_judge(struct outcome *outcome, const struct ending *ending, struct error *err)
{
	int status = ending->status;

	if (ending->no_init && outcome->command_started)
		status = ending->init_status;
	else if (!ending->told)
		return judge_killed(outcome, ending->init_status, err);
	outcome->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	outcome->status = outcome->signal ? 128 + outcome->signal : WEXITSTATUS(status);
	if (outcome->timed_out)
		outcome->status = 124;
	return 0;
}
