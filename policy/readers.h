/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_POLICY_READERS_H
#define SBX_POLICY_READERS_H

/*
 * What the readers of policy texts have in common. A reader checks everything that does
 * not depend on the host or the plan when it reads, and keeps the rest for resolve().
 */

#include <stdbool.h>
#include <stddef.h>

#include "policy/profile.h"
#include "policy/rules.h"

struct arena;
struct error;
struct json_value;

/* What is worth saying but stops nobody, a line each. */
struct notes {
	struct arena *arena;
	const char **lines; /* NULL-ended */
	size_t count;
};

void notes_add(struct notes *notes, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

struct profile {
	const char *name;    /* for messages: "default", "default+ptrace", a path */
	const char *builtin; /* which one it is or adjusts; NULL: another text */
	bool adjusted;
	const struct profile_setting *settings;
	size_t setting_count;
	const struct json_value *json; /* what profile_read_json() read; or NULL */
	const void *text;              /* what its reader keeps of it */
	int (*resolve)(const struct profile *profile,
		       const struct profile_conditions *conditions, struct arena *arena,
		       struct rules *ret_rules, struct notes *notes, struct error *err);
};

/* native.c: the native format, minijail's among it. */
int native_read(const char *text, size_t length, const char *name,
		const struct profile_places *places, struct arena *arena,
		struct profile *ret_profile, struct error *err);

/* oci.c: linux.seccomp of an OCI config.json, and docker's and podman's profiles. */
int oci_seccomp_read(const char *text, size_t length, const char *name,
		     struct arena *arena, struct profile *ret_profile, struct error *err);

/* The same of a document that was read already. Errors name the member, but not the file. */
int oci_seccomp_read_value(const struct json_value *value, const char *name,
			   struct arena *arena, struct profile *ret_profile,
			   struct error *err);

/*
 * Rules as linux.seccomp, in the arena: a text that oci_seccomp_read() takes, with the same
 * answers. NULL and err: what JSON cannot say, by FILE:LINE.
 */
const char *oci_seccomp_write(const struct rules *rules, struct arena *arena,
			      struct error *err);

/* A built-in: its text, and programs that were made of it at build time. */
struct builtin_program {
	uint64_t caps; /* of those that the text asks for */
	bool emulate_root, explains;
	unsigned int flags;
	struct seccomp_program program;
};

struct builtin {
	const char *name, *about;
	const char *text;
	size_t length;
	uint64_t asked_caps; /* that its conditions name; none names a kernel */
	const struct builtin_program *programs;
	size_t program_count;
};

/* All of them, ending with a NULL name. Made by the build from policy/builtin/. */
extern const struct builtin builtins[];

#endif
