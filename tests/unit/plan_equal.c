/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/plan_equal.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "plan/plan.h"
#include "policy/profile.h"

/*
 * A field that is new in one of these has to be compared here, written by plan_to_oci(),
 * read by plan_from_oci() and set by the tests of both: then the number may change. What
 * plan_from_bwrap() and plan_from_bundle() alone fill is not written.
 */
#if defined(__x86_64__)
_Static_assert(sizeof(struct ids_spec) == 40, "struct ids_spec has changed");
_Static_assert(sizeof(struct namespaces_spec) == 208,
	       "struct namespaces_spec has changed");
_Static_assert(sizeof(struct mount_entry) == 144, "struct mount_entry has changed");
_Static_assert(sizeof(struct rootfs_spec) == 128, "struct rootfs_spec has changed");
_Static_assert(sizeof(struct image_spec) == 232, "struct image_spec has changed");
_Static_assert(sizeof(struct net_spec) == 256, "struct net_spec has changed");
_Static_assert(sizeof(struct policy_spec) == 328, "struct policy_spec has changed");
_Static_assert(sizeof(struct process_spec) == 232, "struct process_spec has changed");
_Static_assert(sizeof(struct life_spec) == 112, "struct life_spec has changed");
#endif

static char where[256];

static const char *differ(const char *field)
{
	snprintf(where, sizeof(where), "%s", field);
	return where;
}

static const char *differ_at(const char *field, size_t index, const char *member)
{
	snprintf(where, sizeof(where), "%s[%zu]%s", field, index, member);
	return where;
}

static bool same_text(const char *a, const char *b)
{
	if (!a || !b)
		return a == b;
	return !strcmp(a, b);
}

/* Lists that end with NULL; a count of 0 may go with no list at all. */
static const char *texts_difference(const char *field, const char *const *a,
				    size_t a_count, const char *const *b, size_t b_count)
{
	if (a_count != b_count)
		return differ(field);
	for (size_t i = 0; i < a_count; i++) {
		if (!same_text(a[i], b[i]))
			return differ_at(field, i, "");
	}
	return NULL;
}

static const char *id_map_difference(const char *field, const struct id_map *a,
				     const struct id_map *b)
{
	if (a->count != b->count)
		return differ(field);
	for (size_t i = 0; i < a->count; i++) {
		if (a->ranges[i].inside != b->ranges[i].inside)
			return differ_at(field, i, ".inside");
		if (a->ranges[i].outside != b->ranges[i].outside)
			return differ_at(field, i, ".outside");
		if (a->ranges[i].count != b->ranges[i].count)
			return differ_at(field, i, ".count");
	}
	return NULL;
}

static const char *ids_difference(const struct ids_spec *a, const struct ids_spec *b)
{
	const char *found = id_map_difference("ids.uids", &a->uids, &b->uids);

	if (!found)
		found = id_map_difference("ids.gids", &a->gids, &b->gids);
	if (!found && a->keep_groups != b->keep_groups)
		found = differ("ids.keep_groups");
	return found;
}

static const char *namespaces_difference(const struct namespaces_spec *a,
					 const struct namespaces_spec *b)
{
	for (size_t i = 0; i < NS_TIME; i++) {
		if (a->kinds[i].mode != b->kinds[i].mode)
			return differ_at("namespaces.kinds", i, ".mode");
		if (!same_text(a->kinds[i].path, b->kinds[i].path))
			return differ_at("namespaces.kinds", i, ".path");
	}
	if (!same_text(a->hostname, b->hostname))
		return differ("namespaces.hostname");
	if (a->new_time != b->new_time)
		return differ("namespaces.new_time");
	if (a->time_from_zero != b->time_from_zero)
		return differ("namespaces.time_from_zero");
	if (a->sysctl_count != b->sysctl_count)
		return differ("namespaces.sysctls");
	for (size_t i = 0; i < a->sysctl_count; i++) {
		if (!same_text(a->sysctls[i].key, b->sysctls[i].key))
			return differ_at("namespaces.sysctls", i, ".key");
		if (!same_text(a->sysctls[i].value, b->sysctls[i].value))
			return differ_at("namespaces.sysctls", i, ".value");
	}
	return NULL;
}

static const char *mount_difference(const struct mount_entry *a,
				    const struct mount_entry *b)
{
	if (a->kind != b->kind)
		return ".kind";
	if (a->flags != b->flags)
		return ".flags";
	if (!same_text(a->source, b->source))
		return ".source";
	if (!same_text(a->dest, b->dest))
		return ".dest";
	if (a->mode != b->mode)
		return ".mode";
	if (a->size != b->size)
		return ".size";
	if (texts_difference("", a->lowers, a->lower_count, b->lowers, b->lower_count))
		return ".lowers";
	if (!same_text(a->upper, b->upper))
		return ".upper";
	if (!same_text(a->work, b->work))
		return ".work";
	if (a->content_size != b->content_size)
		return ".content_size";
	if (a->content_size && memcmp(a->content, b->content, a->content_size) != 0)
		return ".content";
	return NULL;
}

