/* SPDX-License-Identifier: Apache-2.0 */
/* Which words of a container's configuration are understood, out of the readers' own tables. */
#include "plan/from_oci.h"
#include "plan/oci_spelling.h"
#include "plan/plan.h"

static const char *const *all_of(struct arena *arena, const char *(*at)(size_t index))
{
	const char **words = NULL;
	size_t count = 0;

	do {
		words = arena_grow(arena, words, count, sizeof(*words));
		words[count] = at(count);
	} while (words[count++]);
	return words;
}

static const char *namespace_at(size_t index)
{
	return index < NS_COUNT ? oci_namespace_type((enum ns_kind)index) : NULL;
}

void plan_known_words(struct arena *arena, struct plan_words *ret_words)
{
	ret_words->hooks = oci_hook_names;
	ret_words->namespaces = all_of(arena, namespace_at);
	ret_words->mount_options = all_of(arena, oci_mount_word_at);
	ret_words->annotations = all_of(arena, oci_obeyed_annotation_at);
}
