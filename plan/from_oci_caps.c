/* SPDX-License-Identifier: Apache-2.0 */
/*
 * process.capabilities of a container: five sets, as they stand there. What cannot be
 * granted is warned of and left out (config.md, "Linux Process"): names that nobody knows,
 * and in the caller's own user namespace what the caller does not have.
 */
#include "plan/from_oci.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/json.h"
#include "plan/plan.h"

struct sets {
	uint64_t bounding, permitted, effective, inheritable, ambient;
};

static uint64_t grantable(const struct plan *plan)
{
	if (plan->namespaces.kinds[NS_USER].mode == NS_SHARED)
		return caps_effective();
	return caps_all();
}

static int read_set(struct oci_reader *reader, const struct json_value *sets,
		    const char *key, uint64_t granted, uint64_t *ret_bits,
		    struct error *err)
{
	const struct json_value *array;
	size_t count;

	*ret_bits = 0;
	if (oci_get_list(sets, key, &array, &count, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		const struct json_value *value = json_at(array, i);
		const char *word;
		uint64_t bit;

		if (json_want_text(value, &word, err) < 0)
			return -1;
		bit = oci_capability(word);
		if (!bit)
			oci_ignore(reader, value, "no capability that is known here");
		else if (!(bit & granted))
			oci_ignore(reader, value, "nobody here can grant it");
		*ret_bits |= bit & granted;
	}
	return 0;
}

/*
 * capset(2) wants effective and permitted so; the specification wants a warning where an
 * ambient one cannot be raised.
 */
static int check_sets(struct oci_reader *reader, const struct json_value *object,
		      struct sets *sets, struct error *err)
{
	const uint64_t raisable = sets->permitted & sets->inheritable;

	if (sets->effective & ~sets->permitted)
		return json_complain(json_get(object, "effective"), err,
				     "more than the permitted set");
	if (sets->ambient & ~raisable)
		oci_ignore(reader, json_get(object, "ambient"),
			   "what is not permitted and inheritable is left out");
	sets->ambient &= raisable;
	return 0;
}

int oci_read_capability_sets(struct oci_reader *reader, const struct json_value *process,
			     struct error *err)
{
	struct caps_spec *caps = &reader->plan->policy.caps;
	const struct json_value *object = NULL;
	struct sets sets = { 0 };
	uint64_t granted;

	caps->separate = true;
	if (json_get_object(process, "capabilities", &object, err) < 0)
		return -1;
	granted = json_count(object) ? grantable(reader->plan) : 0;
	if (read_set(reader, object, "bounding", granted, &sets.bounding, err) < 0 ||
	    read_set(reader, object, "permitted", granted, &sets.permitted, err) < 0 ||
	    read_set(reader, object, "effective", granted, &sets.effective, err) < 0 ||
	    read_set(reader, object, "inheritable", granted, &sets.inheritable, err) <
		    0 ||
	    read_set(reader, object, "ambient", granted, &sets.ambient, err) < 0 ||
	    check_sets(reader, object, &sets, err) < 0)
		return -1;
	caps->bounding = sets.bounding;
	caps->kept = sets.permitted;
	caps->effective = sets.effective;
	caps->inheritable = sets.inheritable;
	caps->ambient = sets.ambient;
	return 0;
}
