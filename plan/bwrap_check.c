/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What bubblewrap's options contradict each other in, in the order in which bubblewrap
 * complains, and what the caller and its kernel decide: which namespaces are new.
 */
#include "base/error.h"
#include "base/fd.h"
#include "plan/bwrap.h"

#include <fcntl.h>
#include <unistd.h>

static int refuse(struct error *err, const char *text)
{
	return error_set(err, ERROR_USAGE, "%s", text);
}

int bwrap_check_words(const struct bwrap_reader *reader, struct error *err)
{
	const struct wrap_spec *wrap = &reader->plan->wrap;
	bool waits = wrap->userns_block_fd >= 0, joins = reader->userns_fd >= 0;

	if (waits && !reader->unshare[NS_USER])
		return refuse(err, "--userns-block-fd requires --unshare-user");
	if (waits && wrap->info_fd < 0)
		return refuse(err, "--userns-block-fd requires --info-fd");
	if (joins && reader->unshare[NS_USER])
		return refuse(err, "--userns not compatible --unshare-user");
	if (joins && reader->unshare_user_try)
		return refuse(err, "--userns not compatible --unshare-user-try");
	if (wrap->disable_userns && !reader->unshare[NS_USER])
		return refuse(err, "--disable-userns requires --unshare-user");
	if (wrap->disable_userns && waits)
		return refuse(
			err,
			"--disable-userns is not compatible with  --userns-block-fd");
	return 0;
}

/* Whether the file can be read and begins with the letter. */
static bool begins_with(const char *path, char letter)
{
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	char first;

	return fd >= 0 && fd_read_all(fd, &first, 1) == 1 && first == letter;
}

static bool has_user_namespaces(void)
{
	return access("/proc/self/ns/user", F_OK) == 0 &&
	       !begins_with("/sys/module/user_namespace/parameters/enable", 'N') &&
	       !begins_with("/proc/sys/user/max_user_namespaces", '0');
}

int bwrap_settle_namespaces(struct bwrap_reader *reader, struct error *err)
{
	bool *user = &reader->unshare[NS_USER], *cgroup = &reader->unshare[NS_CGROUP];
	bool asked = *cgroup;

	if (reader->caller_uid != 0 && reader->userns_fd < 0)
		*user = true;
	else if (reader->unshare_user_try && !*user)
		*user = has_user_namespaces();
	if (!asked && !reader->unshare_cgroup_try)
		return 0;
	*cgroup = access("/proc/self/ns/cgroup", F_OK) == 0;
	if (asked && !*cgroup)
		return refuse(err, "Cannot create new cgroup namespace because the "
				   "kernel does not support it");
	return 0;
}

int bwrap_check_settled(const struct bwrap_reader *reader, struct error *err)
{
	bool own_ids = reader->unshare[NS_USER] || reader->userns_fd >= 0;

	if (!own_ids && reader->uid != reader->caller_uid)
		return refuse(err, "Specifying --uid requires --unshare-user or "
				   "--userns");
	if (!own_ids && reader->gid != reader->caller_gid)
		return refuse(err, "Specifying --gid requires --unshare-user or "
				   "--userns");
	if (reader->plan->namespaces.hostname && !reader->unshare[NS_UTS])
		return refuse(err, "Specifying --hostname requires --unshare-uts");
	if (reader->as_pid_1 && !reader->unshare[NS_PID])
		return refuse(err, "Specifying --as-pid-1 requires --unshare-pid");
	if (reader->as_pid_1 && reader->lock_files.count)
		return refuse(err,
			      "Specifying --as-pid-1 and --lock-file is not permitted");
	return 0;
}
