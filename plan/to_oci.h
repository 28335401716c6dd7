/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_PLAN_TO_OCI_H
#define SBX_PLAN_TO_OCI_H

/* Between the files that write a plan as an OCI config.json. */

#include <stddef.h>

struct arena;
struct json_value;
struct net_spec;
struct plan;
struct rootfs_spec;

/* The whole document. */
struct json_value *oci_document(const struct plan *plan, struct arena *arena);

/*
 * Puts the array "mounts" into the document. Returns how many of the spec's entries are in
 * it: those behind are the covers that go into readonlyPaths and maskedPaths.
 */
size_t oci_put_mounts(struct json_value *document, const struct rootfs_spec *rootfs,
		      struct arena *arena);

/* The network, as annotations. */
void oci_put_net(struct json_value *annotations, const struct net_spec *spec,
		 struct arena *arena);

/* Bytes as two digits each. */
char *oci_hex(const void *bytes, size_t size, struct arena *arena);

/*
 * What document says that base does not: members that differ, entries that were added to
 * a list, the whole of a list that differs in another way, and null for what base alone has.
 * ociVersion is always there.
 */
struct json_value *oci_difference(const struct json_value *document,
				  const struct json_value *base, struct arena *arena);

#endif
