/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of the doctor's table: the kernel, and what it lets this user do with namespaces. */
#include "launcher/doctor_judges.h"

#include "base/accounts.h"
#include "base/text.h"
#include "policy/policy.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
	KERNEL_MAJOR = 5, /* the oldest kernel that sbx runs on: 5.10 */
	KERNEL_MINOR = 10,
	KERNEL_WHOLE_MINOR = 12, /* has all that sbx uses */
	LANDLOCK_SCOPES = 6,     /* the first ABI with them */
	SECCOMP_LEVEL_NOTIFY = 5,
	NAMESPACES_USUAL = 15000, /* what a remedy raises a limit to */
};

#define UNFILTERED      "--security-opt seccomp=unconfined"
#define DOCKER_UNMASKED "--security-opt systempaths=unconfined"
#define PODMAN_UNMASKED "--security-opt unmask=ALL"

static const char no_sandbox[] = "sbx cannot make a sandbox";

static bool userns_fails_with(const struct host_facts *facts, int errnum)
{
	return facts->userns.ran && facts->userns.errnum == errnum;
}

static bool userns_is_refused(const struct host_facts *facts)
{
	return userns_fails_with(facts, EPERM) || userns_fails_with(facts, EACCES);
}

static bool kernel_before(const struct host_facts *facts, unsigned int minor)
{
	return facts->major < KERNEL_MAJOR ||
	       (facts->major == KERNEL_MAJOR && facts->minor < minor);
}

/* Without its filter, and without covers of /proc where these would be met next. */
static void finding_open_container(const struct host_facts *facts,
				   struct finding *finding)
{
	if (facts->proc_covers[0])
		finding_restart_container(facts, finding, UNFILTERED " " DOCKER_UNMASKED,
					  UNFILTERED " " PODMAN_UNMASKED);
	else
		finding_restart_container(facts, finding, UNFILTERED, UNFILTERED);
}

void judge_kernel(const struct host_facts *facts, struct finding *finding)
{
	if (!facts->release[0]) {
		finding_found(finding, "its version cannot be read");
		finding_short(finding, ROW_LIMITED,
			      "whether it is new enough is not known");
		return;
	}
	finding_found(finding, "%s", facts->release);
	if (kernel_before(facts, KERNEL_MINOR))
		finding_short(finding, ROW_MISSING, "sbx needs Linux 5.10 or newer");
	else if (kernel_before(facts, KERNEL_WHOLE_MINOR))
		finding_short(
			finding, ROW_LIMITED,
			"before 5.12 many mounts cost more time, and a file as standard "
			"input is passed through a pipe");
}

void judge_mount_api(const struct host_facts *facts, struct finding *finding)
{
	if (!facts->mount_api.ran) {
		finding_not_tried(finding);
		return;
	}
	if (facts->mounts.errnum) {
		finding_failed(finding, &facts->mounts);
		if (facts->filtered)
			finding_found(finding,
				      "cannot %s: %s; a seccomp filter around sbx may be "
				      "what refuses it",
				      facts->mounts.step, strerror(facts->mounts.errnum));
		finding_short(finding, ROW_MISSING, no_sandbox);
		finding_open_container(facts, finding);
		return;
	}
	if (facts->mount_api.errnum == 0) {
		finding_found(
			finding,
			"fsopen, open_tree, move_mount, openat2 and mount_setattr work");
		return;
	}
	finding_failed(finding, &facts->mount_api);
	finding_short(finding, ROW_LIMITED, "slower ways are taken in their place");
}

void judge_userns(const struct host_facts *facts, struct finding *finding)
{
	if (facts->userns.errnum == 0) {
		finding_found(finding, "can be made, with power inside");
		return;
	}
	finding_failed(finding, &facts->userns);
	finding_short(finding, ROW_MISSING, no_sandbox);
	if (userns_is_refused(facts) && facts->unmapped)
		finding_found(finding, "uid %u is no id of the user namespace around sbx",
			      facts->uid);
	if (userns_fails_with(facts, EINVAL))
		finding_found(finding, "this kernel is built without them");
}

