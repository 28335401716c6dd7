/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a build without seccomp cannot give is refused before anything else is read: whoever
 * asked for a filter must not get a sandbox without one.
 */
#include "base/error.h"
#include "plan/internal.h"

#include <stdio.h>
#include <string.h>

/* An option, and the one operand that asks for seccomp or that does not; NULL: any asks. */
static const struct asking {
	const char *option, *asks, *harmless;
} askings[] = {
	{ "policy", NULL, "none" },
	{ "seccomp", NULL, NULL },
	{ "explain", "on", NULL },
	{ "denials", NULL, NULL },
	{ "seccomp-backend", NULL, NULL },
	{ "root-emu", "on", NULL },
	/* Its filter closes what Landlock leaves open. */
	{ "isolation", "landlock", NULL },
};

static bool asks(const struct asking *asking, const struct given *given)
{
	if (!given || given->negated || !given->operand)
		return false;
	if (asking->asks)
		return !strcmp(given->operand, asking->asks);
	return !asking->harmless || strcmp(given->operand, asking->harmless) != 0;
}

static int refuse_config(const struct policy_spec *policy, struct error *err)
{
	if (policy->operand && strcmp(policy->operand, "none") != 0)
		return policy_refuse("use the policy of --config", err);
	if (policy->profile || policy->filter.program.count)
		return policy_refuse("use the filter of --config", err);
	if (policy->explains || policy->denials)
		return policy_refuse("explain denials as --config asks", err);
	if (policy->by_libseccomp)
		return policy_refuse("use libseccomp as --config asks", err);
	if (policy->emulate_root)
		return policy_refuse("emulate root as --config asks", err);
	if (policy->landlock.whole)
		return policy_refuse("isolate by Landlock as --config asks", err);
	return 0;
}

int refuse_seccomp(const struct draft *draft, struct error *err)
{
	if (policy_is_built_in())
		return 0;
	for (size_t i = 0; i < sizeof(askings) / sizeof(*askings); i++) {
		const struct given *given = find_given(draft, askings[i].option);
		char what[64];

		if (!asks(&askings[i], given))
			continue;
		(void)snprintf(what, sizeof(what), "use --%s%s%s", askings[i].option,
			       askings[i].asks ? " " : "",
			       askings[i].asks ? askings[i].asks : "");
		return policy_refuse(what, err);
	}
	return refuse_config(&draft->plan.policy, err);
}
