/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of the doctor. Its rows are pure: each judges the facts, and nothing but the
 * facts.
 */
#include "launcher/doctor_judges.h"

#include "base/text.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void finding_found(struct finding *finding, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(finding->found, sizeof(finding->found), format, args);
	va_end(args);
}

void finding_remedy(struct finding *finding, const char *format, ...)
{
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(finding->remedy, sizeof(finding->remedy), format, args);
	va_end(args);
	/* Half of a command is worse than none. */
	if (length < 0 || (size_t)length >= sizeof(finding->remedy))
		finding->remedy[0] = '\0';
}

void finding_short(struct finding *finding, enum row_state state, const char *costs)
{
	finding->state = state;
	text_copy(finding->costs, sizeof(finding->costs), costs);
}

void finding_failed(struct finding *finding, const struct trial *trial)
{
	finding_found(finding, "cannot %s: %s", trial->step, strerror(trial->errnum));
}

void finding_install(const struct host_facts *facts, struct finding *finding,
		     const char *debian, const char *others)
{
	switch (facts->packages) {
	case PACKAGES_UNKNOWN:
		return;
	case PACKAGES_APT:
		finding_remedy(finding, "sudo apt-get install %s", debian);
		return;
	case PACKAGES_DNF:
		finding_remedy(finding, "sudo dnf install %s", others);
		return;
	case PACKAGES_PACMAN:
		finding_remedy(finding, "sudo pacman -S %s", others);
		return;
	case PACKAGES_ZYPPER:
		finding_remedy(finding, "sudo zypper install %s", others);
		return;
	case PACKAGES_APK:
		finding_remedy(finding, "sudo apk add %s", others);
		return;
	}
}

void finding_restart_container(const struct host_facts *facts, struct finding *finding,
			       const char *docker, const char *podman)
{
	if (strcmp(facts->container, "docker") == 0)
		finding_remedy(finding, "docker run %s ...", docker);
	if (strcmp(facts->container, "podman") == 0)
		finding_remedy(finding, "podman run %s ...", podman);
}

void finding_not_tried(struct finding *finding)
{
	finding_found(finding, "not tried: user namespaces are refused");
	finding_short(finding, ROW_LIMITED, "not known before there are user namespaces");
}

static const struct doctor_row rows[] = {
	{ "kernel", "kernel", true, judge_kernel },
	{ "userns", "user namespaces", true, judge_userns },
	{ "userns-sysctl", "user namespaces, sysctl", true, judge_userns_sysctl },
	{ "userns-limit", "user namespaces, limits", true, judge_userns_limit },
	{ "userns-apparmor", "user namespaces, AppArmor", true, judge_userns_apparmor },
	{ "userns-seccomp", "user namespaces, seccomp", true, judge_userns_seccomp },
	{ "chroot", "user namespaces, chroot", true, judge_chroot },
	{ "container", "container around sbx", false, judge_container },
	{ "namespaces", "other namespaces", true, judge_namespaces },
	{ "proc", "new /proc", true, judge_proc },
	{ "overlay", "overlay", true, judge_overlay },
	{ "groups", "supplementary groups", true, judge_groups },
	{ "keyring", "session keyring", true, judge_keyring },
	{ "subuid", "subordinate user ids", false, judge_subuid },
	{ "subgid", "subordinate group ids", false, judge_subgid },
	{ "newuidmap", "newuidmap", false, judge_newuidmap },
	{ "newgidmap", "newgidmap", false, judge_newgidmap },
	{ "id-map", "map of many ids", false, judge_id_map },
	{ "mount-api", "new mount calls", true, judge_mount_api },
	{ "seccomp", "seccomp filters", false, judge_seccomp },
	{ "seccomp-notify", "seccomp notification", false, judge_seccomp_notify },
	{ "landlock", "Landlock", false, judge_landlock },
	{ "cgroup", "cgroup delegation", false, judge_cgroup },
	{ "network", "network of its own", true, judge_network },
	{ "sbx-net", "sbx-net", true, judge_sbx_net },
	{ "tun", "tap device", false, judge_tun },
	{ "netfilter", "relay (netfilter)", false, judge_netfilter },
	{ "ping", "ping", false, judge_ping },
	{ "low-ports", "ports below 1024", false, judge_low_ports },
	{ "ip6", "IPv6", false, judge_ip6 },
	{ "resolvers", "name servers", false, judge_resolvers },
	{ "fuse", "FUSE", false, judge_fuse },
	{ "fuse-overlayfs", "fuse-overlayfs", false, judge_fuse_overlayfs },
	{ "sbx-image", "sbx-image", false, judge_sbx_image },
	{ "squashfuse", "squashfuse, erofsfuse", false, judge_squashfuse },
	{ "runtime-dir", "runtime directory", false, judge_runtime_dir },
	{ "runsc", "gVisor's runsc", false, judge_runsc },
	{ "gvisor-platforms", "gVisor, platforms", false, judge_gvisor_platforms },
	{ "gvisor-host", "gVisor, this host", false, judge_gvisor_host },
};

const struct doctor_row *doctor_rows(size_t *ret_count)
{
	*ret_count = sizeof(rows) / sizeof(rows[0]);
	return rows;
}

struct finding doctor_judge(const char *id, const struct host_facts *facts)
{
	struct finding finding = { .state = ROW_OK };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (strcmp(rows[i].id, id) != 0)
			continue;
		rows[i].judge(facts, &finding);
		return finding;
	}
	assert(false); /* the caller named a row that there is not */
	return finding;
}