void judge_userns_sysctl(const struct host_facts *facts, struct finding *finding)
{
	if (facts->sysctls.userns_clone != 0) {
		finding_found(finding, "%s",
			      facts->sysctls.userns_clone < 0
				      ? "no kernel.unprivileged_userns_clone here"
				      : "kernel.unprivileged_userns_clone allows it");
		return;
	}
	finding_found(finding, "kernel.unprivileged_userns_clone is 0");
	if (facts->userns.errnum == 0)
		return; /* CAP_SYS_ADMIN stands above it */
	finding_short(finding, ROW_MISSING, no_sandbox);
	finding_remedy(finding, "sudo sysctl kernel.unprivileged_userns_clone=1");
}

/* ENOSPC is told by the kernel for each kind alike (namespaces(7)). */
static bool is_exhausted(const struct host_facts *facts, enum ns_kind kind)
{
	const struct trial *trial =
		kind == NS_USER ? &facts->userns : &facts->namespaces[kind];

	return trial->ran && trial->errnum == ENOSPC;
}

void judge_userns_limit(const struct host_facts *facts, struct finding *finding)
{
	for (enum ns_kind kind = NS_USER; kind <= NS_NET; kind++) {
		int64_t limit = facts->sysctls.max_namespaces[kind];

		if (limit != 0 && !is_exhausted(facts, kind))
			continue;
		if (limit == 0)
			finding_found(finding, "user.max_%s_namespaces is 0",
				      ns_name(kind));
		else if (limit == INT32_MAX) /* what a new user namespace starts with */
			finding_found(finding,
				      "a user namespace around sbx has as many %s "
				      "namespaces as it may",
				      ns_name(kind));
		else
			finding_found(finding,
				      "this user has as many %s namespaces as it may",
				      ns_name(kind));
		finding_short(finding, ROW_MISSING, no_sandbox);
		if (limit < INT32_MAX / 2)
			finding_remedy(
				finding, "sudo sysctl user.max_%s_namespaces=%" PRId64,
				ns_name(kind),
				limit >= NAMESPACES_USUAL ? 2 * limit : NAMESPACES_USUAL);
		return;
	}
	finding_found(finding, "user.max_*_namespaces leave room");
}

void judge_userns_apparmor(const struct host_facts *facts, struct finding *finding)
{
	if (facts->sysctls.apparmor_restrict <= 0) {
		finding_found(finding, "no restriction of user namespaces");
		return;
	}
	if (!userns_is_refused(facts)) {
		finding_found(finding, "restricts user namespaces, but not ours");
		return;
	}
	finding_found(finding, "kernel.apparmor_restrict_unprivileged_userns is %" PRId64,
		      facts->sysctls.apparmor_restrict);
	finding_short(finding, ROW_MISSING, no_sandbox);
	finding_remedy(finding,
		       "sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0");
}

/* Whether another row has the cause already, so that the filter is not to blame. */
static bool sysctl_forbids(const struct host_facts *facts)
{
	return facts->sysctls.userns_clone == 0 || facts->sysctls.apparmor_restrict > 0;
}

void judge_userns_seccomp(const struct host_facts *facts, struct finding *finding)
{
	if (!facts->filtered) {
		finding_found(finding, "no filter around sbx");
		return;
	}
	if ((!userns_is_refused(facts) && !userns_fails_with(facts, ENOSYS)) ||
	    sysctl_forbids(facts)) {
		finding_found(finding, "a filter around sbx lets namespaces pass");
		return;
	}
	finding_found(finding, "a seccomp filter around sbx, and namespaces are refused");
	finding_short(finding, ROW_MISSING, no_sandbox);
	finding_open_container(facts, finding);
}

void judge_chroot(const struct host_facts *facts, struct finding *finding)
{
	if (facts->root_is_mount) {
		finding_found(finding, "the root is a mount");
		return;
	}
	finding_found(finding, "the root is a directory of another root");
	if (userns_fails_with(facts, EPERM))
		finding_short(finding, ROW_MISSING,
			      "the kernel allows no user namespace in a chroot");
}

