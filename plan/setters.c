/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The setters of the option table: one option's text into the draft. On failure the text
 * says only what is wrong with the operand; the caller puts the option's name in front.
 */
#include "base/error.h"
#include "base/text.h"
#include "plan/internal.h"

#include <ctype.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

static void *field_of(struct draft *draft, const struct given *given)
{
	return (char *)draft + given->row->field;
}

static int refuse(struct error *err, const char *what, const char *operand)
{
	return error_set(err, ERROR_USAGE, "'%s' is %s", operand, what);
}

int set_nothing(struct draft *draft, const struct given *given, struct error *err)
{
	(void)draft;
	(void)given;
	(void)err;
	return 0;
}

int set_text(struct draft *draft, const struct given *given, struct error *err)
{
	(void)err;
	*(const char **)field_of(draft, given) = given->operand;
	return 0;
}

int set_path(struct draft *draft, const struct given *given, struct error *err)
{
	const char *path = path_of_caller(draft, given->base, given->operand, err);

	if (!path)
		return -1;
	*(const char **)field_of(draft, given) = path;
	return 0;
}

/* "-" is no file: what was given to sbx itself. */
int set_log(struct draft *draft, const struct given *given, struct error *err)
{
	if (strcmp(given->operand, "-") != 0)
		return set_path(draft, given, err);
	draft->plan.life.log = given->operand;
	return 0;
}

int set_flag(struct draft *draft, const struct given *given, struct error *err)
{
	(void)err;
	*(bool *)field_of(draft, given) = !given->negated;
	return 0;
}

int set_init(struct draft *draft, const struct given *given, struct error *err)
{
	(void)err;
	draft->plan.process.no_init = given->negated;
	return 0;
}

int set_help(struct draft *draft, const struct given *given, struct error *err)
{
	(void)err;
	draft->plan.life.help = given->operand ? given->operand : "";
	return 0;
}

int set_size(struct draft *draft, const struct given *given, struct error *err)
{
	uint64_t bytes;

	if (text_to_size(given->operand, &bytes) < 0 || bytes == 0)
		return refuse(err, "not a size (such as 64M or 2G)", given->operand);
	*(uint64_t *)field_of(draft, given) = bytes;
	return 0;
}

int set_duration(struct draft *draft, const struct given *given, struct error *err)
{
	if (text_to_duration_ms(given->operand, field_of(draft, given)) < 0)
		return refuse(err, "not a time (such as 30s, 5m or 1h30m)",
			      given->operand);
	return 0;
}

static int refuse_choice(const struct given *given, struct error *err)
{
	const char *const *choices = given->row->choices;
	const char *nearest = text_nearest(given->operand, choices);
	char list[120] = "";

	for (size_t i = 0; choices[i]; i++)
		snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s%s",
			 i ? ", " : "", choices[i]);
	error_set(err, ERROR_USAGE, "'%s' is none of %s", given->operand, list);
	if (nearest)
		error_hint(err, "%s%s %s", given->level == LEVEL_COMMAND_LINE ? "--" : "",
			   given->name, nearest);
	return -1;
}

int set_choice(struct draft *draft, const struct given *given, struct error *err)
{
	const char *const *choices = given->row->choices;

	for (size_t i = 0; choices[i]; i++) {
		if (!strcmp(choices[i], given->operand)) {
			*(int *)field_of(draft, given) = (int)i + 1;
			return 0;
		}
	}
	return refuse_choice(given, err);
}

int set_tty(struct draft *draft, const struct given *given, struct error *err)
{
	if (given->operand)
		return set_choice(draft, given, err);
	draft->tty = given->negated ? TTY_OFF : TTY_ON;
	return 0;
}

int set_descriptor(struct draft *draft, const struct given *given, struct error *err)
{
	if (text_to_int(given->operand, 0, INT_MAX, field_of(draft, given)) < 0)
		return refuse(err, "not the number of a descriptor", given->operand);
	return 0;
}

int add_keep_fd(struct draft *draft, const struct given *given, struct error *err)
{
	int fd;

	if (text_to_int(given->operand, 0, INT_MAX, &fd) < 0)
		return refuse(err, "not the number of a descriptor", given->operand);
	draft->keep_fds = arena_grow(&draft->plan.arena, draft->keep_fds,
				     draft->keep_fd_count, sizeof(*draft->keep_fds));
	draft->keep_fds[draft->keep_fd_count++] = fd;
	return 0;
}

enum {
	PRESERVE_FDS_MAX =
		4096 /* far more than a start would hand on, and cheap to check */
};

int set_preserve_fds(struct draft *draft, const struct given *given, struct error *err)
{
	if (text_to_int(given->operand, 0, PRESERVE_FDS_MAX, &draft->preserve_fds) < 0)
		return refuse(err, "not a count of descriptors", given->operand);
	return 0;
}

