/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy.h"

#include "base/error.h"
#include "base/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define OOM_FILE "/proc/self/oom_score_adj"

enum { OOM_SCORE_ADJ_MIN = -1000, OOM_SCORE_ADJ_MAX = 1000 };

static const struct rlimit_row {
	const char *name;
	int resource;
} rows[] = {
	{ "RLIMIT_AS", RLIMIT_AS },
	{ "RLIMIT_CORE", RLIMIT_CORE },
	{ "RLIMIT_CPU", RLIMIT_CPU },
	{ "RLIMIT_DATA", RLIMIT_DATA },
	{ "RLIMIT_FSIZE", RLIMIT_FSIZE },
	{ "RLIMIT_LOCKS", RLIMIT_LOCKS },
	{ "RLIMIT_MEMLOCK", RLIMIT_MEMLOCK },
	{ "RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE },
	{ "RLIMIT_NICE", RLIMIT_NICE },
	{ "RLIMIT_NOFILE", RLIMIT_NOFILE },
	{ "RLIMIT_NPROC", RLIMIT_NPROC },
	{ "RLIMIT_RSS", RLIMIT_RSS },
	{ "RLIMIT_RTPRIO", RLIMIT_RTPRIO },
	{ "RLIMIT_RTTIME", RLIMIT_RTTIME },
	{ "RLIMIT_SIGPENDING", RLIMIT_SIGPENDING },
	{ "RLIMIT_STACK", RLIMIT_STACK },
};

/* What prlimit64 takes on every architecture; all bits set is no limit. */
struct limit_pair {
	uint64_t soft, hard;
};

enum { ROW_COUNT = sizeof(rows) / sizeof(rows[0]) };

int rlimit_by_name(const char *name)
{
	if (strncasecmp(name, "RLIMIT_", 7) == 0)
		name += 7;
	for (size_t i = 0; i < ROW_COUNT; i++) {
		if (strcasecmp(name, rows[i].name + 7) == 0)
			return rows[i].resource;
	}
	return -1;
}

const char *rlimit_name(int resource)
{
	for (size_t i = 0; i < ROW_COUNT; i++) {
		if (rows[i].resource == resource)
			return rows[i].name;
	}
	return NULL;
}

static int exchange_limit(int resource, const struct limit_pair *wanted,
			  struct limit_pair *ret_present)
{
	return (int)syscall(SYS_prlimit64, 0, resource, wanted, ret_present);
}

int rlimit_read(int resource, struct rlimit_entry *ret_entry)
{
	struct limit_pair present;

	if (exchange_limit(resource, NULL, &present) < 0)
		return -1;
	*ret_entry = (struct rlimit_entry){ resource, present.soft, present.hard };
	return 0;
}

/* A later entry for the same resource: this one must not even be tried. */
static bool is_overruled(const struct limits_spec *limits, size_t index)
{
	for (size_t i = index + 1; i < limits->rlimit_count; i++) {
		if (limits->rlimits[i].resource == limits->rlimits[index].resource)
			return true;
	}
	return false;
}

static int check_rlimit(const struct rlimit_entry *entry, struct error *err)
{
	const char *name = rlimit_name(entry->resource);
	struct limit_pair present;

	if (!name)
		return error_set(err, ERROR_LIMIT, "set resource limit %d: there is none",
				 entry->resource);
	if (entry->soft > entry->hard)
		return error_set(err, ERROR_LIMIT,
				 "set %s: the soft limit is above the hard one", name);
	if (exchange_limit(entry->resource, NULL, &present) < 0)
		return error_errno_id(err, ERROR_LIMIT, "read %s", name);
	if (entry->hard <= present.hard)
		return 0;
	error_set(err, ERROR_LIMIT, "set %s: the hard limit here is %llu", name,
		  (unsigned long long)present.hard);
	return error_hint(err, "ask for at most %llu", (unsigned long long)present.hard);
}

static int read_oom_score_adj(int *ret_value, struct error *err)
{
	char text[16];

	if (files_read(AT_FDCWD, OOM_FILE, text, sizeof(text) - 1) < 0)
		return error_errno_id(err, ERROR_LIMIT, "read " OOM_FILE);
	*ret_value = (int)strtol(text, NULL, 10);
	return 0;
}

static int check_oom_score_adj(int wanted, struct error *err)
{
	int present = 0;

	if (wanted < OOM_SCORE_ADJ_MIN || wanted > OOM_SCORE_ADJ_MAX)
		return error_set(err, ERROR_LIMIT,
				 "set oom_score_adj to %d: it goes from %d to %d", wanted,
				 OOM_SCORE_ADJ_MIN, OOM_SCORE_ADJ_MAX);
	if (read_oom_score_adj(&present, err) < 0)
		return -1;
	if (wanted >= present)
		return 0;
	error_set(err, ERROR_LIMIT,
		  "set oom_score_adj to %d: it is %d here and may only rise", wanted,
		  present);
	return error_hint(err, "ask for at least %d", present);
}

int limits_check(const struct limits_spec *limits, struct error *err)
{
	for (size_t i = 0; i < limits->rlimit_count; i++) {
		if (is_overruled(limits, i))
			continue;
		if (check_rlimit(&limits->rlimits[i], err) < 0)
			return -1;
	}
	if (!limits->has_oom_score_adj)
		return 0;
	return check_oom_score_adj(limits->oom_score_adj, err);
}

static int set_oom_score_adj(int value, struct error *err)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", value);
	if (files_write(AT_FDCWD, OOM_FILE, text) == 0)
		return 0;
	/* Only CAP_SYS_RESOURCE may lower it: said in words that tell the present one. */
	if (errno == EACCES)
		return check_oom_score_adj(value, err);
	return error_errno_id(err, ERROR_LIMIT, "write %s to " OOM_FILE, text);
}

