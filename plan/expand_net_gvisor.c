/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which network stack a process inside gVisor speaks to. gVisor's own needs an interface that
 * nobody else uses: it takes the addresses off and reads and writes the frames itself, so that
 * sbx-net serves all of it at the tap device (net_spec.foreign_stack).
 */
#include "base/error.h"
#include "plan/internal.h"

static bool is_asked(const struct draft *draft, enum gvisor_net stack)
{
	return draft->gvisor_net == (int)stack + 1;
}

static bool is_alone(const struct plan *plan)
{
	return plan->net.mode == NET_PLAIN &&
	       plan->namespaces.kinds[NS_NET].mode == NS_PRIVATE;
}

/* Where nobody has asked: gVisor's own wherever it can be. */
static enum gvisor_net natural_stack(const struct plan *plan)
{
	if (plan->net.mode == NET_USER || is_alone(plan))
		return plan->runtime.net == GVISOR_NET_HOST ? GVISOR_NET_HOST
							    : GVISOR_NET_NETSTACK;
	return GVISOR_NET_HOST;
}

static int refuse_netstack(const char *mode, struct error *err)
{
	error_set(err, ERROR_USAGE,
		  "use --gvisor-net netstack with %.100s: gVisor's own stack needs a tap "
		  "device",
		  mode);
	return error_hint(err, "--net user; or --gvisor-net host");
}

static int refuse_none(const char *mode, struct error *err)
{
	error_set(err, ERROR_USAGE,
		  "use --gvisor-net none with %.100s: there would be no network", mode);
	return error_hint(err, "--net none has loopback alone");
}

int choose_gvisor_net(struct draft *draft, const char *mode, struct error *err)
{
	struct plan *plan = &draft->plan;
	struct runtime_spec *runtime = &plan->runtime;

	plan->net.foreign_stack = false;
	if (runtime->kind != RUNTIME_RUNSC)
		return 0;
	if (!draft->gvisor_net)
		runtime->net = natural_stack(plan);
	if (is_asked(draft, GVISOR_NET_NONE) && !is_alone(plan))
		return refuse_none(mode, err);
	if (runtime->net == GVISOR_NET_HOST)
		return 0;
	if (is_alone(plan)) {
		runtime->net = GVISOR_NET_NONE;
		return 0;
	}
	if (plan->net.mode != NET_USER)
		return refuse_netstack(mode, err);
	plan->net.foreign_stack = true;
	if (!plan->net.mtu)
		plan->net.mtu = NET_FOREIGN_MTU;
	return 0;
}
