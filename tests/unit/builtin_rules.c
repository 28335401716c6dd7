/* SPDX-License-Identifier: Apache-2.0 */
#include "builtin_rules.h"

#include "base/arena.h"
#include "base/error.h"
#include "policy/readers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

const struct builtin *find_builtin(const char *name)
{
	const struct builtin *builtin = builtins;

	while (builtin->name && strcmp(builtin->name, name) != 0)
		builtin++;
	assert_non_null(builtin->name);
	return builtin;
}

const struct rules *rules_of_builtin(const char *name, uint64_t caps, bool emulate_root,
				     struct arena *arena)
{
	const struct builtin *builtin = find_builtin(name);
	const struct profile_conditions conditions = { .caps = caps,
						       .emulate_root = emulate_root };
	struct profile *profile = arena_alloc(arena, sizeof(*profile));
	struct rules *rules = arena_alloc(arena, sizeof(*rules));
	struct notes notes = { .arena = arena };
	struct error err = { 0 };

	if (native_read(builtin->text, builtin->length, name, NULL, arena, profile,
			&err) < 0 ||
	    profile->resolve(profile, &conditions, arena, rules, &notes, &err) < 0)
		fail_msg("%s: %s", name, err.text);
	assert_int_equal(notes.count, 0);
	return emulate_root ? rules_emulate_root(rules, arena) : rules;
}