static const char *mounts_difference(const struct rootfs_spec *a,
				     const struct rootfs_spec *b)
{
	if (a->mount_count != b->mount_count)
		return differ("rootfs.mounts");
	for (size_t i = 0; i < a->mount_count; i++) {
		const char *member = mount_difference(&a->mounts[i], &b->mounts[i]);

		if (member)
			return differ_at("rootfs.mounts", i, member);
	}
	return NULL;
}

/* What was found out about it, when it was got, is not written down. */
static const char *image_difference(const struct image_spec *a,
				    const struct image_spec *b)
{
	if (!same_text(a->operand, b->operand))
		return differ("image.operand");
	if (!same_text(a->signature, b->signature))
		return differ("image.signature");
	if (a->no_cache != b->no_cache)
		return differ("image.no_cache");
	if (a->insecure != b->insecure)
		return differ("image.insecure");
	if (a->squash != b->squash)
		return differ("image.squash");
	if (a->cache_size != b->cache_size)
		return differ("image.cache_size");
	return NULL;
}

static const char *rootfs_difference(const struct rootfs_spec *a,
				     const struct rootfs_spec *b)
{
	if (a->kind != b->kind)
		return differ("rootfs.kind");
	if (a->mode != b->mode)
		return differ("rootfs.mode");
	if (!same_text(a->path, b->path))
		return differ("rootfs.path");
	if (!same_text(a->upper, b->upper))
		return differ("rootfs.upper");
	if (a->scratch_size != b->scratch_size)
		return differ("rootfs.scratch_size");
	if (a->devices != b->devices)
		return differ("rootfs.devices");
	if (a->makes_everywhere != b->makes_everywhere)
		return differ("rootfs.makes_everywhere");
	if (a->tolerates_submounts != b->tolerates_submounts)
		return differ("rootfs.tolerates_submounts");
	return mounts_difference(a, b);
}

static const char *rules_difference(const struct net_spec *a, const struct net_spec *b)
{
	if (a->rule_count != b->rule_count)
		return differ("net.rules");
	for (size_t i = 0; i < a->rule_count; i++) {
		if (a->rules[i].allow != b->rules[i].allow ||
		    !same_text(a->rules[i].dest, b->rules[i].dest))
			return differ_at("net.rules", i, "");
		if (!same_text(a->rules[i].from, b->rules[i].from))
			return differ_at("net.rules", i, ".from");
	}
	return NULL;
}

static bool same_ports(const struct port_range *a, const struct port_range *b)
{
	return a->first == b->first && a->last == b->last;
}

static const char *published_difference(const struct net_spec *a,
					const struct net_spec *b)
{
	if (a->published_count != b->published_count)
		return differ("net.published");
	for (size_t i = 0; i < a->published_count; i++) {
		const struct publish *one = &a->published[i], *other = &b->published[i];

		if (!ip_equal(&one->host, &other->host) ||
		    one->host_given != other->host_given ||
		    !same_ports(&one->host_ports, &other->host_ports) ||
		    !same_ports(&one->guest_ports, &other->guest_ports) ||
		    one->protocol != other->protocol)
			return differ_at("net.published", i, "");
	}
	return NULL;
}

static const char *names_difference(const struct net_spec *a, const struct net_spec *b)
{
	if (a->upstream_count != b->upstream_count ||
	    (a->upstream_count && memcmp(a->upstreams, b->upstreams,
					 a->upstream_count * sizeof(struct ip)) != 0))
		return differ("net.upstreams");
	if (a->no_resolv != b->no_resolv)
		return differ("net.no_resolv");
	if (a->host_count != b->host_count)
		return differ("net.hosts");
	for (size_t i = 0; i < a->host_count; i++) {
		if (!same_text(a->hosts[i].name, b->hosts[i].name) ||
		    !ip_equal(&a->hosts[i].address, &b->hosts[i].address) ||
		    a->hosts[i].gateway != b->hosts[i].gateway)
			return differ_at("net.hosts", i, "");
	}
	return texts_difference("net.search", a->search, a->search_count, b->search,
				b->search_count);
}

static bool same_address(const struct prefix *a, const struct prefix *b)
{
	return a->bits == b->bits && ip_equal(&a->ip, &b->ip);
}

