/* SPDX-License-Identifier: Apache-2.0 */
/* This host: the caller, its environment, and the programs that are asked for a word. */
#include "launcher/doctor.h"

#include "base/accounts.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/text.h"

#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

enum {
	GROUPS_MAX =
		4096, /* more than anybody has; with more, ping is said to be closed */
	RANGES_MAX = 340,
};

static bool is_ping_group(const struct sysctl_facts *sysctls, gid_t gid)
{
	return gid >= sysctls->ping_first && gid <= sysctls->ping_last;
}

static void read_groups(struct host_facts *facts)
{
	gid_t groups[GROUPS_MAX];
	int count = getgroups(GROUPS_MAX, groups);

	facts->extra_groups = ids_has_extra_groups();
	facts->in_ping_group = is_ping_group(&facts->sysctls, facts->gid);
	for (int i = 0; i < count && !facts->in_ping_group; i++)
		facts->in_ping_group = is_ping_group(&facts->sysctls, groups[i]);
}

static void read_account(struct host_facts *facts)
{
	struct account account;
	struct error err;

	if (account_by_uid(-1, facts->uid, &account, &err) == 0)
		text_copy(facts->user, sizeof(facts->user), account.name);
}

static void read_ranges(enum subid_kind kind, struct host_facts *facts)
{
	struct subid_range ranges[RANGES_MAX];
	const char *name = facts->user[0] ? facts->user : NULL;
	struct error err;
	int count = subids_of_user(kind, facts->uid, name, ranges, RANGES_MAX, &err);
	int kept =
		subids_keep_mapped(kind, ranges, count > RANGES_MAX ? RANGES_MAX : count);

	for (int i = 0; i < kept; i++)
		facts->subids[kind].ids += ranges[i].count;
	facts->subids[kind].ranges = (size_t)kept;
	facts->subids[kind].elsewhere = count > 0 && kept == 0;
}

static void read_runtime_dir(struct host_facts *facts)
{
	const char *directory = getenv("XDG_RUNTIME_DIR");
	char path[512];

	facts->runtime_dir =
		directory && directory[0] == '/' && access(directory, W_OK | X_OK) == 0;
	snprintf(path, sizeof(path), "/run/user/%u/systemd/private", facts->uid);
	facts->user_manager = access(path, W_OK) == 0;
}

void host_gather(struct host_facts *facts)
{
	auto_close int root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct utsname name;

	*facts = (struct host_facts){ .uid = geteuid(), .gid = getegid() };
	host_read_files(root_fd, getenv("PATH"), facts);
	if (uname(&name) == 0)
		text_copy(facts->machine, sizeof(facts->machine), name.machine);
	if (!facts->container[0] && getenv("KUBERNETES_SERVICE_HOST"))
		text_copy(facts->container, sizeof(facts->container), "kubernetes");
	facts->unmapped =
		subids_keep_mapped(SUBID_UID, &(struct subid_range){ facts->uid, 1 },
				   1) == 0;
	read_account(facts);
	read_groups(facts);
	read_ranges(SUBID_UID, facts);
	read_ranges(SUBID_GID, facts);
	read_runtime_dir(facts);
	host_try(facts);
	host_probe_net(&facts->net);
	host_probe_images(&facts->images);
}
