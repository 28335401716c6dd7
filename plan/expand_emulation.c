/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether root is emulated, and what goes with it. The calls themselves are the policy
 * wing's: rules_emulate_root().
 */
#include "base/error.h"
#include "base/text.h"
#include "plan/internal.h"
#include "policy/profile.h"

#include <string.h>

/* Groups may have a second id, with which the caller's are dropped. */
static bool has_one_id(const struct ids_spec *ids)
{
	return ids->uids.count == 1 && ids->uids.ranges[0].count == 1;
}

static bool is_useful(const struct plan *plan)
{
	return plan->process.uid == 0 && has_one_id(&plan->ids) && plan->policy.profile &&
	       !plan->policy.landlock.whole;
}

static void decide(struct draft *draft)
{
	struct policy_spec *policy = &draft->plan.policy;

	if (draft->plan.runtime.kind == RUNTIME_RUNSC)
		return;
	switch ((enum root_emu_choice)draft->root_emu) {
	case ROOT_EMU_DEFAULT:
		if (!draft->from_config)
			policy->emulate_root = is_useful(&draft->plan);
		break;
	case ROOT_EMU_AUTO:
		policy->emulate_root = is_useful(&draft->plan);
		break;
	case ROOT_EMU_ON:
		policy->emulate_root = true;
		break;
	case ROOT_EMU_OFF:
		policy->emulate_root = false;
		break;
	}
}

/* Without a policy it is one of its own, which allows everything else. */
int expand_emulation(struct draft *draft, struct error *err)
{
	struct policy_spec *policy = &draft->plan.policy;

	decide(draft);
	if (!policy->emulate_root || policy->profile)
		return 0;
	if (!policy_is_built_in())
		return policy_refuse("use --root-emu on", err);
	if (policy->filter.program.count) {
		error_set(err, ERROR_POLICY,
			  "use --root-emu on: a raw filter has no place for it");
		return error_hint(err, "leave --seccomp, or --root-emu off");
	}
	return profile_read("none", policy_places(draft, NULL), &draft->plan.arena,
			    &policy->profile, err);
}

struct mount_entry emulation_apt_file(void)
{
	static const char text[] = "APT::Sandbox::User \"root\";\n";
	const struct mount_entry file = {
		.kind = MOUNT_FILE,
		.dest = EMULATION_APT_CONF,
		.content = text,
		.content_size = sizeof(text) - 1,
	};

	return file;
}

bool emulation_set(const char *variable)
{
	return text_starts_with(variable, EMULATION_VARIABLE "=") ||
	       !strcmp(variable, EMULATION_APT "=" EMULATION_APT_CONF);
}

bool emulation_mounted(const struct mount_entry *entry)
{
	return entry->kind == MOUNT_FILE && !strcmp(entry->dest, EMULATION_APT_CONF);
}