int set_stats(struct draft *draft, const struct given *given, struct error *err)
{
	struct life_spec *life = &draft->plan.life;

	life->stats = !given->negated;
	life->stats_file = NULL;
	if (!given->operand)
		return 0;
	life->stats_file = path_of_caller(draft, given->base, given->operand, err);
	return life->stats_file ? 0 : -1;
}

int set_workdir(struct draft *draft, const struct given *given, struct error *err)
{
	if (given->operand[0] != '/')
		return refuse(err, "not an absolute path", given->operand);
	draft->workdir = path_clean(&draft->plan.arena, given->operand);
	return 0;
}

/* Operands of --root that are no path of a file. */
static bool names_no_path(const char *text)
{
	static const char *const words[] = {
		"docker://", "docker-daemon:", "containers-storage:",
		"https://",  "http://",        "ftp://",
		NULL
	};

	for (size_t i = 0; words[i]; i++) {
		if (text_starts_with(text, words[i]))
			return true;
	}
	return !strcmp(text, "host") || !strcmp(text, "-");
}

/* What stands before the path of an image: 0, or the length of "oci:" … */
static size_t scheme_length(const char *text)
{
	static const char *const schemes[] = { "oci:", "oci-archive:", "docker-archive:",
					       NULL };

	for (size_t i = 0; schemes[i]; i++) {
		if (text_starts_with(text, schemes[i]))
			return strlen(schemes[i]);
	}
	return 0;
}

int set_root(struct draft *draft, const struct given *given, struct error *err)
{
	const size_t length = scheme_length(given->operand);
	const char *path;

	if (names_no_path(given->operand))
		return set_text(draft, given, err);
	if (length == 0)
		return set_path(draft, given, err);
	path = path_of_caller(draft, given->base, given->operand + length, err);
	if (!path)
		return -1;
	draft->root = arena_printf(&draft->plan.arena, "%.*s%s", (int)length,
				   given->operand, path);
	return 0;
}

static bool is_host_name(const char *text)
{
	if (strlen(text) > 64 || text[0] == '-' || text[0] == '.')
		return false;
	for (; *text; text++) {
		if (!isalnum((unsigned char)*text) && !strchr("-._", *text))
			return false;
	}
	return true;
}

int set_hostname(struct draft *draft, const struct given *given, struct error *err)
{
	if (!is_host_name(given->operand))
		return refuse(
			err,
			"not a host name (at most 64 letters, digits, '-', '.', '_')",
			given->operand);
	draft->plan.namespaces.hostname_optional = false;
	return set_text(draft, given, err);
}

int set_name(struct draft *draft, const struct given *given, struct error *err)
{
	if (!is_host_name(given->operand) || given->operand[0] == '_')
		return refuse(err,
			      "not a name (at most 64 letters, digits, '-', '.', '_')",
			      given->operand);
	return set_text(draft, given, err);
}

int set_stop_signal(struct draft *draft, const struct given *given, struct error *err)
{
	int number = signal_by_name(given->operand);

	if (number < 0)
		return refuse(err, "not a signal (such as TERM, SIGINT or 15)",
			      given->operand);
	draft->plan.process.stop_signal = number;
	return 0;
}

int set_oom_score_adj(struct draft *draft, const struct given *given, struct error *err)
{
	struct limits_spec *limits = &draft->plan.policy.limits;

	if (text_to_int(given->operand, -1000, 1000, &limits->oom_score_adj) < 0)
		return refuse(err, "not a number from -1000 to 1000", given->operand);
	limits->has_oom_score_adj = true;
	return 0;
}

static void add_to(struct draft *draft, struct text_list *list, const char *text)
{
	list->texts = arena_grow(&draft->plan.arena, list->texts, list->count,
				 sizeof(*list->texts));
	list->texts[list->count++] = text;
}

int add_text(struct draft *draft, const struct given *given, struct error *err)
{
	(void)err;
	add_to(draft, field_of(draft, given), given->operand);
	return 0;
}

int add_path(struct draft *draft, const struct given *given, struct error *err)
{
	const char *path = path_of_caller(draft, given->base, given->operand, err);

	if (!path)
		return -1;
	add_to(draft, field_of(draft, given), path);
	return 0;
}

int add_env(struct draft *draft, const struct given *given, struct error *err)
{
	if (given->operand[0] == '=')
		return refuse(err, "without a name", given->operand);
	add_to(draft, &draft->env, given->operand);
	return 0;
}

int add_keep_env(struct draft *draft, const struct given *given, struct error *err)
{
	(void)err;
	add_to(draft, &draft->keep_env, given->operand ? given->operand : "*");
	return 0;
}

