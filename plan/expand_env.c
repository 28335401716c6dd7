/* SPDX-License-Identifier: Apache-2.0 */
/* The command's environment: a clean one, and what was asked for. */
#include "base/error.h"
#include "base/failpoint.h"
#include "base/fd.h"
#include "base/files.h"
#include "base/text.h"
#include "plan/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CLEAN_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

enum {
	ENV_FILE_MAX = 1024 * 1024,
	FREE_PLACES = 4, /* for HOME, USER and PWD, which may become known inside */
};

struct env_list {
	struct arena *arena;
	const char **entries;
	size_t count;
};

static size_t name_length(const char *entry)
{
	return strcspn(entry, "=");
}

/* "K=V"; an entry of the same name gives way. */
static void put(struct env_list *list, const char *entry)
{
	size_t length = name_length(entry);

	for (size_t i = 0; i < list->count; i++) {
		if (name_length(list->entries[i]) == length &&
		    !strncmp(list->entries[i], entry, length)) {
			list->entries[i] = entry;
			return;
		}
	}
	list->entries = arena_grow(list->arena, list->entries, list->count,
				   sizeof(*list->entries));
	list->entries[list->count++] = entry;
}

static void put_pair(struct env_list *list, const char *name, const char *value)
{
	put(list, arena_printf(list->arena, "%s=%s", name, value));
}

/* ---- the clean environment ---- */

static void put_host_home(struct env_list *list, const struct account *account,
			  bool private_home)
{
	const char *home = getenv("HOME");

	if (account)
		home = account->home;
	/* Where nothing can be mounted it is a private directory, made at the start. */
	if (!private_home)
		put_pair(list, "HOME", home && *home ? home : "/");
	if (account)
		put_pair(list, "USER", account->name);
}

/* On the host's own root the accounts are the host's, whatever id is seen inside. */
static int put_home(struct draft *draft, struct env_list *list, struct error *err)
{
	const bool private_home = draft->plan.policy.landlock.whole;
	struct account other;
	int found;

	if (draft->plan.rootfs.kind != ROOT_HOST) {
		draft->plan.process.env_home = true;
		return 0;
	}
	if (draft->plan.process.uid == draft->caller.uid) {
		found = caller_account(draft, err);
		if (found >= 0)
			put_host_home(list, found == 0 ? &draft->caller.account : NULL,
				      private_home);
		return found < 0 ? -1 : 0;
	}
	found = account_by_uid(-1, draft->plan.process.uid, &other, err);
	if (found >= 0)
		put_host_home(list, found == 0 ? &other : NULL, private_home);
	return found < 0 ? -1 : 0;
}

/* Whatever the caller has, and whoever that is. */
static void put_pure(struct draft *draft, struct env_list *list)
{
	const char *const *variables = pure_environment(draft);

	for (size_t i = 0; variables[i]; i++)
		put(list, variables[i]);
	draft->plan.process.env_home = draft->plan.rootfs.kind != ROOT_HOST;
}

static int put_clean(struct draft *draft, struct env_list *list, struct error *err)
{
	const char *term = getenv("TERM"), *lang = getenv("LANG");

	put(list, "PATH=" CLEAN_PATH);
	if (draft->pure) {
		put_pure(draft, list);
		return 0;
	}
	if (put_home(draft, list, err) < 0)
		return -1;
	put_pair(list, "TERM", term && *term ? term : "dumb");
	put_pair(list, "LANG", lang && *lang ? lang : "C.UTF-8");
	return 0;
}

/* What the image says, where it says anything that is a variable. */
static void put_image(const struct draft *draft, struct env_list *list)
{
	const char *const *env = draft->plan.image.config.env;

	for (size_t i = 0; env && env[i]; i++) {
		if (env[i][0] != '=' && strchr(env[i], '='))
			put(list, env[i]);
	}
}

/* ---- root emulation ---- */

static void put_missing(struct env_list *list, const char *entry)
{
	size_t length = name_length(entry) + 1;

	for (size_t i = 0; i < list->count; i++) {
		if (!strncmp(list->entries[i], entry, length))
			return;
	}
	put(list, entry);
}

