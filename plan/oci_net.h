/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_PLAN_OCI_NET_H
#define SBX_PLAN_OCI_NET_H

/*
 * How a served network is spelled in an OCI config.json: annotations that begin with
 * "sbx.net.". Of a list each entry is a line or a word behind a comma. Writer and reader
 * walk the same tables.
 */

#include <stddef.h>

#include "net/net.h"

#define OCI_NET         "sbx.net."
#define OCI_NET_MODE    "sbx.net.mode"
#define OCI_NET_MAC     "sbx.net.mac"
#define OCI_NET_IFNAME  "sbx.net.ifname"
#define OCI_NET_RULES   "sbx.net.rules" /* ALLOW|DENY, DEST, FROM: tabs, a line each */
#define OCI_NET_PUBLISH "sbx.net.publish"
#define OCI_NET_DNS     "sbx.net.dns"
#define OCI_NET_SEARCH  "sbx.net.search"
#define OCI_NET_HOSTS   "sbx.net.hosts"
#define OCI_NET_GATEWAY "host-gateway"

/* Fields that hold one address or number. */
enum oci_net_type {
	OCI_NET_PREFIX, /* zero bits: absent */
	OCI_NET_IP,     /* zero: absent */
	OCI_NET_U32,    /* 0: absent */
};

struct oci_net_field {
	const char *name; /* the whole annotation */
	enum oci_net_type type;
	size_t offset; /* in struct net_spec */
};

const struct oci_net_field *oci_net_fields(size_t *ret_count);

/* Words of enum net_mode, NULL-ended. */
extern const char *const oci_net_modes[];

#endif
