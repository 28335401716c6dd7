/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The policy that a plan names, and what its sections say. [caps] and [limits] are options
 * in other words: they become lines of the list of what was given, below everything else
 * of the source that named the policy, so that any option beats them and `sbx config` can
 * say where a value came from. [landlock] has words that no option has, and is read here.
 */
#include "base/error.h"
#include "base/text.h"
#include "plan/internal.h"
#include "policy/profile.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- which policy ---- */

const struct profile_places *policy_places(struct draft *draft, const char *base)
{
	struct arena *arena = &draft->plan.arena;
	struct profile_places *places = arena_alloc(arena, sizeof(*places));
	const char **dirs = arena_alloc_array(arena, 3, sizeof(*dirs));
	const char *user = config_dir_of_user(draft);
	const char *home = getenv("HOME");
	size_t count = 0;

	if (user)
		dirs[count++] = arena_printf(arena, "%s/policies", user);
	dirs[count] = CONFIG_DIR_OF_SYSTEM "/policies";
	places->dirs = dirs;
	places->base = base;
	places->home = home && home[0] == '/' ? home : NULL;
	return places;
}

const struct profile_places *plan_policy_places(struct arena *arena)
{
	struct draft draft = { .caller = { .uid = geteuid(), .gid = getegid() } };
	const struct profile_places *places;

	draft.plan.arena = *arena;
	places = policy_places(&draft, NULL);
	*arena = draft.plan.arena;
	return places;
}

const struct given *find_given(const struct draft *draft, const char *name)
{
	const struct given *found = NULL;

	for (size_t i = 0; i < draft->given_count; i++) {
		const struct given *given = &draft->given[i];

		if (!strcmp(given->row->name, name) &&
		    (!found || given->level <= found->level))
			found = given;
	}
	return found;
}

/* A file is kept by its whole path: a config.json may be read from elsewhere. */
static const char *lasting_operand(struct draft *draft, const struct given *given,
				   struct error *err)
{
	if (!strchr(given->operand, '/'))
		return given->operand;
	return path_of_caller(draft, given->base, given->operand, err);
}

static int read_policy(struct draft *draft, const char *operand, const char *base,
		       struct error *err)
{
	struct policy_spec *policy = &draft->plan.policy;

	policy->operand = operand;
	policy->profile = NULL;
	if (!strcmp(operand, "none"))
		return 0;
	return profile_read(operand, policy_places(draft, base), &draft->plan.arena,
			    &policy->profile, err);
}

/* ---- its sections ---- */

/* Where the settings of one policy go while they are read. */
struct taker {
	struct draft *draft;
	const struct given *named_by; /* NULL: nobody, or a config.json */
	struct given *list;
	size_t count;
	bool keeps; /* a setting says what the command keeps */
};

static int complain(const struct profile_setting *setting, struct error *err)
{
	return error_within(err, "use the policy: %s:%u: %s", setting->file,
			    setting->line, setting->key);
}

/* setting as if the option stood in the policy's file. */
static void give(struct taker *taker, const struct profile_setting *setting,
		 const char *option, const char *operand)
{
	struct arena *arena = &taker->draft->plan.arena;
	struct given given = {
		.name = option,
		.operand = operand,
		.from = arena_printf(arena, "%s:%u", setting->file, setting->line),
	};
	bool negated;

	if (!taker->named_by)
		return;
	given.row = option_find(option, &negated);
	given.level = taker->named_by->level;
	taker->list = arena_grow(arena, taker->list, taker->count, sizeof(given));
	taker->list[taker->count++] = given;
}

static const char *with_commas(struct arena *arena, const char *words)
{
	char *copy = arena_strdup(arena, words);

	for (char *at = copy; *at; at++) {
		if (*at == ' ' || *at == '\t')
			*at = ',';
	}
	return copy;
}

/* The next word of a list by blanks or commas; NULL behind the last. */
static const char *next_word(struct arena *arena, const char **at)
{
	const char *start = *at + strspn(*at, " \t,");
	size_t length = strcspn(start, " \t,");

	*at = start + length;
	return length ? arena_strndup(arena, start, length) : NULL;
}

static bool is_none(const char *value)
{
	return !strcmp(value, "none");
}

static bool says_what_is_kept(const struct profile_setting *setting)
{
	return !strcmp(setting->key, "bounding") || !strcmp(setting->key, "keep");
}

/* The bounding set is all that the command ever has: the set that is kept. */
static int take_caps(struct taker *taker, const struct profile_setting *setting,
		     struct error *err)
{
	struct arena *arena = &taker->draft->plan.arena;

