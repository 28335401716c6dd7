/* SPDX-License-Identifier: Apache-2.0 */
#include "base/accounts.h"
#include "base/error.h"
#include "base/files.h"
#include "launcher/doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- made-up hosts ------------------------------------------------------------------- */

/* A host that lacks nothing. */
static struct host_facts good_host(void)
{
	struct host_facts facts = {
		.uid = 1000,
		.gid = 1000,
		.user = "alice",
		.in_ping_group = true,
		.root_is_mount = true,
		.runtime_dir = true,
		.release = "6.12.1-amd64",
		.machine = "x86_64",
		.major = 6,
		.minor = 12,
		.packages = PACKAGES_APT,
		.sysctls = { .userns_clone = 1,
			     .apparmor_restrict = -1,
			     .ping_first = 0,
			     .ping_last = 2147483647 },
		.cgroup = { .unified = true,
			    .writable = true,
			    .path = "/user.slice",
			    .controllers = "cpuset cpu io memory pids" },
		.tun = { .exists = true },
		.fuse = { .exists = true },
		.fuse_overlayfs = "/usr/bin/fuse-overlayfs",
		.runsc = "/usr/bin/runsc",
		.runsc_version = "runsc version release-20250407.0",
		.keys_used = 3,
		.keys_max = 200,
		.landlock_abi = 6,
		.seccomp_level = 6,
		.seccomp_notify = true,
	};
	const struct trial well = { .ran = true };

	for (int i = 0; i < NS_COUNT; i++) {
		facts.sysctls.max_namespaces[i] = 30000;
		facts.namespaces[i] = well;
	}
	for (int i = 0; i < 2; i++) {
		facts.subids[i] = (struct subid_facts){ 1, 65536, 165536, false };
		facts.helpers[i] = (struct helper_facts){ .executable = true,
							  .set_id = true,
							  .root_owned = true };
	}
	strcpy(facts.helpers[SUBID_UID].path, "/usr/bin/newuidmap");
	strcpy(facts.helpers[SUBID_GID].path, "/usr/bin/newgidmap");
	facts.userns = facts.id_map = facts.proc = facts.overlay = well;
	facts.mount_api = facts.keyring = well;
	return facts;
}

static struct trial failed(const char *step, int errnum)
{
	struct trial trial = { .ran = true, .errnum = errnum };

	snprintf(trial.step, sizeof(trial.step), "%s", step);
	return trial;
}

/* As host_try() leaves a host on which nothing can be tried inside. */
static struct host_facts host_without_userns(int errnum)
{
	struct host_facts facts = good_host();

	facts.userns = failed("make a user namespace", errnum);
	facts.id_map = facts.proc = facts.overlay = facts.mount_api =
		(struct trial){ .ran = false };
	memset(facts.namespaces, 0, sizeof(facts.namespaces));
	return facts;
}

static void assert_row(const struct host_facts *facts, const char *id,
		       enum row_state state, const char *found, const char *remedy)
{
	struct finding finding = doctor_judge(id, facts);

	if (finding.state != state)
		fail_msg("row %s: state %d (%s)", id, (int)finding.state, finding.found);
	if (!strstr(finding.found, found))
		fail_msg("row %s: \"%s\" does not say \"%s\"", id, finding.found, found);
	assert_string_equal(finding.remedy, remedy);
	assert_true((finding.state == ROW_OK) == (finding.costs[0] == '\0'));
}

static void every_row_of_a_host_that_lacks_nothing_is_ok(void **state)
{
	struct host_facts facts = good_host();
	size_t count;
	const struct doctor_row *rows = doctor_rows(&count);

	(void)state;
	for (size_t i = 0; i < count; i++)
		assert_row(&facts, rows[i].id, ROW_OK, "", "");
}

static void ids_of_rows_are_different_and_speakable(void **state)
{
	size_t count;
	const struct doctor_row *rows = doctor_rows(&count);

	(void)state;
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(strspn(rows[i].id, "abcdefghijklmnopqrstuvwxyz-"),
				 strlen(rows[i].id));
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(rows[i].id, rows[j].id);
	}
}

/* ---- rows: the kernel and namespaces ---------------------------------------------------- */

static void an_old_kernel_is_missing_and_a_middle_aged_one_limited(void **state)
{
	struct host_facts facts = good_host();

	(void)state;
	facts.major = 5;
	facts.minor = 10;
	strcpy(facts.release, "5.10.0-34-amd64");
	assert_row(&facts, "kernel", ROW_LIMITED, "5.10.0-34-amd64", "");
	facts.minor = 9;
	assert_row(&facts, "kernel", ROW_MISSING, "", "");
	facts.minor = 12;
	assert_row(&facts, "kernel", ROW_OK, "", "");
	facts.major = 4;
	facts.minor = 19;
	assert_row(&facts, "kernel", ROW_MISSING, "", "");
	facts.release[0] = '\0';
	assert_row(&facts, "kernel", ROW_LIMITED, "cannot be read", "");
}

static void a_sysctl_that_forbids_user_namespaces_is_named(void **state)
{
	struct host_facts facts = host_without_userns(EPERM);

	(void)state;
	facts.sysctls.userns_clone = 0;
	assert_row(&facts, "userns", ROW_MISSING, "Operation not permitted", "");
	assert_row(&facts, "userns-sysctl", ROW_MISSING,
		   "kernel.unprivileged_userns_clone is 0",
		   "sudo sysctl kernel.unprivileged_userns_clone=1");
	facts.userns.errnum = 0;
	assert_row(&facts, "userns-sysctl", ROW_OK, "is 0", "");
}

