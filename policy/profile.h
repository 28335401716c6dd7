/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_POLICY_PROFILE_H
#define SBX_POLICY_PROFILE_H

/*
 * The second door of the policy wing: policies as texts. A profile is one that was read,
 * whatever language it was written in: its rules, still with their conditions, and the
 * lines of its other sections. Compiled for the host and the capabilities of a plan it is
 * a program for seccomp_install().
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/policy.h"

struct arena;
struct error;
struct json_value;
struct profile;
struct rules;
struct seccomp_data;

/* Where an operand is looked for. */
struct profile_places {
	const char *const *dirs; /* for NAME, in order, NULL-ended: …/sbx/policies */
	const char *base;        /* relative paths; NULL: the current directory */
	const char *home;        /* for ~/; NULL: unknown */
};

/*
 * Reads NAME, FILE (with a slash) or NAME+CALL-CALL+@GROUP. A FILE is in the native
 * format, or OCI JSON where its first character is `{`. Built-ins are found without a file,
 * and their text is not read before it is needed. err says FILE:LINE:COLUMN; ids
 * ERROR_POLICY, ERROR_SOURCE_MISSING.
 */
int profile_read(const char *operand, const struct profile_places *places,
		 struct arena *arena, const struct profile **ret_profile,
		 struct error *err);

/* A text that is at hand already; name is what messages call it. */
int profile_read_text(const char *text, size_t length, const char *name,
		      const struct profile_places *places, struct arena *arena,
		      const struct profile **ret_profile, struct error *err);

/* linux.seccomp of a config.json. */
int profile_read_json(const struct json_value *value, const char *name,
		      struct arena *arena, const struct profile **ret_profile,
		      struct error *err);

/* The words of linux.seccomp that are understood: NULL-ended lists, empty without seccomp. */
struct profile_words {
	const char *const *actions, *const *operators, *const *arches, *const *flags;
	const char *const *kernel_flags; /* those of flags that this kernel knows */
};

void profile_known_words(struct arena *arena, struct profile_words *ret_words);

/* The member that it was read from, for another config.json; NULL: it was none. */
const struct json_value *profile_json(const struct profile *profile);

/* What `default+ptrace` was read from; for denials and the plan in words. */
const char *profile_name(const struct profile *profile);

/* Whether it is this built-in, with or without adjustments ("default"). */
bool profile_is(const struct profile *profile, const char *builtin);

/* One line of [caps], [landlock] or [limits]. */
struct profile_setting {
	const char *section, *key, *value;
	const char *file;
	unsigned int line;
};
const struct profile_setting *profile_settings(const struct profile *profile,
					       size_t *ret_count);

/* What `when` and includes/excludes ask. */
struct profile_conditions {
	uint64_t caps;       /* of the command */
	unsigned int kernel; /* major << 16 | minor; profile_kernel() */
	bool emulate_root;
};

/* The running kernel, from uname(2); SBX's build-time variants need none. */
unsigned int profile_kernel(void);

enum profile_backend { BACKEND_SBX, BACKEND_LIBSECCOMP };

/*
 * Compiles. A listener is needed where ret_filter->supervised says so: the launcher then
 * answers the notifications by profile_answer(). explains: denials are to be told. warnings: a
 * NULL-ended list, or NULL: not wanted.
 */
int profile_compile(const struct profile *profile,
		    const struct profile_conditions *conditions, bool explains,
		    enum profile_backend backend, struct arena *arena,
		    struct seccomp_filter *ret_filter, const char *const **ret_warnings,
		    struct error *err);

/* What a supervisor answers to one call, and why. */
struct verdict {
	bool fake; /* value is returned; else -value is the error */
	uint16_t value;
	const char *file; /* "default"; NULL: no line says so */
	unsigned int line;
	const char *why; /* NULL: nobody said */
	char allow[64];  /* "socket", a call for `--policy NAME+CALL` */
};
int profile_answer(const struct profile *profile,
		   const struct profile_conditions *conditions,
		   const struct seccomp_data *data, struct arena *arena,
		   struct verdict *ret_verdict, struct error *err);

/*
 * The same for many calls: the rules are resolved once, live in the arena, and say the rest
 * by themselves. NULL and err.
 */
const struct rules *profile_resolve(const struct profile *profile,
				    const struct profile_conditions *conditions,
				    struct arena *arena, struct error *err);
void rules_answer(const struct rules *rules, const struct seccomp_data *data,
		  struct verdict *ret_verdict);

/* "socket(AF_VSOCK, SOCK_STREAM, 0)" of a call, as far as arguments are known. Returns
 * buffer. */
char *call_text(const struct seccomp_data *data, char *buffer, size_t size);

/*
 * What tells calls of one number apart: the first argument that is a word or flags, as the
 * family of a socket or the code of an ioctl. 0 where there is none.
 */
uint64_t call_word(const struct seccomp_data *data);

/* "EPERM", or the number where it has no name. Returns buffer. */
char *errno_text(int number, char *buffer, size_t size);

/*
 * The other way: CALL or its number, then arguments as numbers, constants, or constants
 * or-ed by |. words end with NULL. For the native ABI.
 */
int call_parse(const char *const *words, struct seccomp_data *ret_data,
	       struct error *err);

/* Whether any machine has a system call of that name, as far as anybody here knows. */
bool call_is_known(const char *name);

/* ---- for `sbx policy`: texts in the arena ---- */

/* The built-ins with a line about each, and what lies in places->dirs. */
const char *profile_list(const struct profile_places *places, struct arena *arena);

/* Resolved into one native text without @extends, each line with its origin. */
const char *profile_show(const struct profile *profile, struct arena *arena);

/* The built-in's own text with its comments; NULL: it is none. */
const char *profile_builtin_text(const char *name);

/* Findings of the linter, a line each "FILE:LINE: …"; "" : nothing to say. */
const char *profile_lint(const struct profile *profile,
			 const struct profile_conditions *conditions, struct arena *arena,
			 struct error *err);

/* What a policy says about a call, in words, for every ABI it serves. */
const char *profile_explain(const struct profile *profile,
			    const struct profile_conditions *conditions, const char *call,
			    struct arena *arena, struct error *err);

/* Runs the compiled program for one call: the answer, and the line that decides. */
const char *profile_why(const struct profile *profile,
			const struct profile_conditions *conditions,
			const struct seccomp_data *data, struct arena *arena,
			struct error *err);

/* What a policy has lost when gVisor enforces it. */
enum profile_loss {
	PROFILE_LOSES_ERRNO = 1 << 0, /* errors other than EPERM and ENOSYS are EPERM */
	PROFILE_LOSES_KILL = 1 << 1,  /* kill ends the thread, not the process */
	PROFILE_LOSES_LOG = 1 << 2,   /* what is to be logged is just allowed */
};

/*
 * linux.seccomp as gVisor takes it, for another config.json; *ret_losses are the bits above.
 * NULL: err says why it cannot be had.
 */
const struct json_value *profile_for_gvisor(const struct profile *profile,
					    const struct profile_conditions *conditions,
					    struct arena *arena, unsigned int *ret_losses,
					    struct error *err);

/* to: "native" or "oci". NULL and err: what the other language cannot say. */
const char *profile_convert(const struct profile *profile,
			    const struct profile_conditions *conditions, const char *to,
			    struct arena *arena, struct error *err);

#endif
