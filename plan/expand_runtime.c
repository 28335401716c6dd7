/* SPDX-License-Identifier: Apache-2.0 */
/* Whose kernel the command runs on, and what follows from that for the rest of the plan. */
#include "base/error.h"
#include "plan/internal.h"

int expand_runtime(struct draft *draft, struct error *err)
{
	(void)err;
	if (draft->gvisor_net)
		draft->plan.runtime.net = (enum gvisor_net)(draft->gvisor_net - 1);
	draft->plan.runtime.differences_refused = draft->differences == 2;
	return 0;
}
