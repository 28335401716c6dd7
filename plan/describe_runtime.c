/* SPDX-License-Identifier: Apache-2.0 */
/* Another kernel than the host's in words, for --dry-run. */
#include "base/json.h"
#include "plan/internal.h"
#include "plan/oci_spelling.h"
#include "policy/profile.h"

void describe_inner_filter(struct page *page, const struct plan *plan)
{
	const struct json_value *rules = json_get(plan->runtime.filter, "syscalls");

	page_begin(page, "system calls");
	if (!plan->runtime.filter) {
		page_put(page, "gVisor's kernel answers all of them\n");
		return;
	}
	page_put(page, "policy ");
	page_put_printable(page, profile_name(plan->policy.profile));
	page_printf(page, ", kept by gVisor's kernel: %zu rules\n", json_count(rules));
}

void describe_runtime(struct page *page, const struct runtime_spec *runtime)
{
	static const char *const stacks[] = {
		[GVISOR_NET_NETSTACK] = "its own network stack",
		[GVISOR_NET_HOST] = "the kernel's network stack",
		[GVISOR_NET_NONE] = "its own network stack, with loopback alone",
	};

	if (runtime->kind == RUNTIME_NATIVE)
		return;
	page_begin(page, "runtime");
	page_printf(page, "gVisor, platform %s, %s\n",
		    platforms_text(runtime, page->arena), stacks[runtime->net]);
	if (runtime->pin) {
		page_begin(page, "pinned by");
		page_put_printable(page, runtime->pin);
		page_put(page, "\n");
	}
}
