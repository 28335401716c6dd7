/* SPDX-License-Identifier: Apache-2.0 */
#include "base/accounts.h"
#include "launcher/doctor.h"
#include "tests/unit/made_up_hosts.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

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
		assert_int_equal(
			strspn(rows[i].id, "abcdefghijklmnopqrstuvwxyz0123456789-"),
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
	facts.namespaces[NS_NET] = failed_trial("make the namespace", ENOSPC);
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
	facts.proc = failed_trial("mount a new proc", EPERM);
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
	facts.mount_api = failed_trial("call openat2", ENOSYS);
	assert_row(&facts, "mount-api", ROW_LIMITED,
		   "cannot call openat2: Function not implemented", "");
}

static void without_the_calls_that_mount_there_is_no_sandbox(void **state)
{
	struct host_facts facts = good_host();

	(void)state;
	facts.mounts = failed_trial("call open_tree", EPERM);
	assert_row(&facts, "mount-api", ROW_MISSING,
		   "cannot call open_tree: Operation not permitted", "");
}

static void landlock_is_judged_by_its_abi(void **state)
{
	struct host_facts facts = good_host();

	(void)state;
	facts.landlock_abi = 3;
	assert_row(&facts, "landlock", ROW_LIMITED,
		   "ABI 3: files, renames, truncation; not TCP ports (Linux 6.7)", "");
	facts.landlock_abi = 6;
	facts.userns = failed_trial("make a user namespace", EPERM);
	assert_row(&facts, "landlock", ROW_OK, "sbx run --isolation landlock", "");
	facts = good_host();
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
	facts.without_seccomp = true;
	assert_row(&facts, "seccomp", ROW_MISSING, "built without seccomp", "");
	assert_row(&facts, "seccomp-notify", ROW_LIMITED, "built without seccomp", "");
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
	facts.userns = failed_trial("make a user namespace", EPERM);
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
	facts.id_map = failed_trial("map ids: newuidmap: not in range", EPERM);
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
	facts.keyring = failed_trial("join a new session keyring", EDQUOT);
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
	facts.proc = failed_trial("mount a new proc", EPERM);
	strcpy(facts.proc_covers, "/proc/kcore /proc/keys");
	assert_row(&facts, "proc", ROW_MISSING,
		   "parts of /proc are covered: /proc/kcore /proc/keys",
		   "sudo umount /proc/kcore /proc/keys");
	strcpy(facts.container, "docker");
	assert_row(&facts, "proc", ROW_MISSING, "/proc/kcore",
		   "docker run --security-opt systempaths=unconfined ...");
}

static void an_overlay_without_attributes_is_limited(void **state)
{
	struct host_facts facts = good_host();

	(void)state;
	facts.replacing = failed_trial("replace a directory in an overlay", EIO);
	assert_row(&facts, "overlay", ROW_LIMITED, "cannot replace a directory", "");
	facts.fuse_overlayfs[0] = '\0';
	assert_row(&facts, "overlay", ROW_LIMITED, "cannot replace a directory",
		   "sudo apt-get install fuse-overlayfs");
	facts.fuse.open_errnum = ENOENT;
	assert_row(&facts, "overlay", ROW_LIMITED, "cannot replace a directory", "");
}

static void overlay_falls_back_to_fuse(void **state)
{
	struct host_facts facts = good_host();

	(void)state;
	facts.overlay = failed_trial("mount an overlay", EPERM);
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
		   "sudo sh -c 'cd /etc/systemd/system && mkdir -p user@.service.d && "
		   "printf \"[Service]\\nDelegate=cpu cpuset io memory pids\\n\" "
		   ">user@.service.d/delegate.conf && systemctl daemon-reload', then log "
		   "in again");
	facts.user_manager = false;
	assert_row(&facts, "cgroup", ROW_LIMITED, "cpuset memory pids", "");
	facts.user_manager = true;
	facts.cgroup.writable = false;
	strcpy(facts.cgroup.delegated, "cpuset cpu io memory pids");
	assert_row(&facts, "cgroup", ROW_OK, "the systemd of this user gives cpuset", "");
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
		cmocka_unit_test(an_overlay_without_attributes_is_limited),
		cmocka_unit_test(overlay_falls_back_to_fuse),
		cmocka_unit_test(a_container_is_given_its_devices_from_outside),
		cmocka_unit_test(a_device_is_made_or_opened),
		cmocka_unit_test(cgroups_are_delegated_by_what_runs_here),
		cmocka_unit_test(a_controller_that_is_not_delegated_is_limited),
		cmocka_unit_test(ping_needs_a_group_in_the_range),
		cmocka_unit_test(optional_programs_are_installed),
		cmocka_unit_test(a_runtime_directory_is_named_where_there_is_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
