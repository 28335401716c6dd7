/* SPDX-License-Identifier: Apache-2.0 */
#include "net/net.h"

#include "base/error.h"
#include "base/fd.h"

#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

/*
 * The kernel gives 127.0.0.1/8 and ::1 to a loopback interface that comes up, so one
 * ioctl is all. A socket of any family carries it; this one is there without IPv4, too.
 */
int net_loopback_up(struct error *err)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	auto_close int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return error_errno_id(err, ERROR_NAMESPACE,
				      "open a socket for the loopback interface");
	if (ioctl(fd, SIOCSIFFLAGS, &request) < 0)
		return error_errno_id(err, ERROR_NAMESPACE,
				      "bring the loopback interface up");
	return 0;
}
