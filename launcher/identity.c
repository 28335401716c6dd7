/* SPDX-License-Identifier: Apache-2.0 */
/* Who the command is: looked up in the new root, with the new root's own files. */
#include "launcher/child.h"

#include "base/accounts.h"
#include "base/error.h"
#include "base/fd.h"
#include "plan/plan.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

static int add_groups(struct child *child, const uint32_t *groups, size_t count,
		      struct error *err)
{
	const size_t max = sizeof(child->groups) / sizeof(*child->groups);

	for (size_t i = 0; i < count; i++) {
		if (child->group_count == max)
			return error_set(err, ERROR_GROUPS, "join more than %zu groups",
					 max);
		child->groups[child->group_count++] = groups[i];
	}
	return 0;
}

static void take_home(struct child *child, const struct account *account)
{
	snprintf(child->home, sizeof(child->home), "HOME=%s",
		 account->home[0] ? account->home : "/");
	snprintf(child->user, sizeof(child->user), "USER=%s", account->name);
}

static int find_by_name(struct child *child, int root, struct account *account,
			struct error *err)
{
	const struct process_spec *process = &child->plan->process;
	uint32_t groups[32];
	int count, found = account_by_name(root, process->user_name, account, err);

	if (found < 0)
		return -1;
	if (found > 0) {
		error_set(err, ERROR_IDS,
			  "run as %s: the root's /etc/passwd has no such user",
			  process->user_name);
		return error_hint(err, "--user takes a number too");
	}
	child->uid = account->uid;
	if (!process->gid_given)
		child->gid = account->gid;
	count = groups_of_user(root, process->user_name, groups, 32, err);
	if (count < 0)
		return -1;
	return add_groups(child, groups, (size_t)count, err);
}

int identity_find(struct child *child, struct error *err)
{
	const struct process_spec *process = &child->plan->process;
	auto_close int root = -1;
	struct account account;
	int found;

	child->uid = process->uid;
	child->gid = process->gid;
	/* A container's process takes them as they stand in the plan. */
	if (!child->steps &&
	    add_groups(child, process->groups, process->group_count, err) < 0)
		return -1;
	if (!process->user_name && !process->env_home)
		return 0;
	root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return error_errno(err, "open the root");
	if (process->user_name) {
		if (find_by_name(child, root, &account, err) < 0)
			return -1;
		take_home(child, &account);
		return 0;
	}
	found = account_by_uid(root, child->uid, &account, err);
	if (found < 0)
		return -1;
	if (found == 0) {
		take_home(child, &account);
		return 0;
	}
	snprintf(child->home, sizeof(child->home), "HOME=%s", child->uid ? "/" : "/root");
	snprintf(child->user, sizeof(child->user), child->uid ? "USER=%u" : "USER=root",
		 child->uid);
	return 0;
}
