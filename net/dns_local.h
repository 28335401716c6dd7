/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_NET_DNS_LOCAL_H
#define SBX_NET_DNS_LOCAL_H

/*
 * Names that are answered here, and asked nowhere: --add-host, host.sbx.internal, and
 * localhost with everything below it (RFC 6761, 6.3).
 */

#include <stdbool.h>
#include <stddef.h>

#include "net/address.h"
#include "net/dns_message.h"

struct dns_locals;
struct dns_spec;

/* NULL: no memory. */
struct dns_locals *dns_locals_new(const struct dns_spec *spec);
void dns_locals_free(struct dns_locals *locals);

enum { DNS_LOCAL_ADDRESSES_MAX = 32 };

/* Whether the name is one of them, and its addresses. */
bool dns_locals_find(const struct dns_locals *locals, const struct dns_name *name,
		     struct ip addresses[DNS_LOCAL_ADDRESSES_MAX], size_t *ret_count);

/* Tells all but localhost. */
void dns_locals_each(const struct dns_locals *locals,
		     void (*found)(void *context, const struct dns_name *name,
				   const struct ip *address),
		     void *context);

#endif
