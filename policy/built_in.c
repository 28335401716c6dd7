/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy.h"

#include "base/error.h"

bool policy_is_built_in(void)
{
	return true;
}

int policy_refuse(const char *what, struct error *err)
{
	return error_set(err, ERROR_POLICY, "%s: built without seccomp", what);
}
