/* SPDX-License-Identifier: Apache-2.0 */
/* What gVisor does otherwise than a plan says. */
#include "base/error.h"
#include "plan/internal.h"

int expand_differences(struct draft *draft, struct error *err)
{
	(void)draft;
	(void)err;
	return 0;
}