static void a_kernel_without_user_namespaces_is_told_from_a_refusal(void **state)
{
	struct host_facts facts = host_without_userns(EINVAL);

	(void)state;
	assert_row(&facts, "userns", ROW_MISSING, "built without them", "");
	assert_row(&facts, "userns-seccomp", ROW_OK, "", "");
}

static void a_limit_of_namespaces_is_named_and_raised(void **state)
{
	struct host_facts facts = host_without_userns(ENOSPC);

	(void)state;
	facts.sysctls.max_namespaces[NS_USER] = 0;
	assert_row(&facts, "userns-limit", ROW_MISSING, "user.max_user_namespaces is 0",
		   "sudo sysctl user.max_user_namespaces=15000");
	facts.sysctls.max_namespaces[NS_USER] = 20000;
	assert_row(&facts, "userns-limit", ROW_MISSING, "as many user namespaces",
		   "sudo sysctl user.max_user_namespaces=40000");
	facts = good_host();
	facts.sysctls.max_namespaces[NS_NET] = 0;
	facts.namespaces[NS_NET] = failed("make the namespace", ENOSPC);
	assert_row(&facts, "userns-limit", ROW_MISSING, "user.max_net_namespaces is 0",
		   "sudo sysctl user.max_net_namespaces=15000");
	assert_row(&facts, "namespaces", ROW_MISSING, "net: cannot make the namespace",
		   "");
}

static void apparmors_restriction_is_named_where_it_bites(void **state)
{
	struct host_facts facts = host_without_userns(EACCES);

	(void)state;
	strcpy(facts.userns.step, "map its own id");
	facts.sysctls.apparmor_restrict = 1;
	assert_row(&facts, "userns-apparmor", ROW_MISSING,
		   "kernel.apparmor_restrict_unprivileged_userns is 1",
		   "sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0");
	facts = good_host();
	facts.sysctls.apparmor_restrict = 1;
	assert_row(&facts, "userns-apparmor", ROW_OK, "not ours", "");
}

static void a_filter_around_sbx_is_blamed_only_without_a_better_cause(void **state)
{
	struct host_facts facts = host_without_userns(EPERM);

	(void)state;
	facts.filtered = true;
	assert_row(&facts, "userns-seccomp", ROW_MISSING, "a seccomp filter around sbx",
		   "");
	strcpy(facts.container, "docker");
	assert_row(&facts, "userns-seccomp", ROW_MISSING, "a seccomp filter around sbx",
		   "docker run --security-opt seccomp=unconfined ...");
	facts.sysctls.userns_clone = 0;
	assert_row(&facts, "userns-seccomp", ROW_OK, "", "");
	facts = good_host();
	facts.filtered = true;
	assert_row(&facts, "userns-seccomp", ROW_OK, "lets namespaces pass", "");
}

static void a_chroot_is_named_where_it_forbids(void **state)
{
	struct host_facts facts = host_without_userns(EPERM);

	(void)state;
	facts.root_is_mount = false;
	assert_row(&facts, "chroot", ROW_MISSING, "directory of another root", "");
	facts.userns.errnum = 0;
	assert_row(&facts, "chroot", ROW_OK, "directory of another root", "");
}

static void a_container_is_limited_where_it_takes_something_away(void **state)
{
	struct host_facts facts = good_host();

	(void)state;
	strcpy(facts.container, "podman");
	assert_row(&facts, "container", ROW_OK, "inside of podman", "");
	facts.proc = failed("mount a new proc", EPERM);
	assert_row(
		&facts, "container", ROW_LIMITED, "inside of podman",
		"podman run --security-opt seccomp=unconfined --security-opt unmask=ALL ...");
}

static void what_was_not_tried_is_not_blamed(void **state)
{
	static const char *const ids[] = { "namespaces", "proc", "overlay", "id-map",
					   "mount-api" };
	struct host_facts facts = host_without_userns(EPERM);

	(void)state;
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
		assert_row(&facts, ids[i], ROW_LIMITED, "not tried", "");
}

static void mount_calls_that_a_filter_refuses_are_limited(void **state)
{
	struct host_facts facts = good_host();

	(void)state;
	facts.mount_api = failed("call openat2", ENOSYS);
	assert_row(&facts, "mount-api", ROW_LIMITED,
		   "cannot call openat2: Function not implemented", "");
}

static void without_the_calls_that_mount_there_is_no_sandbox(void **state)
{
	struct host_facts facts = good_host();

	(void)state;
	facts.mounts = failed("call open_tree", EPERM);
	assert_row(&facts, "mount-api", ROW_MISSING,
		   "cannot call open_tree: Operation not permitted", "");
}

