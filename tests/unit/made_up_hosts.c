/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/made_up_hosts.h"

#include <stdio.h>
#include <string.h>

#include "base/accounts.h"

struct host_facts good_host(void)
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
			     .ping_last = 2147483647,
			     .low_port_start = 80 },
		.cgroup = { .unified = true,
			    .writable = true,
			    .path = "/user.slice",
			    .controllers = "cpuset cpu io memory pids" },
		.tun = { .exists = true },
		.fuse = { .exists = true },
		.fuse_overlayfs = "/usr/bin/fuse-overlayfs",
		.squashfuse = "/usr/bin/squashfuse",
		.gvisor = { .there = true,
			    .path = "/usr/bin/runsc",
			    .version = "release-20250407.0",
			    .date = 20250407,
			    .directfs = true,
			    .systrap = true,
			    .ptrace = true },
		.net = { .there = true,
			 .path = "/usr/libexec/sbx/sbx-net",
			 .version = SBX_VERSION,
			 .stack = "libslirp 4.7.0",
			 .ip6 = true,
			 .resolvers = "192.0.2.53 192.0.2.54",
			 .resolver_count = 2 },
		.images = { .there = true,
			    .path = "/usr/libexec/sbx/sbx-image",
			    .version = SBX_VERSION,
			    .archives = "libarchive 3.6.2 zlib/1.2.13 liblzma/5.4.1 "
					"bz2lib/1.0.8 liblz4/1.9.4 libzstd/1.5.4",
			    .signatures = "libsodium 1.0.18" },
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
	facts.replacing = well;
	facts.mount_api = facts.keyring = well;
	facts.net.tap = facts.net.relay4 = facts.net.relay6 = well;
	return facts;
}

struct trial failed_trial(const char *step, int errnum)
{
	struct trial trial = { .ran = true, .errnum = errnum };

	snprintf(trial.step, sizeof(trial.step), "%s", step);
	return trial;
}

struct host_facts host_without_userns(int errnum)
{
	struct host_facts facts = good_host();

	facts.userns = failed_trial("make a user namespace", errnum);
	facts.id_map = facts.proc = facts.overlay = facts.mount_api =
		(struct trial){ .ran = false };
	memset(facts.namespaces, 0, sizeof(facts.namespaces));
	return facts;
}
