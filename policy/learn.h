/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_POLICY_LEARN_H
#define SBX_POLICY_LEARN_H

/*
 * A policy learned from runs: what was seen is collected here and written as a policy in
 * the native format, which carries the record in comments (`#: …`), so that the next run
 * goes on where this one ended.
 *
 * While a command is watched, every call but those of a fixed list, which all programs
 * make and whose arguments say nothing, notifies a supervisor. It evaluates the base
 * policy on the call's registers, which nobody can change any more, and lets the kernel go
 * on or answers as the base does: a watched command may do no more than under the base.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/policy.h"

struct arena;
struct error;
struct learned;
struct seccomp_data;

struct learned *learn_new(struct arena *arena);

/*
 * The filter for a watched command. *filter is the base, which may be empty, and becomes one
 * that is supervised and has a key; what starts the command with it is told too, but for the
 * message that hands the listener over.
 */
int learn_filter(struct learned *learned, struct seccomp_filter *filter,
		 struct error *err);

/* What the base answers: 0 allowed, else the errno (EPERM where it kills). */
int learn_judge(const struct seccomp_program *base, const struct seccomp_data *data);

/* What was seen. Texts are copied. errnum: what learn_judge() said. */
void learn_call(struct learned *learned, const struct seccomp_data *data, int errnum);
void learn_file(struct learned *learned, const char *path, bool writes);
/* A directory that was opened to be listed, which says nothing about what is in it. */
void learn_listing(struct learned *learned, const char *path);
void learn_destination(struct learned *learned, const char *text);

/* Takes over the record of a policy that was learned before; other texts are refused. */
int learn_resume(struct learned *learned, const char *text, size_t length,
		 const char *name, struct error *err);

/* command: what was watched, for the head. */
const char *learn_policy(const struct learned *learned, const char *command,
			 struct arena *arena);

/* A report for people: text, or one HTML page without anything outside of it. */
const char *learn_report(const struct learned *learned, const char *command, bool html,
			 struct arena *arena);

#endif
