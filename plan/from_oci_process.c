/* SPDX-License-Identifier: Apache-2.0 */

/* The member "process" of a config.json. */

#include "plan/from_oci.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/text.h"
#include "plan/oci_spelling.h"
#include "plan/plan.h"

static int read_groups(struct oci_reader *reader, const struct json_value *user,
		       struct error *err)
{
	struct process_spec *process = &reader->plan->process;
	const struct json_value *array;
	uint32_t *groups;
	size_t count;

	if (oci_get_list(user, "additionalGids", &array, &count, err) < 0)
		return -1;
	if (!count)
		return 0;
	groups = arena_alloc_array(reader->arena, count, sizeof(*groups));
	for (size_t i = 0; i < count; i++) {
		if (json_want_u32(json_at(array, i), &groups[i], err) < 0)
			return -1;
	}
	process->groups = groups;
	process->group_count = count;
	return 0;
}

static int read_user(struct oci_reader *reader, const struct json_value *object,
		     struct error *err)
{
	struct process_spec *process = &reader->plan->process;
	const struct json_value *user = NULL;
	uint64_t umask = OCI_DEFAULT_MASK;

	if (json_get_object(object, "user", &user, err) < 0 ||
	    json_get_u32(user, "uid", &process->uid, err) < 0 ||
	    json_get_u32(user, "gid", &process->gid, err) < 0 ||
	    json_get_unsigned(user, "umask", 0777, &umask, err) < 0)
		return -1;
	process->umask = (mode_t)umask;
	return read_groups(reader, user, err);
}

static int read_args(struct oci_reader *reader, const struct json_value *object,
		     struct error *err)
{
	struct process_spec *process = &reader->plan->process;
	static const char *const none[] = { NULL };

	process->argv = none;
	return json_get_texts(object, "args", &process->argv, &process->argc, err) < 0
		       ? -1
		       : 0;
}

/* The list has two free places behind its NULL, for what is only known inside. */
static int read_env(struct oci_reader *reader, const struct json_value *object,
		    struct error *err)
{
	struct process_spec *process = &reader->plan->process;
	const char *const *texts = NULL;
	const char **env;
	size_t count = 0;

	if (json_get_texts(object, "env", &texts, &count, err) < 0)
		return -1;
	env = arena_alloc_array(reader->arena, count + 3, sizeof(*env));
	process->env_count = 0;
	for (size_t i = 0; i < count; i++) {
		const struct json_value *value = json_at(json_get(object, "env"), i);

		if (strchr(texts[i], '=') && texts[i][0] != '=')
			env[process->env_count++] = texts[i];
		else if (reader->container)
			oci_ignore(reader, value, "not of the form NAME=VALUE");
		else
			return json_complain(value, err, "not of the form NAME=VALUE");
	}
	process->env = env;
	return 0;
}

static int read_cwd(struct oci_reader *reader, const struct json_value *object,
		    struct error *err)
{
	const char *cwd = NULL;

	if (json_get_text(object, "cwd", &cwd, err) < 0)
		return -1;
	if (!cwd)
		return json_complain(object, err, "cwd is missing");
	if (cwd[0] != '/')
		return json_complain(json_get(object, "cwd"), err,
				     "not an absolute path");
	reader->plan->process.cwd = cwd;
	return 0;
}

/* ---- capabilities ------------------------------------------------------------------- */

/* CAP_41 is one that has no name here: a newer kernel's. */
uint64_t oci_capability(const char *word)
{
	int number;

	if (!text_starts_with(word, "CAP_"))
		return 0;
	if (text_to_int(word + 4, 0, 63, &number) == 0)
		return (uint64_t)1 << number;
	return strcmp(word, "CAP_ALL") != 0 ? caps_by_name(word) : 0;
}

static int read_capability_set(const struct json_value *sets, const char *key,
			       uint64_t *ret_bits, struct error *err)
{
	const struct json_value *array;
	size_t count;

	if (oci_get_list(sets, key, &array, &count, err) < 0)
		return -1;
	*ret_bits = 0;
	for (size_t i = 0; i < count; i++) {
		const char *word;
		uint64_t bit;

		if (json_want_text(json_at(array, i), &word, err) < 0)
			return -1;
		bit = oci_capability(word);
		if (!bit)
			return json_complain(json_at(array, i), err, "no capability");
		*ret_bits |= bit;
	}
	return 0;
}

/*
 * No new privileges are ever gained in a sandbox, so after execve(2) a process has at most
 * what was permitted before it (capabilities(7)): the permitted set is the one that
 * counts, and a bounding or inheritable set beyond it says nothing. What is ambient is
 * made inheritable, as some templates expect it.
 */
static int read_capabilities(struct oci_reader *reader, const struct json_value *object,
			     struct error *err)
{
	struct caps_spec *caps = &reader->plan->policy.caps;
	const struct json_value *sets = NULL;
	uint64_t bounding, permitted, effective, inheritable, ambient;

