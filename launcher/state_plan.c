/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `sbx exec` has to know of the plan of a sandbox that runs: who its command is, and
 * what that may do. It is kept beside the entry as the bytes that they are, and read by the
 * same sbx; the filter among it is the program that was loaded, whatever has become of the
 * text of its policy meanwhile.
 */
#include "launcher/state_files.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/files.h"
#include "launcher/state.h"
#include "plan/plan.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#define BPF_INSTRUCTION 8

enum { KEPT_MAX = 16 << 20 };

/* The part of one size. Lists and texts follow, in the order of their counts. */
struct kept {
	char version[24]; /* who wrote it */
	struct caps_spec caps;
	struct landlock_spec landlock; /* pointers mean nothing, here and below */
	struct cgroup_limits cgroup;
	uint64_t filter_key[3];
	size_t rlimit_count, group_count, instruction_count, env_count;
	uint32_t uid, gid;
	unsigned int filter_flags;
	int oom_score_adj;
	mode_t umask;
	enum runtime_kind runtime;
	bool has_gvisor_filter, differences_refused;
	bool has_oom_score_adj, filter_keyed, filter_supervised;
	bool gid_given, env_home, has_user_name, keep_groups, fixed_addresses,
		one_processor, no_init;
};

/* ---- writing ------------------------------------------------------------------------- */

/* Counts where there is no room yet. */
struct writer {
	char *bytes;
	size_t used;
};

static void put(struct writer *writer, const void *bytes, size_t size)
{
	if (writer->bytes && size)
		memcpy(writer->bytes + writer->used, bytes, size);
	writer->used += size;
}

static void put_text(struct writer *writer, const char *text)
{
	put(writer, text, strlen(text) + 1);
}

/*
 * What Landlock scopes is no signal and no socket of the sandbox's own command, which lives
 * in another domain; a pid or a network namespace keeps the rest out as well.
 */
static struct landlock_spec without_needless_scopes(const struct plan *plan)
{
	struct landlock_spec landlock = plan->policy.landlock;
	const struct ns_choice *kinds = plan->namespaces.kinds;

	landlock.scope_signal = landlock.scope_signal && kinds[NS_PID].mode == NS_SHARED;
	landlock.scope_abstract_unix =
		landlock.scope_abstract_unix && kinds[NS_NET].mode == NS_SHARED;
	return landlock;
}

static void put_all(struct writer *writer, const struct plan *plan)
{
	const struct process_spec *process = &plan->process;
	const struct policy_spec *policy = &plan->policy;
	const struct seccomp_filter *filter = &policy->filter;
	struct kept kept = {
		.version = SBX_VERSION,
		.caps = policy->caps,
		.landlock = without_needless_scopes(plan),
		.cgroup = policy->limits.cgroup,
		.filter_key = { filter->key[0], filter->key[1], filter->key[2] },
		.rlimit_count = policy->limits.rlimit_count,
		.group_count = process->group_count,
		.instruction_count = filter->program.count,
		.env_count = process->env_count,
		.uid = process->uid,
		.gid = process->gid,
		.filter_flags = filter->flags,
		.oom_score_adj = policy->limits.oom_score_adj,
		.umask = process->umask,
		.runtime = plan->runtime.kind,
		.has_gvisor_filter = plan->runtime.filter != NULL,
		.differences_refused = plan->runtime.differences_refused,
		.has_oom_score_adj = policy->limits.has_oom_score_adj,
		.filter_keyed = filter->keyed,
		.filter_supervised = filter->supervised,
		.gid_given = process->gid_given,
		.env_home = process->env_home,
		.has_user_name = process->user_name != NULL,
		.keep_groups = plan->ids.keep_groups,
		.fixed_addresses = process->fixed_addresses,
		.one_processor = process->one_processor,
		.no_init = process->no_init,
	};

	put(writer, &kept, sizeof(kept));
	put(writer, policy->limits.rlimits,
	    kept.rlimit_count * sizeof(*policy->limits.rlimits));
	put(writer, process->groups, kept.group_count * sizeof(*process->groups));
	put(writer, kept.landlock.connect_ports,
	    kept.landlock.connect_count * sizeof(uint16_t));
	put(writer, kept.landlock.bind_ports,
	    kept.landlock.bind_count * sizeof(uint16_t));
	put(writer, filter->program.instructions,
	    kept.instruction_count * BPF_INSTRUCTION);
	put_text(writer, process->cwd);
	if (process->user_name)
		put_text(writer, process->user_name);
	for (size_t i = 0; i < process->env_count; i++)
		put_text(writer, process->env[i]);
}

