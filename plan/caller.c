/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"
#include "plan/internal.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *caller_cwd(struct draft *draft)
{
	char path[PATH_MAX];

	if (draft->caller.cwd)
		return draft->caller.cwd;
	if (!getcwd(path, sizeof(path)))
		return NULL;
	/* "(unreachable)/…": the directory is not below the caller's root */
	if (path[0] != '/') {
		errno = ENOENT;
		return NULL;
	}
	draft->caller.cwd = arena_strdup(&draft->plan.arena, path);
	return draft->caller.cwd;
}

int caller_account(struct draft *draft, struct error *err)
{
	struct caller *caller = &draft->caller;
	int found;

	if (caller->account_read)
		return caller->has_account ? 0 : 1;
	found = account_by_uid(-1, caller->uid, &caller->account, err);
	if (found < 0)
		return -1;
	caller->account_read = true;
	caller->has_account = found == 0;
	return found;
}

static void add_home(struct draft *draft, const char *home)
{
	struct caller *caller = &draft->caller;
	char real[PATH_MAX];

	/* A home that is not there, or cannot be reached, has nothing to hide. */
	if (!home || home[0] != '/' || !realpath(home, real) || !strcmp(real, "/"))
		return;
	if (caller->home_count && !strcmp(caller->homes[0], real))
		return;
	caller->homes[caller->home_count++] = arena_strdup(&draft->plan.arena, real);
}

int caller_homes(struct draft *draft, struct error *err)
{
	struct caller *caller = &draft->caller;
	const char *home = getenv("HOME");

	if (caller->homes_read)
		return 0;
	if (caller_account(draft, err) < 0)
		return -1;
	add_home(draft, home);
	if (caller->has_account && (!home || strcmp(home, caller->account.home) != 0))
		add_home(draft, caller->account.home);
	if (caller->home_count == 2 &&
	    path_is_within(caller->homes[0], caller->homes[1])) {
		const char *outer = caller->homes[1];

		caller->homes[1] = caller->homes[0];
		caller->homes[0] = outer;
	}
	caller->homes_read = true;
	return 0;
}
