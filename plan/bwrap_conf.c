/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an administrator and a user add to the sandboxes that other programs ask for: lines
 * of a profile (sbx-run(1)) that make them smaller or fill them, but never contradict what
 * was asked for. The callers cannot be told, so nothing that cannot hold is passed over.
 */
#include "base/error.h"
#include "base/fd.h"
#include "base/text.h"
#include "plan/bwrap.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SYSTEM_FILE   "/etc/sbx/bwrap.conf"
#define USER_DIR      "/.config/sbx"
#define VARIABLE_NAME "SBX_BWRAP_OPTIONS"

/* All others say what a sandbox is, and the caller has said that. */
static const char *const allowed[] = {
	"rlimit",   "oom-score-adj", "mask",    "ro",       "tmpfs",   "env",  "env-file",
	"keep-env", "cap-drop",      "seccomp", "hostname", "profile", "pool", NULL
};

/* The text is a whole one here: nobody puts "cannot" in front of it. */
static int complete(struct error *err)
{
	char text[sizeof(err->text)];
	const char *verb = "use ";

	memcpy(text, err->text, sizeof(text));
	err->text[0] = '\0';
	if (text_starts_with(text, verb)) {
		text_copy(err->text, sizeof(err->text), text + strlen(verb));
		return -1;
	}
	text_copy(err->text, sizeof(err->text), "cannot ");
	text_copy(err->text + strlen(err->text), sizeof(err->text) - strlen(err->text),
		  text);
	return -1;
}

/* ---- what there is ---- */

/* Without quotes: a profile's lines are there for operands with blanks. */
static const char *const *split_words(struct arena *arena, const char *text)
{
	const char **words = NULL;
	size_t count = 0;

	for (;;) {
		size_t length;

		text += strspn(text, " \t\n");
		length = strcspn(text, " \t\n");
		words = arena_grow(arena, words, count, sizeof(*words));
		words[count] = NULL;
		if (!length)
			return words;
		words[count++] = arena_strndup(arena, text, length);
		text += length;
	}
}

static int gather_variable_words(struct gatherer *gatherer, const char *text,
				 struct error *err)
{
	struct draft *draft = gatherer->draft;
	const char *const *words = split_words(&draft->plan.arena, text);

	if (gather_words(gatherer, words, err) < 0) {
		complete(err);
		return error_within(err, VARIABLE_NAME);
	}
	if (draft->command[0])
		return error_set(err, ERROR_CONFIG, VARIABLE_NAME ": %s is no option",
				 draft->command[0]);
	for (size_t i = 0; i < gatherer->count; i++) {
		gatherer->given[i].level = LEVEL_PROFILE;
		gatherer->given[i].from = VARIABLE_NAME;
	}
	return gather_named(gatherer, err) < 0 ? complete(err) : 0;
}

/* Words as of a command line, or lines as of a profile. */
static int gather_variable(struct gatherer *gatherer, struct error *err)
{
	const char *text = getenv(VARIABLE_NAME);
	char *lines;

	if (!text)
		return 0;
	if (text[strspn(text, " \t\n")] == '-')
		return gather_variable_words(gatherer, text, err);
	lines = arena_strdup(&gatherer->draft->plan.arena, text);
	gatherer->level = LEVEL_PROFILE;
	return gather_text(gatherer, lines, strlen(lines), VARIABLE_NAME, NULL, err) < 0
		       ? complete(err)
		       : 0;
}

/*
 * The home of passwd(5), since callers empty the environment. Only the file is asked:
 * a program that answers for other accounts would cost more than the whole start.
 */
static const char *find_home(struct draft *draft)
{
	auto_close int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct caller *caller = &draft->caller;
	const char *home = getenv("HOME");
	struct error ignored;

	if (root >= 0 &&
	    account_by_uid(root, caller->uid, &caller->account, &ignored) == 0)
		return caller->account.home;
	return home && home[0] == '/' ? home : NULL;
}

/* The highest source first. */
static int gather_sources(struct gatherer *gatherer, struct error *err)
{
	struct draft *draft = gatherer->draft;
	const char *home;

	if (gather_variable(gatherer, err) < 0)
		return -1;
	home = find_home(draft);
	if (home &&
	    gather_user_file(gatherer,
			     arena_printf(&draft->plan.arena, "%s" USER_DIR, home),
			     "bwrap.conf", err) < 0)
		return complete(err);
	gatherer->level = LEVEL_SYSTEM;
	return gather_file(gatherer, SYSTEM_FILE, err) < 0 ? complete(err) : 0;
}