static void landlock_is_judged_by_its_abi(void **state)
{
	struct host_facts facts = good_host();

	(void)state;
	facts.landlock_abi = 3;
	assert_row(&facts, "landlock", ROW_LIMITED, "ABI 3", "");
	facts.landlock_abi = 5;
	assert_row(&facts, "landlock", ROW_LIMITED, "ABI 5", "");
	facts.landlock_abi = -EOPNOTSUPP;
	assert_row(&facts, "landlock", ROW_MISSING, "not enabled at boot", "");
	facts.landlock_abi = -ENOSYS;
	assert_row(&facts, "landlock", ROW_MISSING, "not in this kernel", "");
	facts.landlock_abi = -EPERM;
	assert_row(&facts, "landlock", ROW_MISSING, "a filter around sbx", "");
}

static void seccomp_is_judged_by_its_level(void **state)
{
	struct host_facts facts = good_host();

	(void)state;
	facts.seccomp_level = 4;
	assert_row(&facts, "seccomp", ROW_OK, "level 4", "");
	assert_row(&facts, "seccomp-notify", ROW_LIMITED, "not in libseccomp", "");
	facts.seccomp_notify = false;
	assert_row(&facts, "seccomp-notify", ROW_LIMITED, "not in this kernel", "");
	facts.seccomp_level = 0;
	assert_row(&facts, "seccomp", ROW_MISSING, "level 0", "");
}

/* ---- rows: ids ------------------------------------------------------------------------------ */

static void missing_subordinate_ids_come_with_a_free_range(void **state)
{
	struct host_facts facts = good_host();

	(void)state;
	facts.subids[SUBID_UID] = (struct subid_facts){ 0, 0, 165536, false };
	facts.subids[SUBID_GID] = (struct subid_facts){ 0, 0, 100000, false };
	assert_row(&facts, "subuid", ROW_MISSING, "none in /etc/subuid",
		   "sudo usermod --add-subuids 165536-231071 alice");
	assert_row(&facts, "subgid", ROW_MISSING, "none in /etc/subgid",
		   "sudo usermod --add-subgids 100000-165535 alice");
	facts.user[0] = '\0';
	assert_row(&facts, "subuid", ROW_MISSING, "none in /etc/subuid",
		   "echo 1000:165536:65536 | sudo tee -a /etc/subuid");
	facts.subids[SUBID_UID].next_free = 0;
	assert_row(&facts, "subuid", ROW_MISSING, "none in /etc/subuid", "");
}

static void few_subordinate_ids_are_limited(void **state)
{
	struct host_facts facts = good_host();

	(void)state;
	facts.subids[SUBID_UID] = (struct subid_facts){ 2, 2000, 165536, false };
	assert_row(&facts, "subuid", ROW_LIMITED, "2000 in 2 ranges",
		   "sudo usermod --add-subuids 165536-231071 alice");
}

static void a_helper_that_is_not_there_is_installed(void **state)
{
	struct host_facts facts = good_host();

	(void)state;
	memset(&facts.helpers[SUBID_UID], 0, sizeof(facts.helpers[SUBID_UID]));
	assert_row(&facts, "newuidmap", ROW_MISSING, "not installed",
		   "sudo apt-get install uidmap");
	facts.packages = PACKAGES_DNF;
	assert_row(&facts, "newuidmap", ROW_MISSING, "not installed",
		   "sudo dnf install shadow-utils");
	facts.packages = PACKAGES_APK;
	assert_row(&facts, "newuidmap", ROW_MISSING, "not installed",
		   "sudo apk add shadow-uidmap");
	facts.packages = PACKAGES_UNKNOWN;
	assert_row(&facts, "newuidmap", ROW_MISSING, "not installed", "");
	assert_row(&facts, "newgidmap", ROW_OK, "/usr/bin/newgidmap", "");
}

static void a_helper_without_power_gets_it_back(void **state)
{
	struct host_facts facts = good_host();
	struct helper_facts *helper = &facts.helpers[SUBID_GID];

	(void)state;
	helper->set_id = false;
	assert_row(&facts, "newgidmap", ROW_MISSING, "neither root's set-id bit",
		   "sudo chmod u+s /usr/bin/newgidmap");
	helper->file_caps = true;
	assert_row(&facts, "newgidmap", ROW_OK, "with a file capability", "");
	helper->file_caps = false;
	helper->set_id = true;
	helper->root_owned = false;
	assert_row(&facts, "newgidmap", ROW_MISSING, "neither root's set-id bit",
		   "sudo sh -c 'chown root /usr/bin/newgidmap; chmod u+s "
		   "/usr/bin/newgidmap'");
}

static void what_the_namespace_around_lacks_has_no_remedy_in_it(void **state)
{
	struct host_facts facts = good_host();

	(void)state;
	facts.subids[SUBID_UID] = (struct subid_facts){ 0, 0, 165536, true };
	assert_row(&facts, "subuid", ROW_MISSING, "not in the user namespace around sbx",
		   "");
	facts.helpers[SUBID_UID].root_owned = false;
	facts.helpers[SUBID_UID].nobodys = true;
	assert_row(&facts, "newuidmap", ROW_MISSING, "the owner of /usr/bin/newuidmap",
		   "");
	facts.userns = failed("make a user namespace", EPERM);
	facts.unmapped = true;
	assert_row(&facts, "userns", ROW_MISSING, "uid 1000 is no id", "");
}

static void a_limit_further_out_cannot_be_raised_here(void **state)
{
	struct host_facts facts = host_without_userns(ENOSPC);

	(void)state;
	facts.sysctls.max_namespaces[NS_USER] = 2147483647;
	assert_row(&facts, "userns-limit", ROW_MISSING, "a user namespace around sbx",
		   "");
}

