/* SPDX-License-Identifier: Apache-2.0 */
#include "userns/userns.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/syscalls.h"

#include <fcntl.h>

/* Before 6.1 execve(2) leaves a process in its old time (time_namespaces(7)). */
int namespaces_enter_time(const struct namespaces_spec *spec, struct error *err)
{
	auto_close int made = -1;

	if (!spec->new_time)
		return 0;
	made = open("/proc/self/ns/time_for_children", O_RDONLY | O_CLOEXEC);
	if (made < 0 || setns(made, CLONE_NEWTIME) < 0)
		return error_errno_id(err, ERROR_NAMESPACE, "enter the time namespace");
	return 0;
}