	if (says_what_is_kept(setting)) {
		give(taker, setting, "cap-drop", "ALL");
		if (!is_none(setting->value))
			give(taker, setting, "cap-add",
			     with_commas(arena, setting->value));
		return 0;
	}
	if (!strcmp(setting->key, "ambient")) {
		taker->draft->no_ambient = is_none(setting->value);
		/* Nothing is ambient that is not kept, and an ordinary user's is all of it. */
		if (!taker->draft->no_ambient && !taker->keeps)
			give(taker, setting, "cap-add",
			     with_commas(arena, setting->value));
		return 0;
	}
	if (strcmp(setting->value, "yes") == 0)
		return 0;
	error_set(err, ERROR_POLICY, "only yes can be had: it is always on");
	return complain(setting, err);
}

static int take_limit(struct taker *taker, const struct profile_setting *setting,
		      struct error *err)
{
	static const char *const own[] = { "memory", "memory-swap", "pids",   "cpus",
					   "cpuset", "io-weight",   "limits", NULL };
	bool negated;

	for (size_t i = 0; own[i]; i++) {
		if (strcmp(setting->key, own[i]) != 0)
			continue;
		if (!option_find(own[i], &negated)) {
			error_set(err, ERROR_POLICY, "not supported");
			return complain(setting, err);
		}
		give(taker, setting, own[i], setting->value);
		return 0;
	}
	give(taker, setting, "rlimit",
	     arena_printf(&taker->draft->plan.arena, "%s=%s", setting->key,
			  setting->value));
	return 0;
}

/* ---- [landlock] ---- */

static int take_scopes(struct taker *taker, const struct profile_setting *setting,
		       struct error *err)
{
	struct landlock_spec *landlock = &taker->draft->plan.policy.landlock;
	const char *at = setting->value, *word;

	landlock->scope_signal = landlock->scope_abstract_unix = false;
	taker->draft->scopes_given = true;
	while ((word = next_word(&taker->draft->plan.arena, &at)) != NULL) {
		if (!strcmp(word, "signal")) {
			landlock->scope_signal = true;
		} else if (!strcmp(word, "abstract-unix")) {
			landlock->scope_abstract_unix = true;
		} else if (!is_none(word)) {
			error_set(err, ERROR_POLICY,
				  "'%s' is none of signal, abstract-unix, none", word);
			return complain(setting, err);
		}
	}
	return 0;
}

static int take_ports(struct taker *taker, const struct profile_setting *setting,
		      const uint16_t **ret_ports, size_t *ret_count, struct error *err)
{
	struct arena *arena = &taker->draft->plan.arena;
	const char *at = setting->value, *word;
	uint16_t *ports = NULL;
	size_t count = 0;
	int port;

	while ((word = next_word(arena, &at)) != NULL) {
		if (is_none(word))
			continue;
		if (text_to_int(word, 0, UINT16_MAX, &port) < 0) {
			error_set(err, ERROR_POLICY, "'%s' is no port", word);
			return complain(setting, err);
		}
		ports = arena_grow(arena, ports, count, sizeof(*ports));
		ports[count++] = (uint16_t)port;
	}
	*ret_ports = ports;
	*ret_count = count;
	return 0;
}

static const char *without_escapes(struct arena *arena, const char *word)
{
	char *path = arena_strdup(arena, word);

	text_unescape(path);
	return path;
}

/*
 * A path of the sandbox; ${HOME} and ~/ are the caller's, PATH? may be missing, and \OOO
 * is a byte, as a blank in a list.
 */
static int take_paths(struct taker *taker, const struct profile_setting *setting,
		      struct error *err)
{
	struct landlock_spec *landlock = &taker->draft->plan.policy.landlock;
	struct arena *arena = &taker->draft->plan.arena;
	const char *home = getenv("HOME");
	const char *at = setting->value, *word;

	while ((word = next_word(arena, &at)) != NULL) {
		struct landlock_path path = { .writable = setting->key[1] == 'w',
					      .lists = setting->key[0] == 'l' };
		struct landlock_path *list;
		size_t length = strlen(word);
		const char *rest = text_starts_with(word, "${HOME}") ? word + 7
				   : text_starts_with(word, "~/")    ? word + 1
								     : NULL;

		if (word[length - 1] == '?') {
			path.optional = true;
			word = arena_strndup(arena, word, length - 1);
		}
		if (rest && home)
			word = arena_printf(arena, "%s%.*s", home,
					    (int)(strlen(rest) - path.optional), rest);
		path.path = without_escapes(arena, word);
		if (word[0] != '/') {
			error_set(err, ERROR_POLICY, "'%s' is not an absolute path",
				  word);
			return complain(setting, err);
		}
		list = arena_grow(arena, landlock->paths, landlock->path_count,
				  sizeof(path));
		list[landlock->path_count++] = path;
		landlock->paths = list;
	}
	return 0;
}