int state_keep_plan(int dir, const struct plan *plan, struct arena *arena)
{
	auto_close int fd = openat(dir, STATE_PLAN_FILE,
				   O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	struct writer writer = { 0 };

	if (fd < 0)
		return -1;
	put_all(&writer, plan);
	writer = (struct writer){ .bytes = arena_alloc(arena, writer.used) };
	put_all(&writer, plan);
	return fd_write_all(fd, writer.bytes, writer.used);
}

/* ---- reading --------------------------------------------------------------------------- */

struct reader {
	const char *at;
	size_t left;
	struct arena *arena;
	bool failed;
};

/* A copy, aligned for whatever it is; NULL where it is cut off. */
static void *take(struct reader *reader, size_t count, size_t size)
{
	size_t length;
	void *copy;

	if (__builtin_mul_overflow(count, size, &length) || length > reader->left) {
		reader->failed = true;
		return NULL;
	}
	copy = arena_alloc(reader->arena, length + 1);
	memcpy(copy, reader->at, length);
	reader->at += length;
	reader->left -= length;
	return copy;
}

static const char *take_text(struct reader *reader)
{
	return take(reader, strnlen(reader->at, reader->left) + 1, 1);
}

/* With two free places behind the end, as the plan has them. */
static const char *const *take_texts(struct reader *reader, size_t count)
{
	const char **texts;

	if (count > reader->left) {
		reader->failed = true;
		return NULL;
	}
	texts = arena_alloc_array(reader->arena, count + 3, sizeof(*texts));
	for (size_t i = 0; i < count && !reader->failed; i++)
		texts[i] = take_text(reader);
	return texts;
}

static void fill_policy(struct reader *reader, const struct kept *kept,
			struct policy_spec *policy)
{
	policy->caps = kept->caps;
	policy->limits = (struct limits_spec){
		.rlimits = take(reader, kept->rlimit_count, sizeof(struct rlimit_entry)),
		.rlimit_count = kept->rlimit_count,
		.has_oom_score_adj = kept->has_oom_score_adj,
		.oom_score_adj = kept->oom_score_adj,
		.cgroup = kept->cgroup,
	};
	policy->limits.cgroup.cpuset = NULL;
}

static void fill_filter(struct reader *reader, const struct kept *kept,
			struct policy_spec *policy)
{
	policy->landlock = kept->landlock;
	policy->landlock.paths = NULL;
	policy->landlock.path_count = 0;
	policy->landlock.filter = (struct seccomp_program){ 0 };
	policy->landlock.connect_ports =
		take(reader, kept->landlock.connect_count, sizeof(uint16_t));
	policy->landlock.bind_ports =
		take(reader, kept->landlock.bind_count, sizeof(uint16_t));
	policy->filter = (struct seccomp_filter){
		.program = { take(reader, kept->instruction_count, BPF_INSTRUCTION),
			     kept->instruction_count },
		.flags = kept->filter_flags,
		.supervised = kept->filter_supervised,
		.keyed = kept->filter_keyed,
		.key = { kept->filter_key[0], kept->filter_key[1], kept->filter_key[2] },
	};
}

/* `runsc exec` loads no filter, whatever the sandbox was started with. */
static const char *const unfiltered[] = { "what enters has no seccomp filter", NULL };

static void fill(struct reader *reader, const struct kept *kept, struct plan *plan)
{
	struct process_spec *process = &plan->process;

	fill_policy(reader, kept, &plan->policy);
	process->groups = take(reader, kept->group_count, sizeof(*process->groups));
	process->group_count = kept->group_count;
	fill_filter(reader, kept, &plan->policy);
	process->cwd = take_text(reader);
	process->user_name = kept->has_user_name ? take_text(reader) : NULL;
	process->env = take_texts(reader, kept->env_count);
	process->env_count = kept->env_count;
	process->uid = kept->uid;
	process->gid = kept->gid;
	process->gid_given = kept->gid_given;
	process->env_home = kept->env_home;
	process->umask = kept->umask;
	process->fixed_addresses = kept->fixed_addresses;
	process->one_processor = kept->one_processor;
	process->no_init = kept->no_init;
	process->stop_signal = SIGTERM;
	plan->runtime.kind = kept->runtime;
	plan->runtime.differences_refused = kept->differences_refused;
	plan->runtime.differences = kept->has_gvisor_filter ? unfiltered : NULL;
	plan->ids.keep_groups = kept->keep_groups;
	plan->life.ready_fd = plan->life.status_fd = -1;
}

int state_read_plan(int dir, struct plan *plan, struct error *err)
{
	auto_close int fd =
		openat(dir, STATE_PLAN_FILE, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	struct reader reader = { .arena = &plan->arena };
	const struct kept *kept;

	if (fd >= 0)
		reader.at = files_read_all(&plan->arena, fd, KEPT_MAX, &reader.left);
	if (!reader.at)
		return error_errno_id(err, ERROR_STATE, "read the plan of the sandbox");
	kept = take(&reader, 1, sizeof(*kept));
	if (!kept || strncmp(kept->version, SBX_VERSION, sizeof(kept->version)) != 0)
		return error_set(err, ERROR_STATE,
				 "read the plan of the sandbox: another version of sbx "
				 "has started it");
	fill(&reader, kept, plan);
	if (reader.failed || reader.left)
		return error_set(err, ERROR_STATE,
				 "read the plan of the sandbox: it is not whole");
	return 0;
}