int add_sysctl(struct draft *draft, const struct given *given, struct error *err)
{
	struct arena *arena = &draft->plan.arena;
	const char *equals = strchr(given->operand, '=');
	struct key_value *list;

	if (!equals || equals == given->operand)
		return refuse(err, "not NAME=VALUE", given->operand);
	list = arena_grow(arena, draft->sysctls, draft->sysctl_count, sizeof(*list));
	list[draft->sysctl_count].key =
		arena_strndup(arena, given->operand, (size_t)(equals - given->operand));
	list[draft->sysctl_count++].value = equals + 1;
	draft->sysctls = list;
	return 0;
}

/* Calls take for each part of a list with commas. */
static int each_part(struct draft *draft, const char *list, bool flag,
		     int (*take)(struct draft *, const char *, bool, struct error *),
		     struct error *err)
{
	for (;;) {
		size_t length = strcspn(list, ",");
		const char *part = arena_strndup(&draft->plan.arena, list, length);

		if (take(draft, part, flag, err) < 0)
			return -1;
		if (!list[length])
			return 0;
		list += length + 1;
	}
}

static int change_cap(struct draft *draft, const char *name, bool add, struct error *err)
{
	uint64_t bits = caps_by_name(name);
	struct cap_change *list;

	if (!bits)
		return error_set(err, ERROR_CAPABILITIES,
				 "'%s' is not a capability, nor a set of them", name);
	list = arena_grow(&draft->plan.arena, draft->caps, draft->cap_count,
			  sizeof(*list));
	list[draft->cap_count++] = (struct cap_change){ add, bits };
	draft->caps = list;
	return 0;
}

int add_cap(struct draft *draft, const struct given *given, struct error *err)
{
	return each_part(draft, given->operand, true, change_cap, err);
}

int drop_cap(struct draft *draft, const struct given *given, struct error *err)
{
	return each_part(draft, given->operand, false, change_cap, err);
}

/* "require(6)": with the ABI that has to be there at least. */
int set_landlock(struct draft *draft, const struct given *given, struct error *err)
{
	static const char *const words[] = { "off", "auto", "require", NULL };
	struct landlock_spec *landlock = &draft->plan.policy.landlock;
	const char *text = given->operand;
	char number[8];
	size_t length = strlen(text);

	for (int i = 0; words[i]; i++) {
		if (strcmp(words[i], text) != 0)
			continue;
		landlock->mode = (enum landlock_mode)i;
		landlock->least_abi = 0;
		draft->landlock = i + 1;
		return 0;
	}
	if (!text_starts_with(text, "require(") || text[length - 1] != ')' ||
	    length - 9 >= sizeof(number))
		return refuse(err, "none of auto, off, require, require(N)", text);
	memcpy(number, text + 8, length - 9);
	number[length - 9] = '\0';
	if (text_to_int(number, 1, 1000, &landlock->least_abi) < 0)
		return refuse(err, "none of auto, off, require, require(N)", text);
	landlock->mode = LANDLOCK_REQUIRE;
	draft->landlock = LANDLOCK_REQUIRE + 1;
	return 0;
}

static int read_limit(const char *text, uint64_t *ret_value)
{
	if (!strcmp(text, "unlimited") || !strcmp(text, "-1")) {
		*ret_value = UINT64_MAX;
		return 0;
	}
	return text_to_u64(text, 10, ret_value);
}

int add_rlimit(struct draft *draft, const struct given *given, struct error *err)
{
	struct rlimit_entry entry, *list;
	char text[128], *soft, *hard;

	if (text_copy(text, sizeof(text), given->operand) < 0)
		return refuse(err, "too long", given->operand);
	soft = strchr(text, '=');
	if (!soft)
		return refuse(err, "not NAME=SOFT[:HARD]", given->operand);
	*soft++ = '\0';
	hard = strchr(soft, ':');
	if (hard)
		*hard++ = '\0';
	entry.resource = rlimit_by_name(text);
	if (entry.resource < 0)
		return refuse(err, "not a resource limit (such as nofile, nproc, core)",
			      text);
	if (read_limit(soft, &entry.soft) < 0 ||
	    read_limit(hard ? hard : soft, &entry.hard) < 0)
		return refuse(err, "not NAME=SOFT[:HARD] with numbers or 'unlimited'",
			      given->operand);
	if (entry.soft > entry.hard)
		return error_set(err, ERROR_LIMIT,
				 "the soft limit is above the hard one");
	list = arena_grow(&draft->plan.arena, draft->rlimits, draft->rlimit_count,
			  sizeof(*list));
	list[draft->rlimit_count++] = entry;
	draft->rlimits = list;
	return 0;
}

static const char *const map_words[] = { "auto", "single", "subuid", "keep-id", NULL };

