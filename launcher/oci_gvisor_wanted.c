/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a bundle is for runsc, and which platform it asks for. */
#include "launcher/oci_gvisor.h"

#include "base/error.h"
#include "plan/plan.h"

#include <string.h>

static const char *annotation(const struct plan *plan, const char *name)
{
	for (size_t i = 0; i < plan->container.annotation_count; i++)
		if (strcmp(plan->container.annotations[i].key, name) == 0)
			return plan->container.annotations[i].value;
	return NULL;
}

static int add_platform(struct runtime_spec *runtime, const char *name, size_t length)
{
	for (enum gvisor_platform i = 0; i < PLATFORM_COUNT; i++) {
		const char *known = gvisor_platform_name(i);

		if (strlen(known) != length || strncmp(known, name, length) != 0)
			continue;
		if (runtime->platform_count == PLATFORM_COUNT)
			return -1;
		runtime->platforms[runtime->platform_count++] = i;
		return 0;
	}
	return -1;
}

/* One name, or a ladder of them with commas between. */
static int read_platforms(struct runtime_spec *runtime, const char *text,
			  struct error *err)
{
	runtime->platform_count = 0;
	for (const char *at = text; strcmp(text, "auto") != 0; at++) {
		const size_t length = strcspn(at, ",");

		if (add_platform(runtime, at, length) < 0) {
			error_set(err, ERROR_USAGE,
				  "use the platform '%.60s': there is none of that name",
				  text);
			return error_hint(err, "auto, systrap, ptrace, kvm, or some of "
					       "them with commas between");
		}
		at += length;
		if (!*at)
			break;
	}
	return 0;
}

static int read_runtime(const char *name, bool *ret_wanted, struct error *err)
{
	static const struct {
		const char *name;
		bool wanted;
	} names[] = {
		{ "runsc", true },
		{ "gvisor", true },
		{ "native", false },
		{ "sbx", false },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (strcmp(names[i].name, name) == 0) {
			*ret_wanted = names[i].wanted;
			return 0;
		}
	}
	error_set(err, ERROR_USAGE, "use the runtime '%.60s': there is none of that name",
		  name);
	return error_hint(err, "native or runsc; others are called by the engine itself");
}

/*
 * Which file is executed is nothing that a bundle says: engines hand on annotations of people
 * who may start containers and nothing else.
 */
int oci_gvisor_wanted(const struct oci_globals *globals, struct plan *plan,
		      bool *ret_wanted, struct error *err)
{
	const char *name =
		globals->runtime ? globals->runtime : annotation(plan, "sbx.runtime");
	const char *platform =
		globals->platform ? globals->platform : annotation(plan, "sbx.platform");

	*ret_wanted = false;
	if (name && read_runtime(name, ret_wanted, err) < 0)
		return -1;
	if (!*ret_wanted)
		return 0;
	plan->runtime.kind = RUNTIME_RUNSC;
	plan->runtime.runsc = globals->runsc;
	plan->runtime.pin = globals->runsc_pin;
	plan->runtime.net = plan->namespaces.kinds[NS_NET].mode == NS_SHARED
				    ? GVISOR_NET_HOST
				    : GVISOR_NET_NETSTACK;
	return platform ? read_platforms(&plan->runtime, platform, err) : 0;
}
