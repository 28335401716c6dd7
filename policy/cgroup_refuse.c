/* SPDX-License-Identifier: Apache-2.0 */
/* Why no group can be made here, and what the user can do about it. */
#include "policy/cgroup.h"

#include "base/error.h"

#include <string.h>

#define OR_BEST_EFFORT "; or --limits best-effort"

static int refuse_undelegated(const struct cgroup_search *search, struct error *err)
{
	char needed[CONTROLLERS_TEXT], missing[CONTROLLERS_TEXT];

	error_set(err, ERROR_CGROUP,
		  "limit %s: systemd does not delegate %s to this user",
		  controllers_text(search->needed, needed),
		  controllers_text(search->undelegated, missing));
	return error_hint(err,
			  "sudo systemctl edit user@.service, with the lines [Service] "
			  "and Delegate=cpu cpuset io memory pids, then log in "
			  "again" OR_BEST_EFFORT);
}

static int refuse_withheld(const struct cgroup_search *search, struct error *err)
{
	char needed[CONTROLLERS_TEXT], withheld[CONTROLLERS_TEXT];
	const char *end = strrchr(search->own, '/');
	const int length = end ? (int)(end - search->own) : 0;

	error_set(err, ERROR_CGROUP,
		  "limit %s: the cgroup above this one does not get %s from its own",
		  controllers_text(search->needed, needed),
		  controllers_text(search->withheld, withheld));
	return error_hint(err, "sudo sh -c 'echo +%s >%.*s/../cgroup.subtree_control'",
			  controller_name(search->withheld & -search->withheld, false),
			  length, search->own);
}

static int refuse_crowded(const struct cgroup_search *search, struct error *err)
{
	char needed[CONTROLLERS_TEXT];

	error_set(err, ERROR_CGROUP,
		  "limit %s: other processes live in the cgroup of this one",
		  controllers_text(search->needed, needed));
	return error_hint(err, "mkdir %.80s/own && echo $$ >%.80s/own/cgroup.procs",
			  search->own, search->own);
}

static int refuse_old(const struct cgroup_search *search, struct error *err)
{
	char needed[CONTROLLERS_TEXT], old[CONTROLLERS_TEXT];

	error_set(err, ERROR_CGROUP,
		  "limit %s: cgroup v1 has %s here, and its groups are root's",
		  controllers_text(search->needed, needed),
		  controllers_text(search->old, old));
	return error_hint(err,
			  "start the machine with systemd.unified_cgroup_hierarchy=1 "
			  "on the kernel's command line" OR_BEST_EFFORT);
}

static int refuse_lacking(const struct cgroup_search *search, struct error *err)
{
	char needed[CONTROLLERS_TEXT], lacking[CONTROLLERS_TEXT];

	error_set(err, ERROR_CGROUP, "limit %s: this system has no controller %s",
		  controllers_text(search->needed, needed),
		  controllers_text(search->lacking, lacking));
	return error_hint(err, "cat /sys/fs/cgroup/cgroup.controllers shows which there "
			       "are" OR_BEST_EFFORT);
}

static int refuse_foreign(const struct cgroup_search *search, struct error *err)
{
	char needed[CONTROLLERS_TEXT];

	error_set(err, ERROR_CGROUP, "limit %s: no cgroup here is this user's%s",
		  controllers_text(search->needed, needed),
		  search->systemd ? "" : ", and the user has no systemd that runs");
	if (search->systemd)
		return error_hint(err, "systemd-run --user --scope -p Delegate=yes sbx "
				       "run ..." OR_BEST_EFFORT);
	return error_hint(err, "log in, or sudo loginctl enable-linger, and set "
			       "XDG_RUNTIME_DIR=/run/user/UID" OR_BEST_EFFORT);
}

int cgroup_refuse(const struct cgroup_search *search, struct error *err)
{
	if (search->undelegated)
		return refuse_undelegated(search, err);
	if (search->withheld && !search->lacking)
		return refuse_withheld(search, err);
	if (search->crowded)
		return refuse_crowded(search, err);
	if (search->lacking && search->old)
		return refuse_old(search, err);
	if (search->lacking)
		return refuse_lacking(search, err);
	return refuse_foreign(search, err);
}
