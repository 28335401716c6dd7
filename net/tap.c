/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tap.h"

#include "base/error.h"
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <stdio.h>
#include <sys/ioctl.h>

static const char device[] = "/dev/net/tun";

static int explain_open(struct error *err)
{
	const int errnum = errno;

	error_errno_id(err, ERROR_NETWORK, "open %s", device);
	if (errnum == ENOENT || errnum == ENODEV || errnum == ENXIO)
		return error_hint(err,
				  "modprobe tun; or without a tap device: --net relay");
	return error_hint(err, "chmod 0666 %s; or without a tap device: --net relay",
			  device);
}

/*
 * What the kernel may leave to us, from the most to the least; a kernel that refuses all of
 * it sends plain frames. IPv6 is offered together with IPv4 by every kernel that knows both.
 */
static void offer_offloads(int fd)
{
	static const unsigned int offers[] = {
		TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6,
		TUN_F_CSUM | TUN_F_TSO4,
		TUN_F_CSUM,
	};

	for (size_t i = 0; i < sizeof(offers) / sizeof(*offers); i++)
		if (ioctl(fd, TUNSETOFFLOAD, (unsigned long)offers[i]) == 0)
			return;
}

/*
 * Whoever closes the descriptor of a device that goes with it waits until no processor may
 * still have a packet of it, some ten milliseconds, and the caller of sbx waits along. One
 * that stays is cleared away with its network namespace, which the kernel does by itself.
 */
static void leave_to_namespace(int fd)
{
	(void)ioctl(fd, TUNSETPERSIST, 1UL);
}

/* The device belongs to the network namespace in which its node was opened. */
int tap_open(const char *name, bool offloads, struct error *err)
{
	struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };
	int header = (int)sizeof(struct virtio_net_hdr);
	auto_close int fd = open(device, O_RDWR | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return explain_open(err);
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	if (ioctl(fd, TUNSETIFF, &request) < 0)
		return error_errno_id(err, ERROR_NETWORK, "make the tap device %s", name);
	/* 10 bytes are the default; kernels before 2.6.36 have no other. */
	if (ioctl(fd, TUNSETVNETHDRSZ, &header) < 0 && errno != EINVAL)
		return error_errno_id(err, ERROR_NETWORK,
				      "set the header of the tap device %s", name);
	if (offloads)
		offer_offloads(fd);
	leave_to_namespace(fd);
	return fd_take(&fd);
}
