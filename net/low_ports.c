/* SPDX-License-Identifier: Apache-2.0 */
#include "net/net.h"

#include "base/error.h"
#include "base/files.h"

#include <errno.h>
#include <fcntl.h>

int net_open_low_ports(struct error *err)
{
	if (files_write(AT_FDCWD, "/proc/sys/net/ipv4/ip_unprivileged_port_start", "0") ==
	    0)
		return 0;
	/* No /proc, a read-only one as in a container, or no IPv4: then they stay closed. */
	if (errno == ENOENT || errno == EROFS || errno == EACCES || errno == EPERM)
		return 0;
	return error_errno(err, "open the ports below 1024");
}
