/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of the doctor's table: file systems, devices, groups of processes, programs. */
#include "launcher/doctor_judges.h"

#include "base/accounts.h"
#include "base/text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void judge_proc(const struct host_facts *facts, struct finding *finding)
{
	if (!facts->proc.ran) {
		finding_not_tried(finding);
		return;
	}
	if (facts->proc.errnum == 0) {
		finding_found(finding, "can be mounted");
		return;
	}
	finding_failed(finding, &facts->proc);
	if (facts->proc_covers[0])
		finding_found(finding, "cannot %s: parts of /proc are covered: %.160s",
			      facts->proc.step, facts->proc_covers);
	finding_short(
		finding, ROW_MISSING,
		"sbx run needs --proc host (shows the outer process list) or --proc none");
	if (facts->proc_covers[0] && !facts->container[0])
		finding_remedy(finding, "sudo umount %s", facts->proc_covers);
	finding_restart_container(facts, finding, "--security-opt systempaths=unconfined",
				  "--security-opt unmask=ALL");
}

static bool has_fuse_overlay(const struct host_facts *facts)
{
	return facts->fuse_overlayfs[0] && facts->fuse.open_errnum == 0;
}

/* An upper layer in tmpfs, which keeps no attributes before Linux 6.6. */
static void judge_replacing(const struct host_facts *facts, struct finding *finding)
{
	if (!facts->replacing.ran || facts->replacing.errnum == 0) {
		finding_found(finding, "can be mounted in a user namespace");
		return;
	}
	finding_failed(finding, &facts->replacing);
	if (has_fuse_overlay(facts)) {
		finding_short(finding, ROW_LIMITED,
			      "copy-on-write goes through fuse-overlayfs, which is "
			      "slower; in a root with many ids directories that were "
			      "there cannot be removed or replaced");
		return;
	}
	finding_short(finding, ROW_LIMITED,
		      "directories that were there cannot be removed or replaced where "
		      "it is copy-on-write (Linux 6.6 mends it)");
	if (facts->fuse.open_errnum == 0)
		finding_install(facts, finding, "fuse-overlayfs", "fuse-overlayfs");
}

void judge_overlay(const struct host_facts *facts, struct finding *finding)
{
	if (!facts->overlay.ran) {
		finding_not_tried(finding);
		return;
	}
	if (facts->overlay.errnum == 0) {
		judge_replacing(facts, finding);
		return;
	}
	finding_failed(finding, &facts->overlay);
	if (has_fuse_overlay(facts)) {
		finding_short(
			finding, ROW_LIMITED,
			"copy-on-write goes through fuse-overlayfs, which is slower");
		return;
	}
	finding_short(
		finding, ROW_MISSING,
		"no copy-on-write: sbx run needs --cwd ro, rw or off, and --root-mode ro");
	if (facts->overlay.errnum == ENODEV)
		finding_remedy(finding, "sudo modprobe overlay");
	else if (facts->fuse.open_errnum == 0)
		finding_install(facts, finding, "fuse-overlayfs", "fuse-overlayfs");
}

/* A module that is loaded makes the device on the host, but not in a container. */
static void provide_device(const struct host_facts *facts, const char *path,
			   const char *module, struct finding *finding)
{
	char option[64];

	snprintf(option, sizeof(option), "--device %s", path);
	if (facts->container[0])
		finding_restart_container(facts, finding, option, option);
	else
		finding_remedy(finding, "sudo modprobe %s", module);
}

static void judge_device(const struct host_facts *facts,
			 const struct device_facts *device, const char *path,
			 const char *module, const char *costs, struct finding *finding)
{
	if (device->exists && device->open_errnum == 0) {
		finding_found(finding, "%s can be opened", path);
		return;
	}
	finding_short(finding, ROW_MISSING, costs);
	if (!device->exists) {
		finding_found(finding, "%s is not there", path);
		provide_device(facts, path, module, finding);
		return;
	}
	finding_found(finding, "%s cannot be opened: %s", path,
		      strerror(device->open_errnum));
	if (device->open_errnum == EACCES)
		finding_remedy(finding, "sudo chmod 666 %s", path);
	else
		provide_device(facts, path, module, finding);
}

void judge_tun(const struct host_facts *facts, struct finding *finding)
{
	judge_device(facts, &facts->tun, "/dev/net/tun", "tun",
		     "no UDP and no ping in a network of the sandbox's own: --net relay "
		     "has TCP and names",
		     finding);
	if (finding->state != ROW_OK || facts->net.tap.errnum == 0 ||
	    facts->userns.errnum)
		return;
	finding_failed(finding, &facts->net.tap);
	finding_short(finding, ROW_MISSING,
		      "no UDP and no ping in a network of the sandbox's own: --net relay "
		      "has TCP and names");
}