void judge_container(const struct host_facts *facts, struct finding *finding)
{
	if (!facts->container[0]) {
		finding_found(finding, "none seen");
		return;
	}
	finding_found(finding, "inside of %s", facts->container);
	if (facts->userns.errnum == 0 && facts->proc.errnum == 0)
		return;
	finding_short(finding, ROW_LIMITED, "it takes away what a sandbox needs");
	finding_restart_container(facts, finding, UNFILTERED " " DOCKER_UNMASKED,
				  UNFILTERED " " PODMAN_UNMASKED);
}

void judge_namespaces(const struct host_facts *facts, struct finding *finding)
{
	if (!facts->userns.ran || facts->userns.errnum) {
		finding_not_tried(finding);
		return;
	}
	for (enum ns_kind kind = NS_MOUNT; kind <= NS_NET; kind++) {
		const struct trial *trial = &facts->namespaces[kind];

		if (trial->errnum == 0)
			continue;
		finding_found(finding, "%s: cannot %s: %s", ns_name(kind), trial->step,
			      strerror(trial->errnum));
		finding_short(
			finding, ROW_MISSING,
			"--share opens what cannot be private, where it may be opened");
		return;
	}
	finding_found(finding, "mnt, pid, ipc, uts, cgroup and net can be made");
}

/* By name what there is, and the first that there is not. */
static void tell_guarantees(int abi, struct finding *finding)
{
	char text[256] = "";

	for (const struct landlock_guarantee *each = landlock_guarantees(); each->abi;
	     each++) {
		const size_t used = strlen(text);

		if (each->abi <= abi)
			snprintf(text + used, sizeof(text) - used, "%s%s",
				 used ? ", " : "", each->what);
		else
			snprintf(text + used, sizeof(text) - used, "; not %s (Linux %s)",
				 each->what, each->kernel);
	}
	finding_found(finding, "ABI %d: %s", abi, text);
}

void judge_landlock(const struct host_facts *facts, struct finding *finding)
{
	int abi = facts->landlock_abi;

	if (abi <= 0) {
		finding_found(finding, "%s",
			      abi == -EOPNOTSUPP ? "built in, but not enabled at boot"
			      : abi == -EPERM    ? "a filter around sbx refuses it"
						 : "not in this kernel");
		finding_short(finding, ROW_MISSING,
			      "no second wall behind the namespaces");
		return;
	}
	tell_guarantees(abi, finding);
	if (abi >= LANDLOCK_SCOPES && facts->userns.errnum && !facts->without_seccomp)
		finding_found(finding,
			      "ABI %d: sbx run --isolation landlock does without user "
			      "namespaces",
			      abi);
	if (abi < LANDLOCK_SCOPES)
		finding_short(
			finding, ROW_LIMITED,
			"signals and abstract sockets are not restricted, and --isolation "
			"landlock needs --landlock auto");
}

void judge_seccomp(const struct host_facts *facts, struct finding *finding)
{
	if (facts->without_seccomp)
		finding_found(finding, "sbx was built without seccomp");
	else
		finding_found(finding, "libseccomp's level %u", facts->seccomp_level);
	if (facts->seccomp_level == 0)
		finding_short(finding, ROW_MISSING, "no filter of system calls");
}

void judge_seccomp_notify(const struct host_facts *facts, struct finding *finding)
{
	if (facts->seccomp_notify && facts->seccomp_level >= SECCOMP_LEVEL_NOTIFY) {
		finding_found(finding, "available");
		return;
	}
	finding_found(finding, "%s",
		      facts->without_seccomp  ? "sbx was built without seccomp"
		      : facts->seccomp_notify ? "in the kernel, not in libseccomp"
					      : "not in this kernel, or refused");
	finding_short(finding, ROW_LIMITED, "denied system calls cannot be explained");
}