static void a_helper_whose_bit_has_no_effect_is_missing(void **state)
{
	struct host_facts facts = good_host();

	(void)state;
	facts.helpers[SUBID_UID].nosuid = true;
	assert_row(&facts, "newuidmap", ROW_MISSING, "mounted nosuid", "");
	facts.no_new_privs = true;
	assert_row(&facts, "newgidmap", ROW_MISSING, "no_new_privs", "");
}

static void a_map_that_was_refused_says_why(void **state)
{
	struct host_facts facts = good_host();

	(void)state;
	facts.id_map = failed("map ids: newuidmap: not in range", EPERM);
	assert_row(&facts, "id-map", ROW_MISSING,
		   "cannot map ids: newuidmap: not in range", "");
	facts.id_map.ran = false;
	assert_row(&facts, "id-map", ROW_MISSING, "no subordinate ids", "");
}

static void groups_that_cannot_be_dropped_are_told(void **state)
{
	struct host_facts facts = good_host();

	(void)state;
	facts.extra_groups = true;
	assert_row(&facts, "groups", ROW_OK, "with a subordinate gid", "");
	facts.subids[SUBID_GID] = (struct subid_facts){ 0, 0, 100000, false };
	assert_row(&facts, "groups", ROW_MISSING, "cannot be dropped",
		   "sudo usermod --add-subgids 100000-165535 alice");
	facts.helpers[SUBID_GID].set_id = false;
	assert_row(&facts, "groups", ROW_MISSING, "cannot be dropped",
		   "sudo chmod u+s /usr/bin/newgidmap");
	facts.extra_groups = false;
	assert_row(&facts, "groups", ROW_OK, "none to drop", "");
}

static void a_used_up_quota_of_keys_is_raised(void **state)
{
	struct host_facts facts = good_host();

	(void)state;
	facts.keys_used = 198;
	assert_row(&facts, "keyring", ROW_LIMITED, "198 of 200",
		   "sudo sysctl kernel.keys.maxkeys=2000");
	facts.keyring = failed("join a new session keyring", EDQUOT);
	assert_row(&facts, "keyring", ROW_MISSING, strerror(EDQUOT),
		   "sudo sysctl kernel.keys.maxkeys=2000");
	facts.keyring.errnum = EPERM;
	assert_row(&facts, "keyring", ROW_OK, "out of reach", "");
}

/* ---- rows: files, devices, groups, programs ---------------------------------------------------- */

static void a_proc_that_is_covered_names_what_covers_it(void **state)
{
	struct host_facts facts = good_host();

	(void)state;
	facts.proc = failed("mount a new proc", EPERM);
	strcpy(facts.proc_covers, "/proc/kcore /proc/keys");
	assert_row(&facts, "proc", ROW_MISSING,
		   "parts of /proc are covered: /proc/kcore /proc/keys",
		   "sudo umount /proc/kcore /proc/keys");
	strcpy(facts.container, "docker");
	assert_row(&facts, "proc", ROW_MISSING, "/proc/kcore",
		   "docker run --security-opt systempaths=unconfined ...");
}

static void overlay_falls_back_to_fuse(void **state)
{
	struct host_facts facts = good_host();

	(void)state;
	facts.overlay = failed("mount an overlay", EPERM);
	assert_row(&facts, "overlay", ROW_LIMITED, "cannot mount an overlay", "");
	facts.fuse_overlayfs[0] = '\0';
	assert_row(&facts, "overlay", ROW_MISSING, "cannot mount an overlay",
		   "sudo apt-get install fuse-overlayfs");
	facts.fuse.open_errnum = ENOENT;
	assert_row(&facts, "overlay", ROW_MISSING, "cannot mount an overlay", "");
	facts.overlay.errnum = ENODEV;
	assert_row(&facts, "overlay", ROW_MISSING, "No such device",
		   "sudo modprobe overlay");
}

static void a_container_is_given_its_devices_from_outside(void **state)
{
	struct host_facts facts = good_host();

	(void)state;
	facts.tun = (struct device_facts){ false, ENOENT };
	strcpy(facts.container, "docker");
	assert_row(&facts, "tun", ROW_MISSING, "/dev/net/tun is not there",
		   "docker run --device /dev/net/tun ...");
	strcpy(facts.container, "lxc");
	assert_row(&facts, "tun", ROW_MISSING, "/dev/net/tun is not there", "");
}

static void a_device_is_made_or_opened(void **state)
{
	struct host_facts facts = good_host();

	(void)state;
	facts.tun = (struct device_facts){ false, ENOENT };
	facts.fuse = (struct device_facts){ true, EACCES };
	assert_row(&facts, "tun", ROW_MISSING, "/dev/net/tun is not there",
		   "sudo modprobe tun");
	assert_row(&facts, "fuse", ROW_MISSING, "Permission denied",
		   "sudo chmod 666 /dev/fuse");
	facts.tun = (struct device_facts){ true, ENODEV };
	assert_row(&facts, "tun", ROW_MISSING, "No such device", "sudo modprobe tun");
}