static int take_landlock(struct taker *taker, const struct profile_setting *setting,
			 struct error *err)
{
	struct landlock_spec *landlock = &taker->draft->plan.policy.landlock;

	if (!strcmp(setting->key, "mode"))
		give(taker, setting, "landlock", setting->value);
	else if (!strcmp(setting->key, "scope"))
		return take_scopes(taker, setting, err);
	else if (!strcmp(setting->key, "ro") || !strcmp(setting->key, "rw") ||
		 !strcmp(setting->key, "ls"))
		return take_paths(taker, setting, err);
	else if (!strcmp(setting->key, "tcp.connect")) {
		landlock->limits_connect = true;
		return take_ports(taker, setting, &landlock->connect_ports,
				  &landlock->connect_count, err);
	} else if (!strcmp(setting->key, "tcp.bind")) {
		landlock->limits_bind = true;
		return take_ports(taker, setting, &landlock->bind_ports,
				  &landlock->bind_count, err);
	}
	return 0;
}

static int take_setting(struct taker *taker, const struct profile_setting *setting,
			struct error *err)
{
	if (!strcmp(setting->section, "caps"))
		return take_caps(taker, setting, err);
	if (!strcmp(setting->section, "limits"))
		return take_limit(taker, setting, err);
	return take_landlock(taker, setting, err);
}

/* In front of the list: of one source what stands later holds. */
static void put_in_front(struct draft *draft, const struct taker *taker)
{
	struct given *list = arena_alloc_array(
		&draft->plan.arena, draft->given_count + taker->count, sizeof(*list));

	memcpy(list, taker->list, taker->count * sizeof(*list));
	memcpy(list + taker->count, draft->given, draft->given_count * sizeof(*list));
	draft->given = list;
	draft->given_count += taker->count;
}

/*
 * A config.json is whole: what its policy's sections said stands in it, but for what
 * [landlock] alone can say.
 */
static bool is_told_elsewhere(const struct taker *taker,
			      const struct profile_setting *setting)
{
	return !taker->named_by && (strcmp(setting->section, "landlock") != 0 ||
				    !strcmp(setting->key, "mode"));
}

static int take_settings(struct draft *draft, const struct given *named_by,
			 struct error *err)
{
	const struct profile *profile = draft->plan.policy.profile;
	struct taker taker = { .draft = draft, .named_by = named_by };
	size_t count = 0;
	const struct profile_setting *settings =
		profile ? profile_settings(profile, &count) : NULL;

	for (size_t i = 0; i < count; i++)
		taker.keeps |= says_what_is_kept(&settings[i]);
	for (size_t i = 0; i < count; i++) {
		if (!is_told_elsewhere(&taker, &settings[i]) &&
		    take_setting(&taker, &settings[i], err) < 0)
			return -1;
	}
	if (taker.count)
		put_in_front(draft, &taker);
	return 0;
}

static int read_named(struct draft *draft, const struct given *given, struct error *err)
{
	const char *operand = lasting_operand(draft, given, err);

	if (!operand || read_policy(draft, operand, given->base, err) < 0)
		return error_within(err, "use --policy");
	return take_settings(draft, given, err);
}

/* gVisor's kernel needs none; the host's, to which an option goes back, has the default. */
static const char *policy_of_config(const struct draft *draft)
{
	const struct given *runtime = find_given(draft, "runtime");
	const char *operand = draft->plan.policy.operand;

	if (draft->plan.runtime.kind == RUNTIME_RUNSC && runtime &&
	    !strcmp(runtime->operand, "native") && operand && !strcmp(operand, "none"))
		return "default";
	return operand;
}

int read_policy_of(struct draft *draft, struct error *err)
{
	const struct given *given = find_given(draft, "policy");
	const char *of_config = policy_of_config(draft);

	if (given)
		return read_named(draft, given, err);
	if (of_config && (read_policy(draft, of_config, NULL, err) < 0 ||
			  take_settings(draft, NULL, err) < 0))
		return error_within(err, "use the policy of --config");
	if (of_config || draft->from_config || !policy_is_built_in())
		return 0;
	return read_policy(draft, "default", NULL, err);
}