int limits_weigh_oom(const struct limits_spec *limits, struct error *err)
{
	if (!limits->has_oom_score_adj)
		return 0;
	return set_oom_score_adj(limits->oom_score_adj, err);
}

static int refuse_to_raise(const char *name, uint64_t hard, struct error *err)
{
	const int errnum = errno;

	if (errnum != EPERM)
		return error_errno_id(err, ERROR_LIMIT, "set %s", name);
	error_set(err, ERROR_LIMIT, "set %s: the hard limit here is %llu", name,
		  (unsigned long long)hard);
	return error_hint(err, "ask for at most %llu", (unsigned long long)hard);
}

int limits_raise(const struct limits_spec *limits, struct error *err)
{
	for (size_t i = 0; i < limits->rlimit_count; i++) {
		const struct rlimit_entry *entry = &limits->rlimits[i];
		const char *name = rlimit_name(entry->resource);
		struct limit_pair pair, present;

		if (is_overruled(limits, i))
			continue;
		if (exchange_limit(entry->resource, NULL, &present) < 0)
			return error_errno_id(err, ERROR_LIMIT, "read %s", name);
		if (entry->hard <= present.hard)
			continue;
		pair = (struct limit_pair){ present.soft, entry->hard };
		if (exchange_limit(entry->resource, &pair, NULL) < 0)
			return refuse_to_raise(name, present.hard, err);
	}
	return 0;
}

int limits_apply(const struct limits_spec *limits, struct error *err)
{
	for (size_t i = 0; i < limits->rlimit_count; i++) {
		const struct rlimit_entry *entry = &limits->rlimits[i];
		const struct limit_pair limit = { entry->soft, entry->hard };

		if (is_overruled(limits, i))
			continue;
		if (exchange_limit(entry->resource, &limit, NULL) < 0)
			return error_errno_id(err, ERROR_LIMIT, "set %s",
					      rlimit_name(entry->resource));
	}
	return 0;
}

static uint64_t lower_of(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

int limits_lower(const struct rlimit_entry *entries, size_t count, struct error *err)
{
	for (size_t i = 0; i < count; i++) {
		const char *name = rlimit_name(entries[i].resource);
		struct limit_pair pair;

		if (exchange_limit(entries[i].resource, NULL, &pair) < 0)
			return error_errno_id(err, ERROR_LIMIT, "read %s", name);
		pair.hard = lower_of(pair.hard, entries[i].hard);
		pair.soft = lower_of(pair.soft, entries[i].soft);
		if (exchange_limit(entries[i].resource, &pair, NULL) < 0)
			return error_errno_id(err, ERROR_LIMIT, "set %s", name);
	}
	return 0;
}