static const char *interface_difference(const struct net_spec *a,
					const struct net_spec *b)
{
	if (!same_address(&a->address, &b->address) ||
	    !ip_equal(&a->gateway, &b->gateway) || !ip_equal(&a->dns, &b->dns))
		return differ("net.address");
	if (a->ip6_off != b->ip6_off || !same_address(&a->address6, &b->address6) ||
	    !ip_equal(&a->gateway6, &b->gateway6) || !ip_equal(&a->dns6, &b->dns6))
		return differ("net.address6");
	if (a->mtu != b->mtu)
		return differ("net.mtu");
	if (a->txqueuelen != b->txqueuelen)
		return differ("net.txqueuelen");
	if (strcmp(a->ifname, b->ifname) != 0)
		return differ("net.ifname");
	return memcmp(a->mac, b->mac, sizeof(a->mac)) ? differ("net.mac") : NULL;
}

static const char *net_difference(const struct net_spec *a, const struct net_spec *b)
{
	const char *found = interface_difference(a, b);

	if (a->mode != b->mode)
		found = differ("net.mode");
	if (a->loopback != b->loopback)
		found = differ("net.loopback");
	if (a->relay_off != b->relay_off)
		found = differ("net.relay_off");
	if (!same_text(a->log_file, b->log_file))
		found = differ("net.log_file");
	if (!same_text(a->pcap_file, b->pcap_file))
		found = differ("net.pcap_file");
	if (a->rate != b->rate)
		found = differ("net.rate");
	if (!found)
		found = rules_difference(a, b);
	if (!found)
		found = published_difference(a, b);
	return found ? found : names_difference(a, b);
}

static bool cgroup_difference(const struct cgroup_limits *a,
			      const struct cgroup_limits *b)
{
	return a->memory != b->memory || a->memory_swap != b->memory_swap ||
	       a->has_memory_swap != b->has_memory_swap || a->pids != b->pids ||
	       a->cpu_quota_us != b->cpu_quota_us ||
	       a->cpu_period_us != b->cpu_period_us || !same_text(a->cpuset, b->cpuset) ||
	       a->io_weight != b->io_weight || a->best_effort != b->best_effort;
}

static bool same_profile(const struct profile *a, const struct profile *b)
{
	if (!a || !b)
		return a == b;
	if (!profile_json(a) || !profile_json(b))
		return same_text(profile_name(a), profile_name(b));
	return json_is_same(profile_json(a), profile_json(b));
}

static const char *policy_difference(const struct policy_spec *a,
				     const struct policy_spec *b)
{
	if (a->caps.kept != b->caps.kept)
		return differ("policy.caps.kept");
	if (a->caps.ambient != b->caps.ambient)
		return differ("policy.caps.ambient");
	if (a->limits.rlimit_count != b->limits.rlimit_count)
		return differ("policy.limits.rlimits");
	for (size_t i = 0; i < a->limits.rlimit_count; i++) {
		const struct rlimit_entry *one = &a->limits.rlimits[i];
		const struct rlimit_entry *other = &b->limits.rlimits[i];

		if (one->resource != other->resource || one->soft != other->soft ||
		    one->hard != other->hard)
			return differ_at("policy.limits.rlimits", i, "");
	}
	if (a->limits.has_oom_score_adj != b->limits.has_oom_score_adj ||
	    a->limits.oom_score_adj != b->limits.oom_score_adj)
		return differ("policy.limits.oom_score_adj");
	if (cgroup_difference(&a->limits.cgroup, &b->limits.cgroup))
		return differ("policy.limits.cgroup");
	if (!same_text(a->operand, b->operand))
		return differ("policy.operand");
	if (a->by_libseccomp != b->by_libseccomp)
		return differ("policy.by_libseccomp");
	if (a->explains != b->explains)
		return differ("policy.explains");
	if (!same_text(a->denials, b->denials))
		return differ("policy.denials");
	if (a->landlock.mode != b->landlock.mode ||
	    a->landlock.least_abi != b->landlock.least_abi)
		return differ("policy.landlock");
	/* What a policy is compiled to is made anew, and its key is another one. */
	if (a->operand || a->profile)
		return NULL;
	if (a->filter.program.count != b->filter.program.count)
		return differ("policy.filter.program.count");
	if (a->filter.program.count &&
	    memcmp(a->filter.program.instructions, b->filter.program.instructions,
		   a->filter.program.count * 8) != 0)
		return differ("policy.filter.program.instructions");
	if (!same_profile(a->profile, b->profile))
		return differ("policy.profile");
	if (a->emulate_root != b->emulate_root)
		return differ("policy.emulate_root");
	return NULL;
}

static const char *identity_difference(const struct process_spec *a,
				       const struct process_spec *b)
{
	if (!same_text(a->user_name, b->user_name))
		return differ("process.user_name");
	if (a->gid_given != b->gid_given)
		return differ("process.gid_given");
	if (a->uid != b->uid)
		return differ("process.uid");
	if (a->gid != b->gid)
		return differ("process.gid");
	if (a->group_count != b->group_count ||
	    (a->group_count &&
	     memcmp(a->groups, b->groups, a->group_count * sizeof(*a->groups)) != 0))
		return differ("process.groups");
	return NULL;
}