static void put_emulation(const struct draft *draft, struct env_list *list)
{
	if (!draft->plan.policy.emulate_root)
		return;
	put_missing(list, EMULATION_VARIABLE "=1");
	put_missing(list, EMULATION_APT "=" EMULATION_APT_CONF);
}

/* What a config.json says, but for an emulation that an option switched off. */
static void put_configured(const struct draft *draft, struct env_list *list)
{
	const struct process_spec *process = &draft->plan.process;

	for (size_t i = 0; i < process->env_count; i++) {
		if (draft->plan.policy.emulate_root || !emulation_set(process->env[i]))
			put(list, process->env[i]);
	}
}

/* ---- what was asked for ---- */

static bool is_kept(const struct draft *draft, const char *name)
{
	if (protection_is_off("environment"))
		return true;
	for (size_t i = 0; i < draft->keep_env.count; i++) {
		if (text_matches(name, draft->keep_env.texts[i]))
			return true;
	}
	return false;
}

static void put_kept(struct draft *draft, struct env_list *list)
{
	extern char **environ;

	if (!draft->keep_env.count && !protection_is_off("environment"))
		return;
	for (size_t i = 0; environ[i]; i++) {
		size_t length = name_length(environ[i]);
		const char *name;

		if (length == 0 || !environ[i][length])
			continue;
		name = arena_strndup(list->arena, environ[i], length);
		/* The caller's PATH says nothing about another root. */
		if (!strcmp(name, "PATH") && draft->plan.rootfs.kind != ROOT_HOST)
			continue;
		if (is_kept(draft, name))
			put(list, environ[i]);
	}
}

/* NAME=VALUE, or NAME: the caller's value, where there is one. */
static void put_option(struct env_list *list, const char *text)
{
	const char *value;

	if (text[name_length(text)]) {
		put(list, text);
		return;
	}
	value = getenv(text);
	if (value)
		put_pair(list, text, value);
}

static int put_file_text(struct env_list *list, char *text, size_t length,
			 const char *path, struct error *err)
{
	unsigned int number = 1;

	for (char *line = text; line < text + length; number++) {
		char *end = memchr(line, '\n', (size_t)(text + length - line));

		if (!end)
			end = text + length;
		*end = '\0';
		if (end > line && end[-1] == '\r')
			end[-1] = '\0';
		if (line[0] == '=' || strlen(line) + 1 < (size_t)(end - line))
			return error_set(err, ERROR_CONFIG,
					 "use --env-file: %s:%u is not NAME=VALUE", path,
					 number);
		if (line[0] && line[0] != '#')
			put_option(list, line);
		line = end + 1;
	}
	return 0;
}

static int put_file(struct env_list *list, const char *path, struct error *err)
{
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	size_t length;
	char *text;

	if (fd < 0)
		return path_explain("use --env-file", path, errno, ERROR_SOURCE_MISSING,
				    err);
	text = files_read_all(list->arena, fd, ENV_FILE_MAX, &length);
	if (!text)
		return error_errno_id(err, ERROR_CONFIG, "read %s", path);
	return put_file_text(list, text, length, path, err);
}

static int put_asked(struct draft *draft, struct env_list *list, struct error *err)
{
	put_kept(draft, list);
	if (draft->tz)
		put_pair(list, "TZ", draft->tz);
	for (size_t i = 0; i < draft->env_files.count; i++) {
		if (put_file(list, draft->env_files.texts[i], err) < 0)
			return -1;
	}
	for (size_t i = 0; i < draft->env.count; i++)
		put_option(list, draft->env.texts[i]);
	return 0;
}

int expand_env(struct draft *draft, struct error *err)
{
	struct process_spec *process = &draft->plan.process;
	struct env_list list = { .arena = &draft->plan.arena };
	const char **env;

	if (draft->from_config)
		put_configured(draft, &list);
	else if (put_clean(draft, &list, err) < 0)
		return -1;
	else
		put_image(draft, &list);
	put_emulation(draft, &list);
	if (put_asked(draft, &list, err) < 0)
		return -1;
	env = arena_alloc_array(list.arena, list.count + 1 + FREE_PLACES, sizeof(*env));
	if (list.count)
		memcpy(env, list.entries, list.count * sizeof(*env));
	process->env = env;
	process->env_count = list.count;
	return 0;
}
