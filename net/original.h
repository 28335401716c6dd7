/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_NET_ORIGINAL_H
#define SBX_NET_ORIGINAL_H

/* Where a connection that was redirected to us wanted to go. */

#include "net/address.h"

/*
 * -1: it was not redirected: whoever made it meant us. The context is not looked at.
 */
int original_destination(void *context, int fd, int family, struct ip *ret_to,
			 uint16_t *ret_port);

#endif