static const char *streams_difference(const struct process_spec *a,
				      const struct process_spec *b)
{
	if (a->terminal != b->terminal)
		return differ("process.terminal");
	if (a->stdin_open != b->stdin_open)
		return differ("process.stdin_open");
	if (a->stdin_null != b->stdin_null)
		return differ("process.stdin_null");
	if (a->keep_fd_count != b->keep_fd_count ||
	    (a->keep_fd_count && memcmp(a->keep_fds, b->keep_fds,
					a->keep_fd_count * sizeof(*a->keep_fds)) != 0))
		return differ("process.keep_fds");
	return NULL;
}

static const char *process_difference(const struct process_spec *a,
				      const struct process_spec *b)
{
	const char *found =
		texts_difference("process.argv", a->argv, a->argc, b->argv, b->argc);

	if (!found)
		found = texts_difference("process.env", a->env, a->env_count, b->env,
					 b->env_count);
	if (!found && a->env_home != b->env_home)
		found = differ("process.env_home");
	if (!found && !same_text(a->cwd, b->cwd))
		found = differ("process.cwd");
	if (!found)
		found = identity_difference(a, b);
	if (!found && a->umask != b->umask)
		found = differ("process.umask");
	if (!found)
		found = streams_difference(a, b);
	if (!found && a->no_init != b->no_init)
		found = differ("process.no_init");
	if (!found && a->fixed_addresses != b->fixed_addresses)
		found = differ("process.fixed_addresses");
	if (!found && a->one_processor != b->one_processor)
		found = differ("process.one_processor");
	if (!found && a->stop_signal != b->stop_signal)
		found = differ("process.stop_signal");
	return found;
}

static const char *life_difference(const struct life_spec *a, const struct life_spec *b)
{
	if (a->detach != b->detach)
		return differ("life.detach");
	if (!same_text(a->name, b->name))
		return differ("life.name");
	if (!same_text(a->pid_file, b->pid_file))
		return differ("life.pid_file");
	if (!same_text(a->log, b->log))
		return differ("life.log");
	if (a->ready_fd != b->ready_fd)
		return differ("life.ready_fd");
	if (a->status_fd != b->status_fd)
		return differ("life.status_fd");
	if (a->stats != b->stats)
		return differ("life.stats");
	if (!same_text(a->stats_file, b->stats_file))
		return differ("life.stats_file");
	if (a->timeout_ms != b->timeout_ms)
		return differ("life.timeout_ms");
	if (a->kill_after_ms != b->kill_after_ms)
		return differ("life.kill_after_ms");
	if (a->die_with_parent != b->die_with_parent)
		return differ("life.die_with_parent");
	if (a->dry_run != b->dry_run)
		return differ("life.dry_run");
	if (a->log_format != b->log_format)
		return differ("life.log_format");
	if (!same_text(a->record, b->record))
		return differ("life.record");
	if (!same_text(a->expect, b->expect))
		return differ("life.expect");
	if (a->repeat != b->repeat)
		return differ("life.repeat");
	return NULL;
}

static const char *runtime_difference(const struct runtime_spec *a,
				      const struct runtime_spec *b)
{
	if (a->kind != b->kind)
		return differ("runtime.kind");
	if (a->platform_count != b->platform_count ||
	    memcmp(a->platforms, b->platforms,
		   a->platform_count * sizeof(a->platforms[0])) != 0)
		return differ("runtime.platforms");
	if (a->net != b->net)
		return differ("runtime.net");
	if (a->differences_refused != b->differences_refused)
		return differ("runtime.differences_refused");
	if (!same_text(a->runsc, b->runsc))
		return differ("runtime.runsc");
	if (!same_text(a->pin, b->pin))
		return differ("runtime.pin");
	if (!a->filter != !b->filter)
		return differ("runtime.filter");
	return NULL;
}

const char *plan_difference(const struct plan *a, const struct plan *b)
{
	const char *found = ids_difference(&a->ids, &b->ids);

	if (!found)
		found = namespaces_difference(&a->namespaces, &b->namespaces);
	if (!found)
		found = image_difference(&a->image, &b->image);
	if (!found)
		found = rootfs_difference(&a->rootfs, &b->rootfs);
	if (!found)
		found = net_difference(&a->net, &b->net);
	if (!found)
		found = policy_difference(&a->policy, &b->policy);
	if (!found)
		found = process_difference(&a->process, &b->process);
	if (!found)
		found = runtime_difference(&a->runtime, &b->runtime);
	return found ? found : life_difference(&a->life, &b->life);
}