void judge_fuse(const struct host_facts *facts, struct finding *finding)
{
	judge_device(facts, &facts->fuse, "/dev/fuse", "fuse",
		     "fuse-overlayfs cannot be used", finding);
}

void judge_fuse_overlayfs(const struct host_facts *facts, struct finding *finding)
{
	if (facts->fuse_overlayfs[0]) {
		finding_found(finding, "%s", facts->fuse_overlayfs);
		return;
	}
	finding_found(finding, "not installed");
	finding_short(
		finding, ROW_MISSING,
		"where the kernel's overlay cannot serve there is no copy-on-write");
	finding_install(facts, finding, "fuse-overlayfs", "fuse-overlayfs");
}

void judge_runtime_dir(const struct host_facts *facts, struct finding *finding)
{
	if (facts->runtime_dir) {
		finding_found(finding, "$XDG_RUNTIME_DIR can be written to");
		return;
	}
	finding_found(finding, "no $XDG_RUNTIME_DIR that can be written to");
	finding_short(finding, ROW_LIMITED,
		      "named and detached runs are kept in /tmp, others are not listed");
	if (facts->user[0] && facts->user_manager)
		finding_remedy(finding, "export XDG_RUNTIME_DIR=/run/user/%u",
			       facts->uid);
}

static bool has_word(const char *words, const char *word)
{
	size_t length = strlen(word);

	for (const char *at = strstr(words, word); at; at = strstr(at + 1, word)) {
		if ((at == words || at[-1] == ' ') &&
		    (at[length] == '\0' || at[length] == ' '))
			return true;
	}
	return false;
}

static void remedy_delegation(const struct host_facts *facts, struct finding *finding)
{
	if (facts->user_manager)
		finding_remedy(finding,
			       "systemd-run --user --scope -p Delegate=yes $SHELL");
	else
		finding_remedy(
			finding,
			"sudo sh -c \"mkdir -p /sys/fs/cgroup/sbx-%u && chown -R %u "
			"/sys/fs/cgroup/sbx-%u && echo $$ >/sys/fs/cgroup/sbx-%u/cgroup.procs\"",
			facts->uid, facts->uid, facts->uid, facts->uid);
}

static void judge_controllers(const struct host_facts *facts, const char *controllers,
			      struct finding *finding)
{
	static const char *const wanted[] = { "cpu", "cpuset", "io", "memory", "pids" };

	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		if (has_word(controllers, wanted[i]))
			continue;
		finding_short(
			finding, ROW_LIMITED,
			"limits of a controller that is not delegated cannot be set");
		if (facts->user_manager)
			finding_remedy(
				finding,
				"sudo sh -c 'cd /etc/systemd/system && mkdir -p "
				"user@.service.d && printf \"[Service]\\nDelegate=cpu "
				"cpuset io memory pids\\n\" >user@.service.d/delegate.conf "
				"&& systemctl daemon-reload', then log in again");
		return;
	}
}

void judge_cgroup(const struct host_facts *facts, struct finding *finding)
{
	static const char no_limits[] =
		"limits of memory, processes and CPU cannot be set";
	const struct cgroup_facts *cgroup = &facts->cgroup;

	if (!cgroup->unified) {
		finding_found(finding, "%s",
			      cgroup->hybrid ? "the controllers are those of version 1"
					     : "no cgroup of version 2");
		finding_short(finding, ROW_MISSING, no_limits);
		return;
	}
	if (!cgroup->writable && facts->user_manager && cgroup->delegated[0]) {
		finding_found(finding, "the systemd of this user gives %s",
			      cgroup->delegated);
		judge_controllers(facts, cgroup->delegated, finding);
		return;
	}
	if (!cgroup->writable) {
		finding_found(finding, "%s is not the caller's", cgroup->path);
		finding_short(finding, ROW_MISSING, no_limits);
		remedy_delegation(facts, finding);
		return;
	}
	finding_found(finding, "%s with %s", cgroup->path,
		      cgroup->controllers[0] ? cgroup->controllers : "no controller");
	judge_controllers(facts, cgroup->controllers, finding);
}

void judge_ping(const struct host_facts *facts, struct finding *finding)
{
	if (facts->in_ping_group) {
		finding_found(finding,
			      "net.ipv4.ping_group_range has a group of the caller");
		return;
	}
	finding_found(finding, "net.ipv4.ping_group_range is %" PRId64 " %" PRId64,
		      facts->sysctls.ping_first, facts->sysctls.ping_last);
	finding_short(finding, ROW_MISSING, "no ping out of a sandbox");
	finding_remedy(finding, "sudo sysctl net.ipv4.ping_group_range='0 2147483647'");
}
