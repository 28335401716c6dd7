/* SPDX-License-Identifier: Apache-2.0 */
/* The program `sbx-bwrap`: bubblewrap's command line on our house. */
#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "launcher/executor.h"
#include "launcher/wrap.h"
#include "plan/plan.h"

#include <string.h>
#include <unistd.h>

static int print(int fd, const char *text, int status)
{
	return fd_write_all(fd, text, strlen(text)) == 0 ? status : 1;
}

static int refuse(const char *name, struct plan *plan, const struct error *err)
{
	if (err->id == ERROR_NO_COMMAND)
		return print(STDERR_FILENO, plan_bwrap_usage(name, &plan->arena), 1);
	wrap_report(plan, err);
	return 1;
}

int main(int argc, char **argv)
{
	const pid_t parent = getppid();
	const char *const *words = (const char *const *)(uintptr_t)argv;
	struct plan plan = { 0 };
	struct error err = { 0 };
	struct caller_text caller;
	int status, failed;

	if (fd_fill_standard() < 0 || argc < 1)
		return 1;
	caller = caller_text_find(argc, argv);
	failed = plan_from_bwrap(words, &plan, &err);
	for (size_t i = 0; i < plan.wrap.warning_count; i++)
		wrap_warn(&plan, plan.wrap.warnings[i]);
	if (failed)
		status = refuse(argv[0], &plan, &err);
	else if (plan.wrap.answer)
		status = print(STDOUT_FILENO, plan.wrap.answer, 0);
	else
		status = wrap_run(&plan, &caller, parent);
	plan_free(&plan);
	return status;
}