	if (json_get_object(object, "capabilities", &sets, err) < 0 ||
	    read_capability_set(sets, "bounding", &bounding, err) < 0 ||
	    read_capability_set(sets, "permitted", &permitted, err) < 0 ||
	    read_capability_set(sets, "effective", &effective, err) < 0 ||
	    read_capability_set(sets, "inheritable", &inheritable, err) < 0 ||
	    read_capability_set(sets, "ambient", &ambient, err) < 0)
		return -1;
	if (permitted & ~bounding)
		return json_complain(json_get(sets, "permitted"), err,
				     "more than the bounding set");
	if (effective & ~permitted)
		return json_complain(json_get(sets, "effective"), err,
				     "more than the permitted set");
	if (ambient & ~permitted)
		return json_complain(json_get(sets, "ambient"), err,
				     "more than the permitted set");
	*caps = (struct caps_spec){ .kept = permitted, .ambient = ambient };
	return 0;
}

/* ---- limits ------------------------------------------------------------------------- */

static int read_rlimit(const struct json_value *object, struct rlimit_entry *ret_entry,
		       struct error *err)
{
	const char *type = NULL;
	int soft, hard;

	if (json_want_kind(object, JSON_KIND_OBJECT, err) < 0 ||
	    json_get_text(object, "type", &type, err) < 0)
		return -1;
	ret_entry->resource =
		type && text_starts_with(type, "RLIMIT_") ? rlimit_by_name(type) : -1;
	if (ret_entry->resource < 0)
		return json_complain(object, err, "type is no resource limit");
	soft = json_get_unsigned(object, "soft", UINT64_MAX, &ret_entry->soft, err);
	if (soft < 0)
		return -1;
	hard = json_get_unsigned(object, "hard", UINT64_MAX, &ret_entry->hard, err);
	if (hard < 0)
		return -1;
	if (soft > 0 || hard > 0)
		return json_complain(object, err, "soft or hard is missing");
	if (ret_entry->soft > ret_entry->hard)
		return json_complain(object, err, "soft is above hard");
	return 0;
}

static bool is_limited(const struct rlimit_entry *entries, size_t count, int resource)
{
	for (size_t i = 0; i < count; i++) {
		if (entries[i].resource == resource)
			return true;
	}
	return false;
}

static int read_rlimits(struct oci_reader *reader, const struct json_value *object,
			struct error *err)
{
	struct limits_spec *limits = &reader->plan->policy.limits;
	const struct json_value *array;
	struct rlimit_entry *entries;
	size_t count;

	if (oci_get_list(object, "rlimits", &array, &count, err) < 0)
		return -1;
	if (!count)
		return 0;
	entries = arena_alloc_array(reader->arena, count, sizeof(*entries));
	for (size_t i = 0; i < count; i++) {
		const struct json_value *value = json_at(array, i);

		if (read_rlimit(value, &entries[i], err) < 0)
			return -1;
		if (reader->container && is_limited(entries, i, entries[i].resource))
			return json_complain(value, err, "a second limit of this type");
	}
	limits->rlimits = entries;
	limits->rlimit_count = count;
	return 0;
}

static int read_oom_score(struct oci_reader *reader, const struct json_value *object,
			  struct error *err)
{
	struct limits_spec *limits = &reader->plan->policy.limits;
	int64_t score = 0;
	int found = json_get_integer(object, "oomScoreAdj", -1000, 1000, &score, err);

	if (found < 0)
		return -1;
	limits->has_oom_score_adj = found == 0;
	limits->oom_score_adj = (int)score;
	return 0;
}

int oci_read_command(struct oci_reader *reader, const struct json_value *object,
		     struct error *err)
{
	bool no_new_privileges = false;

	if (json_get_bool(object, "terminal", &reader->plan->process.terminal, err) < 0 ||
	    json_get_bool(object, "noNewPrivileges", &no_new_privileges, err) < 0 ||
	    read_user(reader, object, err) < 0 || read_args(reader, object, err) < 0 ||
	    read_env(reader, object, err) < 0 || read_cwd(reader, object, err) < 0 ||
	    read_rlimits(reader, object, err) < 0)
		return -1;
	if (reader->container)
		reader->plan->policy.caps.may_gain = !no_new_privileges;
	return read_oom_score(reader, object, err);
}

int oci_read_process(struct oci_reader *reader, struct error *err)
{
	const struct json_value *object = NULL;
	int found = json_get_object(reader->document, "process", &object, err);

	if (found < 0)
		return -1;
	if (found > 0)
		return json_complain(reader->document, err, "process is missing");
	if (read_capabilities(reader, object, err) < 0)
		return -1;
	return oci_read_command(reader, object, err);
}
