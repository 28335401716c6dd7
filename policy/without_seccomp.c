/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The doors of policies in a build without seccomp: whatever reads or compiles one says so.
 * Where there is no profile, what asks about one has nothing to tell.
 */
#include "policy/policy.h"

#include "base/error.h"
#include "policy/learn.h"
#include "policy/profile.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>

bool policy_is_built_in(void)
{
	return false;
}

int policy_refuse(const char *what, struct error *err)
{
	error_set(err, ERROR_POLICY, "%s: built without seccomp", what);
	return error_hint(err, "--policy none, or a build with -Dseccomp=enabled");
}

unsigned int seccomp_level(void)
{
	return 0;
}

int landlock_close_rest(struct landlock_spec *spec, struct arena *arena,
			struct error *err)
{
	(void)spec;
	(void)arena;
	return policy_refuse("close what Landlock leaves open", err);
}

/* ---- profile.h ---- */

void profile_known_words(struct arena *arena, struct profile_words *ret_words)
{
	static const char *const none[] = { NULL };

	(void)arena;
	*ret_words = (struct profile_words){ none, none, none, none, none };
}

static int refuse_to_read(const char *name, struct error *err)
{
	char what[128];

	(void)snprintf(what, sizeof(what), "read the policy %.80s", name);
	return policy_refuse(what, err);
}

int profile_read(const char *operand, const struct profile_places *places,
		 struct arena *arena, const struct profile **ret_profile,
		 struct error *err)
{
	(void)places;
	(void)arena;
	(void)ret_profile;
	return refuse_to_read(operand, err);
}

int profile_read_text(const char *text, size_t length, const char *name,
		      const struct profile_places *places, struct arena *arena,
		      const struct profile **ret_profile, struct error *err)
{
	(void)text;
	(void)length;
	(void)places;
	(void)arena;
	(void)ret_profile;
	return refuse_to_read(name, err);
}

int profile_read_json(const struct json_value *value, const char *name,
		      struct arena *arena, const struct profile **ret_profile,
		      struct error *err)
{
	(void)value;
	(void)arena;
	(void)ret_profile;
	return refuse_to_read(name, err);
}

const struct json_value *profile_json(const struct profile *profile)
{
	(void)profile;
	return NULL;
}

const char *profile_name(const struct profile *profile)
{
	(void)profile;
	return "none";
}

bool profile_is(const struct profile *profile, const char *builtin)
{
	(void)profile;
	(void)builtin;
	return false;
}

const struct profile_setting *profile_settings(const struct profile *profile,
					       size_t *ret_count)
{
	(void)profile;
	*ret_count = 0;
	return NULL;
}

unsigned int profile_kernel(void)
{
	return 0;
}

int profile_compile(const struct profile *profile,
		    const struct profile_conditions *conditions, bool explains,
		    enum profile_backend backend, struct arena *arena,
		    struct seccomp_filter *ret_filter, const char *const **ret_warnings,
		    struct error *err)
{
	(void)profile;
	(void)conditions;
	(void)explains;
	(void)backend;
	(void)arena;
	(void)ret_filter;
	(void)ret_warnings;
	return policy_refuse("compile a policy", err);
}

const struct rules *profile_resolve(const struct profile *profile,
				    const struct profile_conditions *conditions,
				    struct arena *arena, struct error *err)
{
	(void)profile;
	(void)conditions;
	(void)arena;
	policy_refuse("resolve a policy", err);
	return NULL;
}

void rules_answer(const struct rules *rules, const struct seccomp_data *data,
		  struct verdict *ret_verdict)
{
	(void)rules;
	(void)data;
	*ret_verdict = (struct verdict){ .value = EPERM };
}

char *call_text(const struct seccomp_data *data, char *buffer, size_t size)
{
	(void)snprintf(buffer, size, "call %d", data->nr);
	return buffer;
}

uint64_t call_word(const struct seccomp_data *data)
{
	(void)data;
	return 0;
}

