/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Capabilities, limits and the filter of a plan: defaults, what options add, and the
 * policy compiled for all of that.
 */
#include "base/error.h"
#include "base/fd.h"
#include "base/files.h"
#include "plan/internal.h"
#include "policy/profile.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
	BPF_INSTRUCTION = 8, /* sizeof(struct sock_filter) */
	BPF_MAX = 4096,
	JSON_MAX = 4 << 20,
};

/* ---- capabilities ---- */

static bool is_builtin(const struct draft *draft, const char *name)
{
	const struct profile *profile = draft->plan.policy.profile;

	return profile && profile_is(profile, name);
}

void expand_caps(struct draft *draft)
{
	const struct process_spec *process = &draft->plan.process;
	struct caps_spec *caps = &draft->plan.policy.caps;

	if (!draft->from_config && draft->plan.rootfs.kind != ROOT_HOST &&
	    process->uid == 0 && !is_builtin(draft, "strict"))
		caps->kept = caps_default_root();
	for (size_t i = 0; i < draft->cap_count; i++) {
		if (draft->caps[i].add)
			caps->kept |= draft->caps[i].bits;
		else
			caps->kept &= ~draft->caps[i].bits;
	}
	/* An ordinary user keeps a capability across execve(2) only as an ambient one. */
	if (draft->cap_count && process->uid != 0)
		caps->ambient = caps->kept;
	if (draft->no_ambient)
		caps->ambient = 0;
	caps->ambient &= caps->kept;
}

/* ---- limits ---- */

/*
 * No core file has room in one byte, and a limit of exactly one keeps the kernel from
 * feeding a core to the program of core_pattern too, where zero would not (core(5)).
 */
static struct rlimit_entry no_core(void)
{
	struct rlimit_entry entry = { RLIMIT_CORE, 1, 1 };
	struct rlimit present;

	if (getrlimit(RLIMIT_CORE, &present) == 0 && present.rlim_max == 0)
		entry.soft = entry.hard = 0;
	return entry;
}

static void expand_rlimits(struct draft *draft)
{
	struct limits_spec *limits = &draft->plan.policy.limits;
	size_t count = draft->from_config ? limits->rlimit_count : 1, fixed_count = 0;
	const struct rlimit_entry *fixed = draft->pure ? pure_limits(&fixed_count) : NULL;
	struct rlimit_entry *list;

	if (draft->from_config && !draft->rlimit_count)
		return;
	list = arena_alloc_array(&draft->plan.arena,
				 count + fixed_count + draft->rlimit_count,
				 sizeof(*list));
	if (!draft->from_config)
		list[0] = no_core();
	else if (count)
		memcpy(list, limits->rlimits, count * sizeof(*list));
	if (fixed_count)
		memcpy(list + count, fixed, fixed_count * sizeof(*list));
	count += fixed_count;
	if (draft->rlimit_count)
		memcpy(list + count, draft->rlimits, draft->rlimit_count * sizeof(*list));
	limits->rlimits = list;
	limits->rlimit_count = count + draft->rlimit_count;
}

void expand_limits(struct draft *draft)
{
	expand_rlimits(draft);
	if (draft->limits)
		draft->plan.policy.limits.cgroup.best_effort = draft->limits == 2;
}

/* ---- --seccomp ---- */

static bool is_json(const char *text)
{
	return text[strspn(text, " \t\r\n")] == '{';
}

static int check_program_size(const char *path, size_t length, struct error *err)
{
	if (length == 0)
		return error_set(err, ERROR_SECCOMP,
				 "use --seccomp %.110s: the file is empty", path);
	if (length % BPF_INSTRUCTION) {
		error_set(
			err, ERROR_SECCOMP,
			"use --seccomp %.110s: %zu bytes are no raw BPF program (8 for each "
			"instruction)",
			path, length);
		return error_hint(err, "--policy %.200s reads a policy text", path);
	}
	if (length / BPF_INSTRUCTION > BPF_MAX)
		return error_set(err, ERROR_SECCOMP,
				 "use --seccomp %.110s: more than %d instructions", path,
				 BPF_MAX);
	return 0;
}

static int take_raw(struct draft *draft, const char *text, size_t length,
		    struct error *err)
{
	struct policy_spec *policy = &draft->plan.policy;

