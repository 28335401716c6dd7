/* SPDX-License-Identifier: Apache-2.0 */
/* `sbx-oci pause` and `resume`: by the freezer of the container's cgroup. */
#include "launcher/oci_group.h"
#include "launcher/oci_gvisor.h"

#include "base/arena.h"
#include "base/error.h"

struct change {
	const char *verb, *usage;
	bool frozen;
};

static int change_state(const struct change *change, const struct oci_group *group,
			struct error *err)
{
	if (oci_group_want_life(group, change->verb, err) < 0)
		return -1;
	if (group->record.runsc)
		return oci_gvisor_freeze(&group->entry, &group->record, change->frozen,
					 err);
	if (group_is_there(&group->group) &&
	    group_is_frozen(&group->group) == change->frozen)
		return error_set(err, ERROR_CONTAINER_STATE, "%s %.100s: container %s",
				 change->verb, group->record.id,
				 change->frozen ? "is paused already" : "not paused");
	return group_freeze(&group->group, change->frozen, err);
}

static int run(const struct oci_globals *globals, const struct change *change,
	       const char *const *words, struct arena *arena, struct error *err)
{
	struct oci_group group = { 0 };
	const char *id;
	int failed = -1;

	if (oci_read_words(&words, NULL, 0, change->usage, arena, err) < 0)
		return -1;
	id = oci_only_id(words, change->usage, err);
	if (id && oci_group_open(globals, id, true, arena, &group, err) == 0)
		failed = change_state(change, &group, err);
	oci_group_close(&group);
	return failed;
}

static int pause_one(const struct oci_globals *globals, const char *const *words,
		     struct arena *arena, struct error *err)
{
	static const struct change change = { "pause", "pause ID", true };

	return run(globals, &change, words, arena, err);
}

static int resume_one(const struct oci_globals *globals, const char *const *words,
		      struct arena *arena, struct error *err)
{
	static const struct change change = { "resume", "resume ID", false };

	return run(globals, &change, words, arena, err);
}

int oci_pause(const struct oci_globals *globals, const char *const *words)
{
	return oci_command(globals, words, pause_one);
}

int oci_resume(const struct oci_globals *globals, const char *const *words)
{
	return oci_command(globals, words, resume_one);
}