/* ---- what may be said ---- */

static bool is_allowed(const char *name)
{
	for (size_t i = 0; allowed[i]; i++) {
		if (!strcmp(allowed[i], name))
			return true;
	}
	return false;
}

/* Whether it is mounted over the root itself, which is the caller's. */
static bool covers_root(const struct given *given)
{
	const char *name = given->row->name, *dest = given->operand;
	const char *colon = dest ? strchr(dest, ':') : NULL;

	if (strcmp(name, "ro") != 0 && strcmp(name, "tmpfs") != 0 &&
	    strcmp(name, "mask") != 0)
		return false;
	if (colon && !strcmp(name, "ro"))
		dest = colon + 1;
	if (!dest || dest[0] != '/')
		return false;
	dest += strspn(dest, "/.");
	return *dest == '\0' || *dest == ':';
}

static int check_given(const struct plan *plan, const struct given *given,
		       struct error *err)
{
	const char *name = given->row->name;

	if (!is_allowed(name) || covers_root(given))
		return error_set(err, ERROR_CONFIG,
				 "%s: %s: that is for the caller of bubblewrap to say",
				 given->from, name);
	if (strcmp(name, "hostname") != 0)
		return 0;
	if (plan->namespaces.hostname)
		return error_set(err, ERROR_CONFIG, "%s: %s: the caller says --hostname",
				 given->from, name);
	if (plan->namespaces.kinds[NS_UTS].mode != NS_PRIVATE)
		return error_set(err, ERROR_CONFIG,
				 "%s: %s: it needs --unshare-uts of the caller",
				 given->from, name);
	return 0;
}

static int check_all(const struct draft *draft, struct error *err)
{
	for (size_t i = 0; i < draft->given_count; i++) {
		if (check_given(&draft->plan, &draft->given[i], err) < 0)
			return -1;
	}
	return 0;
}

/* ---- what becomes of it ---- */

/* Behind the caller's; what a sandbox does not have needs no cover. */
static void append_mounts(struct draft *draft)
{
	struct rootfs_spec *rootfs = &draft->plan.rootfs;
	struct mount_entry *list;

	if (!draft->mount_count)
		return;
	list = arena_alloc_array(&draft->plan.arena,
				 rootfs->mount_count + draft->mount_count, sizeof(*list));
	if (rootfs->mount_count)
		memcpy(list, rootfs->mounts, rootfs->mount_count * sizeof(*list));
	for (size_t i = 0; i < draft->mount_count; i++) {
		if (draft->mounts[i].kind == MOUNT_MASK)
			draft->mounts[i].flags |= MOUNT_F_OPTIONAL;
		list[rootfs->mount_count++] = draft->mounts[i];
	}
	rootfs->mounts = list;
}

/* The wrapper's command starts itself: it has no key for a filter that refuses that. */
static int check_filter(const struct policy_spec *policy, struct error *err)
{
	if (!policy->filter.keyed && !policy->filter.supervised)
		return 0;
	return error_set(err, ERROR_SECCOMP,
			 "use seccomp: the profile denies execve, or fakes a value");
}

static int apply(struct draft *draft, struct error *err)
{
	if (apply_givens(draft, err) < 0 || expand_on_top(draft, err) < 0 ||
	    check_filter(&draft->plan.policy, err) < 0 ||
	    limits_check(&draft->plan.policy.limits, err) < 0)
		return complete(err);
	append_mounts(draft);
	if (draft->cap_count)
		draft->plan.wrap.keep_caps = false;
	return 0;
}

static int configure(struct draft *draft, struct error *err)
{
	struct gatherer gatherer = { .draft = draft };

	if (gather_sources(&gatherer, err) < 0)
		return -1;
	draft->given = gatherer.given;
	draft->given_count = gatherer.count;
	if (!gatherer.count)
		return 0;
	return check_all(draft, err) < 0 ? -1 : apply(draft, err);
}

int bwrap_configure(struct plan *plan, struct error *err)
{
	struct draft draft = {
		.plan = *plan,
		.from_config = true, /* it is whole: no defaults are added */
	};
	int result;

	draft.caller.uid = geteuid();
	draft.caller.gid = getegid();
	result = configure(&draft, err);
	/* the arena has grown in any case */
	*plan = draft.plan;
	return result;
}
