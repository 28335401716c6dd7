/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/plan.h"

const char *const *plan_masked_paths(void)
{
	static const char *const masked[] = {
		"/proc/acpi",
		"/proc/asound",
		"/proc/kcore",
		"/proc/keys",
		"/proc/latency_stats",
		"/proc/timer_list",
		"/proc/timer_stats",
		"/proc/sched_debug",
		"/proc/scsi",
		"/sys/firmware",
		"/sys/devices/virtual/powercap",
		NULL,
	};

	return masked;
}
