/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_LAUNCHER_DOCTOR_JUDGES_H
#define SBX_LAUNCHER_DOCTOR_JUDGES_H

/* Inside of the doctor: what the rows are made of, and what each is written with. */

#include "launcher/doctor.h"

/* What was seen. */
void finding_found(struct finding *finding, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* "cannot make the namespace: Operation not permitted" */
void finding_failed(struct finding *finding, const struct trial *trial);

void finding_short(struct finding *finding, enum row_state state, const char *costs);

/* What another row's failure leaves open: this one is not to blame. */
void finding_not_tried(struct finding *finding);

/* One command; none at all where it does not fit. */
void finding_remedy(struct finding *finding, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* What installs a package, whose name Debian's tools and others may spell differently. */
void finding_install(const struct host_facts *facts, struct finding *finding,
		     const char *debian, const char *others);

/* How the engine around us would have to start us; it takes away what root has. */
void finding_restart_container(const struct host_facts *facts, struct finding *finding,
			       const char *docker, const char *podman);

void judge_kernel(const struct host_facts *facts, struct finding *finding);
void judge_userns(const struct host_facts *facts, struct finding *finding);
void judge_userns_sysctl(const struct host_facts *facts, struct finding *finding);
void judge_userns_limit(const struct host_facts *facts, struct finding *finding);
void judge_userns_apparmor(const struct host_facts *facts, struct finding *finding);
void judge_userns_seccomp(const struct host_facts *facts, struct finding *finding);
void judge_chroot(const struct host_facts *facts, struct finding *finding);
void judge_container(const struct host_facts *facts, struct finding *finding);
void judge_namespaces(const struct host_facts *facts, struct finding *finding);
void judge_proc(const struct host_facts *facts, struct finding *finding);
void judge_overlay(const struct host_facts *facts, struct finding *finding);
void judge_groups(const struct host_facts *facts, struct finding *finding);
void judge_keyring(const struct host_facts *facts, struct finding *finding);
void judge_subuid(const struct host_facts *facts, struct finding *finding);
void judge_subgid(const struct host_facts *facts, struct finding *finding);
void judge_newuidmap(const struct host_facts *facts, struct finding *finding);
void judge_newgidmap(const struct host_facts *facts, struct finding *finding);
void judge_id_map(const struct host_facts *facts, struct finding *finding);
void judge_mount_api(const struct host_facts *facts, struct finding *finding);
void judge_seccomp(const struct host_facts *facts, struct finding *finding);
void judge_seccomp_notify(const struct host_facts *facts, struct finding *finding);
void judge_landlock(const struct host_facts *facts, struct finding *finding);
void judge_cgroup(const struct host_facts *facts, struct finding *finding);
void judge_tun(const struct host_facts *facts, struct finding *finding);
void judge_ping(const struct host_facts *facts, struct finding *finding);
void judge_network(const struct host_facts *facts, struct finding *finding);
void judge_sbx_net(const struct host_facts *facts, struct finding *finding);
void judge_netfilter(const struct host_facts *facts, struct finding *finding);
void judge_low_ports(const struct host_facts *facts, struct finding *finding);
void judge_ip6(const struct host_facts *facts, struct finding *finding);
void judge_resolvers(const struct host_facts *facts, struct finding *finding);
void judge_fuse(const struct host_facts *facts, struct finding *finding);
void judge_fuse_overlayfs(const struct host_facts *facts, struct finding *finding);
void judge_sbx_image(const struct host_facts *facts, struct finding *finding);
void judge_squashfuse(const struct host_facts *facts, struct finding *finding);
void judge_runtime_dir(const struct host_facts *facts, struct finding *finding);
void judge_runsc(const struct host_facts *facts, struct finding *finding);
void judge_gvisor_platforms(const struct host_facts *facts, struct finding *finding);
void judge_gvisor_host(const struct host_facts *facts, struct finding *finding);

#endif