char *errno_text(int number, char *buffer, size_t size)
{
	(void)snprintf(buffer, size, "%d", number);
	return buffer;
}

int call_parse(const char *const *words, struct seccomp_data *ret_data, struct error *err)
{
	(void)words;
	(void)ret_data;
	return policy_refuse("read a system call", err);
}

bool call_is_known(const char *name)
{
	(void)name;
	return true;
}

/* ---- for `sbx policy` ---- */

const char *profile_list(const struct profile_places *places, struct arena *arena)
{
	(void)places;
	(void)arena;
	return "";
}

const char *profile_show(const struct profile *profile, struct arena *arena)
{
	(void)profile;
	(void)arena;
	return "";
}

const char *profile_builtin_text(const char *name)
{
	(void)name;
	return NULL;
}

const char *profile_lint(const struct profile *profile,
			 const struct profile_conditions *conditions, struct arena *arena,
			 struct error *err)
{
	(void)profile;
	(void)conditions;
	(void)arena;
	policy_refuse("check a policy", err);
	return NULL;
}

const char *profile_explain(const struct profile *profile,
			    const struct profile_conditions *conditions, const char *call,
			    struct arena *arena, struct error *err)
{
	(void)profile;
	(void)conditions;
	(void)call;
	(void)arena;
	policy_refuse("explain a policy", err);
	return NULL;
}

const char *profile_why(const struct profile *profile,
			const struct profile_conditions *conditions,
			const struct seccomp_data *data, struct arena *arena,
			struct error *err)
{
	(void)profile;
	(void)conditions;
	(void)data;
	(void)arena;
	policy_refuse("run a policy", err);
	return NULL;
}

const struct json_value *profile_for_gvisor(const struct profile *profile,
					    const struct profile_conditions *conditions,
					    struct arena *arena, unsigned int *ret_losses,
					    struct error *err)
{
	(void)profile;
	(void)conditions;
	(void)arena;
	(void)ret_losses;
	policy_refuse("hand a policy to gVisor", err);
	return NULL;
}

const char *profile_convert(const struct profile *profile,
			    const struct profile_conditions *conditions, const char *to,
			    struct arena *arena, struct error *err)
{
	(void)profile;
	(void)conditions;
	(void)to;
	(void)arena;
	policy_refuse("convert a policy", err);
	return NULL;
}

/* ---- learn.h ---- */

struct learned *learn_new(struct arena *arena)
{
	(void)arena;
	return NULL;
}

int learn_filter(struct learned *learned, struct seccomp_filter *filter,
		 struct error *err)
{
	(void)learned;
	(void)filter;
	return policy_refuse("learn a policy", err);
}

int learn_judge(const struct seccomp_program *base, const struct seccomp_data *data)
{
	(void)base;
	(void)data;
	return EPERM;
}

void learn_call(struct learned *learned, const struct seccomp_data *data, int errnum)
{
	(void)learned;
	(void)data;
	(void)errnum;
}

void learn_file(struct learned *learned, const char *path, bool writes)
{
	(void)learned;
	(void)path;
	(void)writes;
}

void learn_listing(struct learned *learned, const char *path)
{
	(void)learned;
	(void)path;
}

void learn_destination(struct learned *learned, const char *text)
{
	(void)learned;
	(void)text;
}

int learn_resume(struct learned *learned, const char *text, size_t length,
		 const char *name, struct error *err)
{
	(void)learned;
	(void)text;
	(void)length;
	return refuse_to_read(name, err);
}

const char *learn_policy(const struct learned *learned, const char *command,
			 struct arena *arena)
{
	(void)learned;
	(void)command;
	(void)arena;
	return "";
}

const char *learn_report(const struct learned *learned, const char *command, bool html,
			 struct arena *arena)
{
	(void)learned;
	(void)command;
	(void)html;
	(void)arena;
	return "";
}
