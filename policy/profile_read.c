/* SPDX-License-Identifier: Apache-2.0 */

/* Which text an operand names, and in which language it is. */
#include "policy/profile.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"
#include "policy/native.h"
#include "policy/places.h"
#include "policy/profile_text.h"

#include <ctype.h>
#include <string.h>

enum { BYTES_MAX = 4 << 20 };

/* A built-in, whose text is not read before it is asked for. */
struct postponed {
	struct arena *arena;
	const struct builtin *builtin;
	struct profile *whole; /* NULL: not yet */
};

/* ---- built-ins ---- */

static int resolve_postponed(const struct profile *profile,
			     const struct profile_conditions *conditions,
			     struct arena *arena, struct rules *ret_rules,
			     struct notes *notes, struct error *err)
{
	const struct profile *whole = profile_whole(profile, err);

	return whole ? whole->resolve(whole, conditions, arena, ret_rules, notes, err)
		     : -1;
}

const struct profile *profile_whole(const struct profile *profile, struct error *err)
{
	struct postponed *postponed = NULL;
	struct policy_text text;
	struct profile *whole;

	if (profile->resolve != resolve_postponed)
		return profile;
	/* What is put off is written once, and not seen from outside. */
	memcpy((void *)&postponed, (const void *)&profile->text, sizeof(profile->text));
	if (postponed->whole)
		return postponed->whole;
	whole = arena_alloc(postponed->arena, sizeof(*whole));
	if (policy_text_by_name(postponed->builtin->name, NULL, postponed->arena, &text,
				err) < 0 ||
	    native_read_text(&text, NULL, postponed->arena, whole, err) < 0)
		return NULL;
	postponed->whole = whole;
	return whole;
}

/* Sections beside [seccomp], in it or in a built-in that it extends. */
static bool has_settings(const struct builtin *builtin)
{
	const char *extends;
	char name[64];

	for (int depth = 0; builtin && depth < NATIVE_DEPTH_MAX; depth++) {
		if (strstr(builtin->text, "\n["))
			return true;
		extends = strstr(builtin->text, "\n@extends ");
		if (!extends)
			return false;
		extends += strlen("\n@extends ");
		extends += strspn(extends, " \t");
		text_copy(name, sizeof(name), extends);
		name[strcspn(name, " \t\r\n#")] = '\0';
		builtin = builtin_find(name);
	}
	return false;
}

static int postpone(const struct builtin *builtin, struct arena *arena,
		    const struct profile **ret_profile, struct error *err)
{
	struct postponed *postponed = arena_alloc(arena, sizeof(*postponed));
	struct profile *profile = arena_alloc(arena, sizeof(*profile));
	const struct profile *whole;

	postponed->arena = arena;
	postponed->builtin = builtin;
	*profile = (struct profile){
		.name = builtin->name,
		.builtin = builtin->name,
		.text = postponed,
		.resolve = resolve_postponed,
	};
	if (has_settings(builtin)) {
		whole = profile_whole(profile, err);
		if (!whole)
			return -1;
		profile->settings = whole->settings;
		profile->setting_count = whole->setting_count;
	}
	*ret_profile = profile;
	return 0;
}

/* ---- texts ---- */

int profile_of_text(const struct policy_text *text, const struct profile_places *places,
		    struct arena *arena, struct profile *ret_profile, struct error *err)
{
	if (policy_text_is_json(text))
		return oci_seccomp_read(text->text, text->length, text->name, arena,
					ret_profile, err);
	return native_read_text(text, places, arena, ret_profile, err);
}

int profile_read_text(const char *text, size_t length, const char *name,
		      const struct profile_places *places, struct arena *arena,
		      const struct profile **ret_profile, struct error *err)
{
	/* The profile points into it. */
	const struct policy_text copy = {
		.name = arena_strdup(arena, name),
		.text = arena_strndup(arena, text, length),
		.length = length,
		.dir = places ? places->base : NULL,
	};
	struct profile *profile = arena_alloc(arena, sizeof(*profile));

	if (profile_of_text(&copy, places, arena, profile, err) < 0)
		return -1;
	*ret_profile = profile;
	return 0;
}

int profile_read_json(const struct json_value *value, const char *name,
		      struct arena *arena, const struct profile **ret_profile,
		      struct error *err)
{
	struct profile *profile = arena_alloc(arena, sizeof(*profile));

