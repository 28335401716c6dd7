/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_NET_TAP_H
#define SBX_NET_TAP_H

#include <stdbool.h>

struct error;

/*
 * Makes the tap device of that name in the caller's network namespace, needs CAP_NET_ADMIN
 * over it. Returns a descriptor that does not block. In front of each frame, both ways,
 * stands a struct virtio_net_hdr (10 bytes); with offloads the kernel hands over segments of
 * up to 64 KB with checksums to complete where it can. The device is gone with its descriptor.
 */
int tap_open(const char *name, bool offloads, struct error *err);

#endif
