/* SPDX-License-Identifier: Apache-2.0 */
/* The work-around for releases that take any network namespace for the host's. */
#include "launcher/oci_gvisor.h"

#include "base/fd.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#define NET_CORE "/proc/sys/net/core"

/* In the mount namespace of the caller, who stays in a network namespace of its own. */
static int cover_net_core(int netns)
{
	const pid_t pid = fork();
	int status = 0;

	if (pid == 0) {
		if (setns(netns, CLONE_NEWNET) < 0)
			_exit(1);
		if (access(NET_CORE "/rmem_default", F_OK) < 0)
			_exit(0);
		_exit(mount("none", NET_CORE, "tmpfs", 0, NULL) < 0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return -1;
	return status == 0 ? 0 : -1;
}

int oci_gvisor_hide_net_core(const struct container_record *record)
{
	auto_close int netns = -1;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/ns/net", record->pid);
	netns = open(path, O_RDONLY | O_CLOEXEC);
	if (netns < 0 || unshare(CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		return -1;
	return cover_net_core(netns);
}