	if (oci_seccomp_read_value(value, arena_strdup(arena, name), arena, profile,
				   err) < 0)
		return -1;
	*ret_profile = profile;
	return 0;
}

/* ---- operands ---- */

static int read_file(const char *path, const struct profile_places *places,
		     struct arena *arena, const struct profile **ret_profile,
		     struct error *err)
{
	struct profile *profile = arena_alloc(arena, sizeof(*profile));
	struct policy_text text;

	if (policy_text_by_path(arena_strdup(arena, path), places ? places->base : NULL,
				places ? places->home : NULL, BYTES_MAX, arena, &text,
				err) < 0 ||
	    profile_of_text(&text, places, arena, profile, err) < 0)
		return -1;
	*ret_profile = profile;
	return 0;
}

static int read_named(const char *name, const struct profile_places *places,
		      struct arena *arena, const struct profile **ret_profile,
		      struct error *err)
{
	const struct builtin *builtin = builtin_find(name);
	struct policy_text text;
	struct profile *profile;

	if (builtin)
		return postpone(builtin, arena, ret_profile, err);
	profile = arena_alloc(arena, sizeof(*profile));
	if (policy_text_by_name(name, places, arena, &text, err) < 0 ||
	    profile_of_text(&text, places, arena, profile, err) < 0)
		return -1;
	/* Its lines say the path; by the name it can be adjusted. */
	profile->name = arena_strdup(arena, name);
	*ret_profile = profile;
	return 0;
}

/*
 * Where the adjustments of an operand begin: behind the longest name that there is. A name
 * may have a dash in it. NULL: there is no such name.
 */
static const char *begin_of_adjustments(const char *operand,
					const struct profile_places *places,
					struct arena *arena)
{
	for (const char *at = operand + strlen(operand) - 1; at > operand; at--) {
		if ((*at == '+' || *at == '-') &&
		    policy_name_exists(
			    arena_strndup(arena, operand, (size_t)(at - operand)), places,
			    arena))
			return at;
	}
	return NULL;
}

static int read_adjusted(const char *operand, const char *adjustments,
			 const struct profile_places *places, struct arena *arena,
			 const struct profile **ret_profile, struct error *err)
{
	const char *name = arena_strndup(arena, operand, (size_t)(adjustments - operand));
	struct profile *profile = arena_alloc(arena, sizeof(*profile));
	struct policy_text text = { .name = arena_strdup(arena, operand) };
	const struct builtin *builtin = builtin_find(name);

	text.text = adjustments_text(name, adjustments, arena, err);
	if (!text.text)
		return -1;
	text.length = strlen(text.text);
	if (native_read_text(&text, places, arena, profile, err) < 0)
		return -1;
	profile->builtin = builtin ? builtin->name : NULL;
	profile->adjusted = true;
	*ret_profile = profile;
	return 0;
}

int profile_read(const char *operand, const struct profile_places *places,
		 struct arena *arena, const struct profile **ret_profile,
		 struct error *err)
{
	const char *adjustments;

	if (!*operand) {
		error_set(err, ERROR_POLICY, "find a policy without a name");
		return error_hint(err, "sbx policy list");
	}
	if (strchr(operand, '/'))
		return read_file(operand, places, arena, ret_profile, err);
	if (policy_name_exists(operand, places, arena))
		return read_named(operand, places, arena, ret_profile, err);
	adjustments = begin_of_adjustments(operand, places, arena);
	if (adjustments)
		return read_adjusted(operand, adjustments, places, arena, ret_profile,
				     err);
	/* The name in front of what looks like adjustments is what is not known. */
	return read_named(arena_strndup(arena, operand, strcspn(operand, "+")), places,
			  arena, ret_profile, err);
}

/* ---- what is known of one ---- */

const char *profile_name(const struct profile *profile)
{
	return profile->name;
}

bool profile_is(const struct profile *profile, const char *builtin)
{
	return profile->builtin && strcmp(profile->builtin, builtin) == 0;
}

const struct profile_setting *profile_settings(const struct profile *profile,
					       size_t *ret_count)
{
	*ret_count = profile->setting_count;
	return profile->settings;
}

const char *profile_builtin_text(const char *name)
{
	const struct builtin *builtin = builtin_find(name);

	return builtin ? builtin->text : NULL;
}
