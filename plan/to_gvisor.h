/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_PLAN_TO_GVISOR_H
#define SBX_PLAN_TO_GVISOR_H

/* Between the files that write a plan as a config.json for runsc. */

struct arena;
struct gvisor_inside;
struct json_value;
struct plan;

/* Puts the array "mounts" into the document: what gVisor has to mount itself. */
void gvisor_put_mounts(struct json_value *document, const struct plan *plan,
		       const struct gvisor_inside *inside, struct arena *arena);

#endif