static void cgroups_are_delegated_by_what_runs_here(void **state)
{
	struct host_facts facts = good_host();

	(void)state;
	facts.cgroup.writable = false;
	facts.user_manager = true;
	assert_row(&facts, "cgroup", ROW_MISSING, "/user.slice is not the caller's",
		   "systemd-run --user --scope -p Delegate=yes $SHELL");
	facts.user_manager = false;
	assert_row(&facts, "cgroup", ROW_MISSING, "/user.slice is not the caller's",
		   "sudo sh -c \"mkdir -p /sys/fs/cgroup/sbx-1000 && chown -R 1000 "
		   "/sys/fs/cgroup/sbx-1000 && echo $$ "
		   ">/sys/fs/cgroup/sbx-1000/cgroup.procs\"");
	facts.cgroup = (struct cgroup_facts){ .hybrid = true };
	assert_row(&facts, "cgroup", ROW_MISSING, "version 1", "");
	facts.cgroup.hybrid = false;
	assert_row(&facts, "cgroup", ROW_MISSING, "no cgroup of version 2", "");
}

static void a_controller_that_is_not_delegated_is_limited(void **state)
{
	struct host_facts facts = good_host();

	(void)state;
	strcpy(facts.cgroup.controllers, "cpuset memory pids");
	facts.user_manager = true;
	assert_row(&facts, "cgroup", ROW_LIMITED, "cpuset memory pids",
		   "sudo systemctl set-property user-1000.slice Delegate=yes");
	facts.user_manager = false;
	assert_row(&facts, "cgroup", ROW_LIMITED, "cpuset memory pids", "");
}

static void ping_needs_a_group_in_the_range(void **state)
{
	struct host_facts facts = good_host();

	(void)state;
	facts.in_ping_group = false;
	facts.sysctls.ping_first = 1;
	facts.sysctls.ping_last = 0;
	assert_row(&facts, "ping", ROW_MISSING, "is 1 0",
		   "sudo sysctl net.ipv4.ping_group_range='0 2147483647'");
}

static void optional_programs_are_installed(void **state)
{
	struct host_facts facts = good_host();

	(void)state;
	facts.fuse_overlayfs[0] = '\0';
	assert_row(&facts, "fuse-overlayfs", ROW_MISSING, "not installed",
		   "sudo apt-get install fuse-overlayfs");
	facts.runsc_version[0] = '\0';
	assert_row(&facts, "runsc", ROW_MISSING, "does not tell its version", "");
	facts.runsc[0] = '\0';
	assert_row(&facts, "runsc", ROW_MISSING, "not installed",
		   "sudo sh -c 'wget -O /usr/local/bin/runsc "
		   "https://storage.googleapis.com/gvisor/releases/release/latest/x86_64/"
		   "runsc && chmod 755 /usr/local/bin/runsc'");
}

static void a_runtime_directory_is_named_where_there_is_one(void **state)
{
	struct host_facts facts = good_host();

	(void)state;
	facts.runtime_dir = false;
	assert_row(&facts, "runtime-dir", ROW_LIMITED, "no $XDG_RUNTIME_DIR", "");
	facts.user_manager = true;
	assert_row(&facts, "runtime-dir", ROW_LIMITED, "no $XDG_RUNTIME_DIR",
		   "export XDG_RUNTIME_DIR=/run/user/1000");
}

/* ---- files ---------------------------------------------------------------------------------- */

static void the_status_of_a_process_is_read(void **state)
{
	struct host_facts facts = { 0 };

	(void)state;
	host_parse_status("Name:\tSeccomp: 2\nNoNewPrivs:\t1\nSeccomp:\t2\n"
			  "Seccomp_filters:\t1\n",
			  &facts);
	assert_true(facts.filtered);
	assert_true(facts.no_new_privs);
	host_parse_status("Name:\tx\nNoNewPrivs:\t0\nSeccomp:\t0\n", &facts);
	assert_false(facts.filtered);
	assert_false(facts.no_new_privs);
	host_parse_status("", &facts);
	assert_false(facts.filtered);
}

static void covers_of_proc_are_read_and_harmless_ones_are_not(void **state)
{
	struct host_facts facts = { 0 };

	(void)state;
	host_parse_mountinfo("21 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
			     "22 21 0:5 / /proc rw - proc proc rw\n"
			     "23 22 0:9 / /proc/sys/fs/binfmt_misc rw - autofs none rw\n"
			     "24 22 0:6 /null /proc/kcore rw - tmpfs none rw\n"
			     "25 22 0:7 / /proc/a\\040b ro - tmpfs none ro\n"
			     "broken\n",
			     &facts);
	assert_true(facts.root_is_mount);
	assert_string_equal(facts.proc_covers, "/proc/kcore /proc/a\\040b");
	host_parse_mountinfo("22 21 0:5 / /proc rw - proc proc rw", &facts);
	assert_false(facts.root_is_mount);
	assert_string_equal(facts.proc_covers, "");
}

static void more_covers_than_there_is_room_for_are_whole_paths(void **state)
{
	struct host_facts facts = { 0 };
	char text[8192] = "";

	(void)state;
	for (int i = 0; i < 100; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text),
			 "24 22 0:6 / /proc/covered%02d rw - tmpfs none rw\n", i);
	host_parse_mountinfo(text, &facts);
	assert_true(strlen(facts.proc_covers) > 400);
	assert_int_equal((strlen(facts.proc_covers) + 1) % 16, 0);
}