static int add_range(struct draft *draft, struct id_range **list, size_t *count,
		     const struct id_range *range, struct error *err)
{
	if (*count == ID_RANGES_MAX)
		return error_set(err, ERROR_IDS, "more than %d ranges", ID_RANGES_MAX);
	*list = arena_grow(&draft->plan.arena, *list, *count, sizeof(**list));
	(*list)[(*count)++] = *range;
	return 0;
}

/* INSIDE:OUTSIDE:COUNT */
static int read_range(const char *text, struct id_range *ret_range)
{
	char copy[64], *outside, *count;

	if (text_copy(copy, sizeof(copy), text) < 0)
		return -1;
	outside = strchr(copy, ':');
	if (!outside)
		return -1;
	*outside++ = '\0';
	count = strchr(outside, ':');
	if (!count)
		return -1;
	*count++ = '\0';
	if (text_to_u32(copy, &ret_range->inside) < 0 ||
	    text_to_u32(outside, &ret_range->outside) < 0 ||
	    text_to_u32(count, &ret_range->count) < 0)
		return -1;
	return 0;
}

int add_map(struct draft *draft, const struct given *given, struct error *err)
{
	const char *text = given->operand;
	bool users = !text_starts_with(text, "g:");
	bool groups = !text_starts_with(text, "u:");
	struct id_range range;

	if (draft->map != MAP_TRIPLES)
		draft->map_uid_count = draft->map_gid_count = 0;
	for (int i = 0; map_words[i]; i++) {
		if (!strcmp(map_words[i], text)) {
			draft->map = (enum map_choice)(MAP_AUTO + i);
			return 0;
		}
	}
	if (read_range(users && groups ? text : text + 2, &range) < 0)
		return refuse(
			err,
			"none of auto, single, subuid, keep-id, INSIDE:OUTSIDE:COUNT",
			text);
	draft->map = MAP_TRIPLES;
	if (users &&
	    add_range(draft, &draft->map_uids, &draft->map_uid_count, &range, err) < 0)
		return -1;
	if (groups &&
	    add_range(draft, &draft->map_gids, &draft->map_gid_count, &range, err) < 0)
		return -1;
	return 0;
}

static const char *const share_words[] = { "net", "ipc", "pid", "uts", "cgroup", NULL };

static int refuse_kind(const char *kind, struct error *err)
{
	const char *nearest = text_nearest(kind, share_words);

	if (!strcmp(kind, "user") || !strcmp(kind, "mnt") || !strcmp(kind, "mount"))
		return error_set(err, ERROR_USAGE,
				 "the %s namespace is what keeps the sandbox apart",
				 kind);
	error_set(err, ERROR_USAGE, "'%s' is none of net, ipc, pid, uts, cgroup", kind);
	if (nearest)
		error_hint(err, "--share %s", nearest);
	return -1;
}

static int share_kind(struct draft *draft, const char *name, bool flag, struct error *err)
{
	for (size_t i = 0; share_words[i]; i++) {
		if (!strcmp(share_words[i], name)) {
			draft->plan.namespaces.kinds[ns_by_name(name)] =
				(struct ns_choice){ NS_SHARED, NULL };
			return 0;
		}
	}
	(void)flag;
	return refuse_kind(name, err);
}

int share_namespace(struct draft *draft, const struct given *given, struct error *err)
{
	struct ns_choice *net = &draft->plan.namespaces.kinds[NS_NET];
	const struct ns_choice before = *net;
	int result;

	*net = (struct ns_choice){ NS_PRIVATE, NULL };
	result = each_part(draft, given->operand, false, share_kind, err);
	if (net->mode == NS_PRIVATE)
		*net = before;
	else
		draft->net.shared = given;
	return result;
}

int join_namespace(struct draft *draft, const struct given *given, struct error *err)
{
	const char *colon = strchr(given->operand, ':');
	struct ns_choice choice = { NS_JOINED, NULL };
	enum ns_kind kind;
	const char *name;

	if (!colon || !colon[1])
		return refuse(err, "not KIND:PATH (such as net:/proc/4711/ns/net)",
			      given->operand);
	name = arena_strndup(&draft->plan.arena, given->operand,
			     (size_t)(colon - given->operand));
	kind = ns_by_name(name);
	if (kind == NS_MOUNT)
		return error_set(
			err, ERROR_NAMESPACE,
			"a mnt namespace cannot be joined: the sandbox has its own");
	if (kind == NS_COUNT || kind == NS_TIME)
		return refuse(err, "none of user, net, ipc, uts, pid, cgroup", name);
	choice.path = path_of_caller(draft, given->base, colon + 1, err);
	if (!choice.path)
		return -1;
	draft->plan.namespaces.kinds[kind] = choice;
	if (kind == NS_NET)
		draft->net.shared = given;
	return 0;
}