	if (check_program_size(draft->seccomp, length, err) < 0)
		return -1;
	policy->filter.program.instructions = text;
	policy->filter.program.count = length / BPF_INSTRUCTION;
	policy->profile = NULL;
	policy->operand = NULL;
	return 0;
}

/* It takes the place of the policy's system calls only. */
static int read_seccomp(struct draft *draft, struct error *err)
{
	struct policy_spec *policy = &draft->plan.policy;
	auto_close int fd = open(draft->seccomp, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	size_t length;
	char *text;

	if (fd < 0)
		return path_explain("use --seccomp", draft->seccomp, errno,
				    ERROR_SOURCE_MISSING, err);
	text = files_read_all(&draft->plan.arena, fd, JSON_MAX, &length);
	if (!text)
		return error_errno_id(err, ERROR_SECCOMP, "read %s", draft->seccomp);
	if (!is_json(text))
		return take_raw(draft, text, length, err);
	policy->operand = draft->seccomp;
	if (profile_read_text(text, length, draft->seccomp, policy_places(draft, NULL),
			      &draft->plan.arena, &policy->profile, err) < 0)
		return error_within(err, "use --seccomp");
	return 0;
}

int expand_seccomp(struct draft *draft, struct error *err)
{
	return draft->seccomp ? read_seccomp(draft, err) : 0;
}

/* ---- the layers ---- */

/* What nobody asked for is there where the kernel has it. */
static void expand_landlock(struct draft *draft)
{
	struct landlock_spec *landlock = &draft->plan.policy.landlock;

	if (!draft->from_config && !draft->landlock &&
	    draft->plan.runtime.kind == RUNTIME_NATIVE)
		landlock->mode = LANDLOCK_AUTO;
	if (landlock->mode != LANDLOCK_OFF && !draft->scopes_given)
		landlock->scope_signal = landlock->scope_abstract_unix = true;
}

static int decide_explain(struct draft *draft, struct error *err)
{
	struct plan *plan = &draft->plan;
	const struct profile *profile = plan->policy.profile;
	const bool suits = is_builtin(draft, "default") || is_builtin(draft, "strict");

	if (draft->explain == EXPLAIN_ON && !profile)
		return error_set(
			err, ERROR_POLICY,
			"use --explain on: a filter without a text has no reasons");
	if ((draft->explain == EXPLAIN_DEFAULT && draft->from_config) ||
	    plan->runtime.kind == RUNTIME_RUNSC)
		return 0;
	if (plan->policy.denials && draft->explain == EXPLAIN_OFF)
		return error_set(
			err, ERROR_USAGE,
			"use --denials with --explain off: it lists what that finds");
	plan->policy.explains = draft->explain == EXPLAIN_ON ||
				(draft->explain != EXPLAIN_OFF && profile &&
				 (plan->policy.denials || (suits && !plan->life.detach &&
							   isatty(STDERR_FILENO))));
	return 0;
}

static int compile(struct draft *draft, struct error *err)
{
	struct policy_spec *policy = &draft->plan.policy;
	const struct profile_conditions conditions = {
		.caps = policy->caps.kept,
		.kernel = profile_kernel(),
		.emulate_root = policy->emulate_root,
	};

	policy->kernel = conditions.kernel;
	if (profile_compile(policy->profile, &conditions, policy->explains,
			    policy->by_libseccomp ? BACKEND_LIBSECCOMP : BACKEND_SBX,
			    &draft->plan.arena, &policy->filter, NULL, err) < 0)
		return error_within(err, "compile the policy");
	if (!policy->filter.notifies)
		return 0;
	error_set(err, ERROR_POLICY,
		  "use the policy %s: it asks for notify, and nobody listens",
		  profile_name(policy->profile));
	return error_hint(err, "errno, kill or log instead of notify");
}

int expand_filter(struct draft *draft, struct error *err)
{
	struct policy_spec *policy = &draft->plan.policy;

	if (draft->backend != BACKEND_DEFAULT)
		policy->by_libseccomp = draft->backend == BACKEND_WORD_LIBSECCOMP;
	expand_landlock(draft);
	if (decide_explain(draft, err) < 0)
		return -1;
	return policy->profile ? compile(draft, err) : 0;
}