static void the_quota_of_keys_is_that_of_the_user(void **state)
{
	static const char text[] = "    0:     9 8/8 3/1000000 48/25000000\n"
				   " 1001:     2 2/2 17/200 28/20000\n";
	struct host_facts facts = { 0 };

	(void)state;
	host_parse_key_users(text, 1001, &facts);
	assert_int_equal(facts.keys_used, 17);
	assert_int_equal(facts.keys_max, 200);
	facts.keys_max = 0;
	host_parse_key_users(text, 5, &facts);
	assert_int_equal(facts.keys_max, 0);
}

static void a_new_range_lies_behind_all_others(void **state)
{
	(void)state;
	assert_int_equal(host_next_free_subid(""), 100000);
	assert_int_equal(host_next_free_subid("alice:100000:65536\n"), 165536);
	assert_int_equal(host_next_free_subid("bob:300000:65536\nalice:100000:65536\n"),
			 365536);
	assert_int_equal(host_next_free_subid("low:10:20\n# alice\nbroken:x:y\n"),
			 100000);
	assert_int_equal(host_next_free_subid("all:1:4294967294\n"), 0);
}

/* A root of files, made in a temporary directory. */
static char root[] = "/tmp/sbx-doctor-XXXXXX";

static void put(const char *path, const char *text)
{
	char whole[512];
	FILE *file;

	snprintf(whole, sizeof(whole), "%s/%s", root, path);
	for (char *slash = strchr(whole + sizeof(root), '/'); slash;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		assert_true(mkdir(whole, 0755) == 0 || errno == EEXIST);
		*slash = '/';
	}
	file = fopen(whole, "we");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(whole, 0755), 0);
}

static void read_root(struct host_facts *facts)
{
	int fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);

	assert_true(fd >= 0);
	host_read_files(fd, "relative:/opt/bin::/usr/bin", facts);
	close(fd);
}

static int make_root(void **state)
{
	(void)state;
	return mkdtemp(root) ? 0 : -1;
}

static int remove_root(void **state)
{
	(void)state;
	return files_remove_tree(AT_FDCWD, root);
}

static void a_root_without_anything_is_unknown(void **state)
{
	struct host_facts facts = { 0 };

	(void)state;
	read_root(&facts);
	assert_int_equal(facts.major, 0);
	assert_int_equal(facts.sysctls.userns_clone, -1);
	assert_int_equal(facts.sysctls.max_namespaces[NS_USER], -1);
	assert_int_equal(facts.packages, PACKAGES_UNKNOWN);
	assert_int_equal(facts.subids[SUBID_UID].next_free, 100000);
	assert_string_equal(facts.helpers[SUBID_UID].path, "");
	assert_false(facts.tun.exists);
	assert_false(facts.cgroup.unified);
	assert_string_equal(facts.container, "");
}

static void files_below_a_root_are_read(void **state)
{
	struct host_facts facts = { .uid = 1001 };

	(void)state;
	put("proc/sys/kernel/osrelease", "5.10.0-34-amd64\n");
	put("proc/sys/kernel/unprivileged_userns_clone", "0\n");
	put("proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1\n");
	put("proc/sys/user/max_user_namespaces", "4711\n");
	put("proc/sys/net/ipv4/ping_group_range", "1\t0\n");
	put("proc/self/status", "NoNewPrivs:\t1\nSeccomp:\t2\n");
	put("proc/self/cgroup", "1:name=systemd:/x\n0::/user.slice/a\n");
	put("proc/key-users", " 1001:     2 2/2 2/200 28/20000\n");
	put("etc/subuid", "alice:200000:65536\n");
	put("usr/bin/newuidmap", "");
	put("opt/bin/runsc", "");
	put("usr/bin/apt-get", "");
	put("run/.containerenv", "");
	put("sys/fs/cgroup/cgroup.controllers", "cpu\n");
	put("sys/fs/cgroup/user.slice/a/cgroup.procs", "");
	put("sys/fs/cgroup/user.slice/a/cgroup.controllers", "memory pids\n");
	read_root(&facts);

	assert_string_equal(facts.release, "5.10.0-34-amd64");
	assert_int_equal(facts.major, 5);
	assert_int_equal(facts.minor, 10);
	assert_int_equal(facts.sysctls.userns_clone, 0);
	assert_int_equal(facts.sysctls.apparmor_restrict, 1);
	assert_int_equal(facts.sysctls.max_namespaces[NS_USER], 4711);
	assert_int_equal(facts.sysctls.ping_first, 1);
	assert_int_equal(facts.sysctls.ping_last, 0);
	assert_true(facts.filtered && facts.no_new_privs);
	assert_int_equal(facts.keys_max, 200);
	assert_int_equal(facts.subids[SUBID_UID].next_free, 265536);
	assert_string_equal(facts.helpers[SUBID_UID].path, "/usr/bin/newuidmap");
	assert_true(facts.helpers[SUBID_UID].executable);
	assert_false(facts.helpers[SUBID_UID].set_id);
	assert_string_equal(facts.runsc, "/opt/bin/runsc");
	assert_string_equal(facts.fuse_overlayfs, "");
	assert_int_equal(facts.packages, PACKAGES_APT);
	assert_string_equal(facts.container, "podman");
	assert_true(facts.cgroup.unified && facts.cgroup.writable);
	assert_string_equal(facts.cgroup.path, "/user.slice/a");
	assert_string_equal(facts.cgroup.controllers, "memory pids");
}

