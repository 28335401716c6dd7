/* SPDX-License-Identifier: Apache-2.0 */
#include "net/net.h"

#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <sys/ioctl.h>

bool net_has_slirp(void)
{
#ifdef SBX_SLIRP
	return true;
#else
	return false;
#endif
}

/*
 * Opening it makes nothing: a device comes with TUNSETIFF, for which the sandbox's own
 * network namespace is needed. That it answers a question shows that it is tun's node.
 */
int net_probe_tap(void)
{
	auto_close int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	unsigned int features;

	if (fd < 0)
		return -1;
	if (ioctl(fd, TUNGETFEATURES, &features) < 0)
		return -1;
	if (!(features & IFF_TAP) || !(features & IFF_VNET_HDR)) {
		errno = EOPNOTSUPP;
		return -1;
	}
	return 0;
}
