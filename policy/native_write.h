/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_POLICY_NATIVE_WRITE_H
#define SBX_POLICY_NATIVE_WRITE_H

/* Policies as texts of the native format again. */

#include <stdbool.h>

struct arena;
struct error;
struct native_policy;
struct profile;
struct rules;

/* One text without @extends and @include, its conditions kept. */
const char *native_show(const struct profile *profile, const struct native_policy *policy,
			struct arena *arena);

struct native_style {
	bool follows; /* socketcall and ipc of i386 answer as the calls they stand for */
	bool sources; /* each line says where it is from */
};

/* Rules as they are, of any language. NULL and err: what cannot be said. */
const char *native_write(const struct rules *rules, struct native_style style,
			 const char *name, struct arena *arena, struct error *err);

#endif