static void a_sandbox_is_known_by_its_first_process(void **state)
{
	struct host_facts facts = { .uid = 1001 };

	(void)state;
	put(".dockerenv", "");
	put("proc/1/comm", "sbx-init\n");
	read_root(&facts);
	assert_string_equal(facts.container, "sbx");
}

/* ---- explanations ------------------------------------------------------------------------------ */

static struct error failure(enum error_id id, int errnum, const char *text)
{
	struct error err = { 0 };

	errno = errnum;
	error_errno_id(&err, id, "%s", text);
	return err;
}

static void a_refusal_is_refined_to_the_sysctl(void **state)
{
	struct host_facts facts = host_without_userns(EPERM);
	struct error err =
		failure(ERROR_USERNS_FORBIDDEN, EPERM, "make a user namespace");

	(void)state;
	facts.sysctls.userns_clone = 0;
	doctor_explain_by(&facts, &err);
	assert_int_equal(err.id, ERROR_USERNS_SYSCTL);
	assert_string_equal(err.text, "make a user namespace: "
				      "kernel.unprivileged_userns_clone is 0");
	assert_string_equal(err.hint, "sudo sysctl kernel.unprivileged_userns_clone=1");
}

static void a_namespace_without_power_is_refined_to_apparmor(void **state)
{
	static const enum error_id ids[] = { ERROR_PLAIN, ERROR_IDS, ERROR_NAMESPACE };
	struct host_facts facts = host_without_userns(EACCES);

	(void)state;
	facts.sysctls.apparmor_restrict = 1;
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		struct error err = failure(ids[i], EACCES, "map ids: write uid_map");

		doctor_explain_by(&facts, &err);
		assert_int_equal(err.id, ERROR_USERNS_APPARMOR);
		assert_string_equal(
			err.hint,
			"sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0");
	}
}

static void a_filter_and_a_limit_have_ids_of_their_own(void **state)
{
	struct host_facts facts = host_without_userns(EPERM);
	struct error err =
		failure(ERROR_USERNS_FORBIDDEN, EPERM, "make a user namespace");

	(void)state;
	facts.filtered = true;
	doctor_explain_by(&facts, &err);
	assert_int_equal(err.id, ERROR_USERNS_SECCOMP);

	facts = host_without_userns(ENOSPC);
	facts.sysctls.max_namespaces[NS_USER] = 0;
	err = failure(ERROR_USERNS_LIMIT, ENOSPC, "make the namespaces");
	doctor_explain_by(&facts, &err);
	assert_int_equal(err.id, ERROR_USERNS_LIMIT);
	assert_string_equal(err.hint, "sudo sysctl user.max_user_namespaces=15000");
}

static void what_only_a_filter_can_refuse_is_laid_to_it(void **state)
{
	struct host_facts facts = good_host();
	struct error err = failure(ERROR_PLAIN, EPERM, "set the host name"), before;

	(void)state;
	strcpy(facts.container, "podman");
	before = err;
	doctor_explain_by(&facts, &err);
	assert_memory_equal(&err, &before, sizeof(err));
	facts.filtered = true;
	facts.proc = failed("mount a new proc", EPERM);
	doctor_explain_by(&facts, &err);
	assert_int_equal(err.id, ERROR_PLAIN);
	assert_true(err.explained);
	assert_string_equal(err.text,
			    "set the host name: Operation not permitted; a seccomp "
			    "filter around sbx may be what refuses it");
	assert_string_equal(err.hint, "podman run --security-opt seccomp=unconfined "
				      "--security-opt unmask=ALL ...");
}

static void who_has_no_id_can_make_no_namespace(void **state)
{
	struct host_facts facts = host_without_userns(EPERM);
	struct error err =
		failure(ERROR_USERNS_FORBIDDEN, EPERM, "make a user namespace");

	(void)state;
	facts.unmapped = true;
	strcpy(facts.container, "docker");
	doctor_explain_by(&facts, &err);
	assert_string_equal(err.text, "make a user namespace: uid 1000 is no id of the "
				      "user namespace around sbx");
}

static void a_covered_proc_is_explained_once(void **state)
{
	struct host_facts facts = good_host();
	struct error err = failure(ERROR_PROC_COVERED, EPERM, "mount proc");

	(void)state;
	facts.proc = failed("mount a new proc", EPERM);
	strcpy(facts.proc_covers, "/proc/kcore");
	err.status = 125;
	doctor_explain_by(&facts, &err);
	assert_int_equal(err.id, ERROR_PROC_COVERED);
	assert_int_equal(err.status, 125);
	assert_string_equal(err.text,
			    "mount a new proc: parts of /proc are covered: /proc/kcore");
	assert_string_equal(err.hint,
			    "sudo umount /proc/kcore, or --proc host (shows the "
			    "outer process list) or --proc none");
}

static void a_command_that_is_too_long_for_a_hint_is_left_out(void **state)
{
	struct host_facts facts = good_host();
	struct error err = failure(ERROR_PROC_COVERED, EPERM, "mount proc");

	(void)state;
	facts.proc = failed("mount a new proc", EPERM);
	memset(facts.proc_covers, 'x', 400);
	doctor_explain_by(&facts, &err);
	assert_string_equal(err.hint, "--proc host (shows the outer process list) or "
				      "--proc none; sbx doctor tells more");
}

