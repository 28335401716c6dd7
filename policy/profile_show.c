/* SPDX-License-Identifier: Apache-2.0 */

/* Policies as texts for people: which there are, what they say, in which language. */
#include "policy/profile.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"
#include "policy/native.h"
#include "policy/native_write.h"
#include "policy/places.h"
#include "policy/profile_text.h"
#include "policy/prose.h"

#include <string.h>

/* ---- which there are ---- */

const char *profile_list(const struct profile_places *places, struct arena *arena)
{
	const char *const *names = policy_names(places, arena);
	struct page page = { .arena = arena };
	char shown[256];

	for (; *names; names++) {
		const struct builtin *builtin = builtin_find(*names);
		const char *path = builtin ? NULL : policy_path(*names, places, arena);

		if (!builtin && !path)
			continue;
		page_printf(&page, "%-10s ",
			    text_printable(shown, sizeof(shown), *names));
		page_printf(&page, "%s\n",
			    builtin ? builtin->about
				    : text_printable(shown, sizeof(shown), path));
	}
	return page_text(&page);
}

/* ---- what they say ---- */

static bool can_be_used(const char *text, struct arena *arena, struct error *err)
{
	const struct profile_conditions conditions = { .kernel = profile_kernel() };
	const struct profile *again;

	return profile_read_text(text, strlen(text), "the converted text", NULL, arena,
				 &again, err) == 0 &&
	       profile_rules(again, &conditions, arena, NULL, err);
}

/*
 * What was written is read again. What may stand in the way are socketcall and ipc: here
 * they cannot be more open than the calls that they stand for.
 */
static const char *write_native(const struct profile *profile, const struct rules *rules,
				bool sources, struct arena *arena, struct error *err)
{
	struct native_style style = { .sources = sources };
	struct error first = { 0 };
	const char *text = native_write(rules, style, profile->name, arena, err);

	if (!text || can_be_used(text, arena, &first))
		return text;
	style.follows = true;
	text = native_write(rules, style, profile->name, arena, err);
	if (text && !can_be_used(text, arena, err)) {
		error_within(err, "convert policy %.60s", profile->name);
		return NULL;
	}
	return text;
}

/* JSON's conditions are asked under these: no capabilities, the kernel that runs. */
static const char *show_rules(const struct profile *profile, struct arena *arena,
			      struct error *err)
{
	const struct profile_conditions conditions = { .kernel = profile_kernel() };
	const struct rules *rules = profile_rules(profile, &conditions, arena, NULL, err);

	return rules ? write_native(profile, rules, true, arena, err) : NULL;
}

static bool is_native_throughout(const struct native_policy *policy)
{
	const struct native_level *level = policy->top;

	while (level->base)
		level = level->base;
	return !level->foreign_base;
}

const char *profile_show(const struct profile *profile, struct arena *arena)
{
	struct error err = { 0 };
	const struct profile *whole = profile_whole(profile, &err);
	const struct native_policy *policy = whole ? native_policy(whole) : NULL;
	const char *text;

	if (policy && is_native_throughout(policy))
		return native_show(whole, policy, arena);
	text = whole ? show_rules(whole, arena, &err) : NULL;
	return text ? text : arena_printf(arena, "# cannot %s\n", err.text);
}

/* ---- in which language ---- */

const char *profile_convert(const struct profile *profile,
			    const struct profile_conditions *conditions, const char *to,
			    struct arena *arena, struct error *err)
{
	static const char *const languages[] = { "native", "oci", NULL };
	const struct rules *rules;
	const char *nearest = text_nearest(to, languages);

	if (strcmp(to, "native") != 0 && strcmp(to, "oci") != 0) {
		error_set(err, ERROR_USAGE, "convert a policy to \"%.40s\"", to);
		if (nearest)
			error_hint(err, "the nearest is %s", nearest);
		else
			error_hint(err, "native or oci");
		return NULL;
	}
	rules = profile_rules(profile, conditions, arena, NULL, err);
	if (!rules)
		return NULL;
	return strcmp(to, "oci") == 0 ? oci_seccomp_write(rules, arena, err)
				      : write_native(profile, rules, false, arena, err);
}