static void a_helper_is_explained_with_the_way_round_it(void **state)
{
	struct host_facts facts = good_host();
	struct error err = failure(ERROR_IDMAP_HELPER, 0, "map ids: newgidmap failed");

	(void)state;
	facts.helpers[SUBID_GID].set_id = false;
	doctor_explain_by(&facts, &err);
	assert_int_equal(err.id, ERROR_IDMAP_HELPER);
	assert_string_equal(err.hint,
			    "sudo chmod u+s /usr/bin/newgidmap, or --map single");
}

static void an_error_of_which_the_host_is_innocent_is_left_alone(void **state)
{
	static const enum error_id ids[] = { ERROR_PLAIN, ERROR_SOURCE_MISSING,
					     ERROR_USERNS_FORBIDDEN, ERROR_OVERLAY,
					     ERROR_KERNEL };
	struct host_facts facts = good_host();

	(void)state;
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		struct error err = failure(ids[i], EPERM, "do it"), before;

		error_hint(&err, "as before");
		before = err;
		doctor_explain_by(&facts, &err);
		assert_memory_equal(&err, &before, sizeof(err));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_of_a_host_that_lacks_nothing_is_ok),
		cmocka_unit_test(ids_of_rows_are_different_and_speakable),
		cmocka_unit_test(an_old_kernel_is_missing_and_a_middle_aged_one_limited),
		cmocka_unit_test(a_sysctl_that_forbids_user_namespaces_is_named),
		cmocka_unit_test(a_kernel_without_user_namespaces_is_told_from_a_refusal),
		cmocka_unit_test(a_limit_of_namespaces_is_named_and_raised),
		cmocka_unit_test(apparmors_restriction_is_named_where_it_bites),
		cmocka_unit_test(
			a_filter_around_sbx_is_blamed_only_without_a_better_cause),
		cmocka_unit_test(a_chroot_is_named_where_it_forbids),
		cmocka_unit_test(a_container_is_limited_where_it_takes_something_away),
		cmocka_unit_test(what_was_not_tried_is_not_blamed),
		cmocka_unit_test(mount_calls_that_a_filter_refuses_are_limited),
		cmocka_unit_test(without_the_calls_that_mount_there_is_no_sandbox),
		cmocka_unit_test(landlock_is_judged_by_its_abi),
		cmocka_unit_test(seccomp_is_judged_by_its_level),
		cmocka_unit_test(missing_subordinate_ids_come_with_a_free_range),
		cmocka_unit_test(few_subordinate_ids_are_limited),
		cmocka_unit_test(a_helper_that_is_not_there_is_installed),
		cmocka_unit_test(a_helper_without_power_gets_it_back),
		cmocka_unit_test(what_the_namespace_around_lacks_has_no_remedy_in_it),
		cmocka_unit_test(a_limit_further_out_cannot_be_raised_here),
		cmocka_unit_test(a_helper_whose_bit_has_no_effect_is_missing),
		cmocka_unit_test(a_map_that_was_refused_says_why),
		cmocka_unit_test(groups_that_cannot_be_dropped_are_told),
		cmocka_unit_test(a_used_up_quota_of_keys_is_raised),
		cmocka_unit_test(a_proc_that_is_covered_names_what_covers_it),
		cmocka_unit_test(overlay_falls_back_to_fuse),
		cmocka_unit_test(a_container_is_given_its_devices_from_outside),
		cmocka_unit_test(a_device_is_made_or_opened),
		cmocka_unit_test(cgroups_are_delegated_by_what_runs_here),
		cmocka_unit_test(a_controller_that_is_not_delegated_is_limited),
		cmocka_unit_test(ping_needs_a_group_in_the_range),
		cmocka_unit_test(optional_programs_are_installed),
		cmocka_unit_test(a_runtime_directory_is_named_where_there_is_one),
		cmocka_unit_test(the_status_of_a_process_is_read),
		cmocka_unit_test(covers_of_proc_are_read_and_harmless_ones_are_not),
		cmocka_unit_test(more_covers_than_there_is_room_for_are_whole_paths),
		cmocka_unit_test(the_quota_of_keys_is_that_of_the_user),
		cmocka_unit_test(a_new_range_lies_behind_all_others),
		cmocka_unit_test(a_root_without_anything_is_unknown),
		cmocka_unit_test(files_below_a_root_are_read),
		cmocka_unit_test(a_sandbox_is_known_by_its_first_process),
		cmocka_unit_test(a_refusal_is_refined_to_the_sysctl),
		cmocka_unit_test(a_namespace_without_power_is_refined_to_apparmor),
		cmocka_unit_test(a_filter_and_a_limit_have_ids_of_their_own),
		cmocka_unit_test(what_only_a_filter_can_refuse_is_laid_to_it),
		cmocka_unit_test(who_has_no_id_can_make_no_namespace),
		cmocka_unit_test(a_covered_proc_is_explained_once),
		cmocka_unit_test(a_command_that_is_too_long_for_a_hint_is_left_out),
		cmocka_unit_test(a_helper_is_explained_with_the_way_round_it),
		cmocka_unit_test(an_error_of_which_the_host_is_innocent_is_left_alone),
	};

	return cmocka_run_group_tests(tests, make_root, remove_root);
}
