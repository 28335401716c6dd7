/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linux.resources of a container (config-linux.md, "Control Groups") as numbers of that
 * document; what each means to a cgroup is known where it is written. Zero asks for
 * nothing where runtimes take it so.
 */
#include "plan/from_oci.h"

#include <string.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/json.h"
#include "plan/plan.h"

enum { ENTRIES_MAX = 10000 };

/* ---- numbers -------------------------------------------------------------------------- */

enum number_form {
	NUMBER_LIMIT, /* -1: none; 0: nothing is said */
	NUMBER_PLAIN, /* 0: nothing is said */
	NUMBER_EXACT, /* 0 is a wish like any other */
};

static const struct number_row {
	const char *part, *key;
	enum number_form form;
	uint64_t max;
	size_t offset;
} number_rows[] = {
#define AT(member) offsetof(struct cgroup_resources, member)
	{ "memory", "limit", NUMBER_LIMIT, INT64_MAX, AT(memory) },
	{ "memory", "reservation", NUMBER_LIMIT, INT64_MAX, AT(memory_reservation) },
	{ "memory", "swap", NUMBER_LIMIT, INT64_MAX, AT(memory_swap) },
	{ "memory", "kernel", NUMBER_LIMIT, INT64_MAX, AT(memory_kernel) },
	{ "memory", "kernelTCP", NUMBER_LIMIT, INT64_MAX, AT(memory_kernel_tcp) },
	{ "memory", "swappiness", NUMBER_EXACT, 200, AT(swappiness) },
	{ "cpu", "shares", NUMBER_PLAIN, UINT64_MAX, AT(cpu_shares) },
	{ "cpu", "quota", NUMBER_LIMIT, INT64_MAX, AT(cpu_quota) },
	{ "cpu", "period", NUMBER_PLAIN, UINT64_MAX, AT(cpu_period) },
	{ "cpu", "burst", NUMBER_EXACT, UINT64_MAX, AT(cpu_burst) },
	{ "cpu", "realtimeRuntime", NUMBER_LIMIT, INT64_MAX, AT(cpu_rt_runtime) },
	{ "cpu", "realtimePeriod", NUMBER_PLAIN, UINT64_MAX, AT(cpu_rt_period) },
	{ "cpu", "idle", NUMBER_EXACT, 1, AT(cpu_idle) },
	{ "pids", "limit", NUMBER_LIMIT, INT64_MAX, AT(pids) },
	{ "blockIO", "weight", NUMBER_PLAIN, UINT16_MAX, AT(io_weight) },
	{ "blockIO", "leafWeight", NUMBER_PLAIN, UINT16_MAX, AT(io_leaf_weight) },
	{ "network", "classID", NUMBER_PLAIN, UINT32_MAX, AT(net_class) },
#undef AT
};

static int read_number(const struct json_value *object, const char *key,
		       enum number_form form, uint64_t max,
		       struct cgroup_number *ret_number, struct error *err)
{
	const struct json_value *value = json_get(object, key);
	struct error none;
	uint64_t number = 0;
	int64_t unlimited;

	if (!value || json_kind_of(value) == JSON_KIND_NULL)
		return 0;
	if (form == NUMBER_LIMIT &&
	    json_want_integer(value, -1, -1, &unlimited, &none) == 0) {
		*ret_number = (struct cgroup_number){ true, UINT64_MAX };
		return 0;
	}
	if (json_want_unsigned(value, max, &number, err) < 0)
		return -1;
	if (number || form == NUMBER_EXACT)
		*ret_number = (struct cgroup_number){ true, number };
	return 0;
}

static int read_numbers(const struct json_value *resources,
			struct cgroup_resources *ret_resources, struct error *err)
{
	for (size_t i = 0; i < sizeof(number_rows) / sizeof(number_rows[0]); i++) {
		const struct number_row *row = &number_rows[i];
		const struct json_value *part = NULL;

		if (json_get_object(resources, row->part, &part, err) < 0 ||
		    read_number(
			    part, row->key, row->form, row->max,
			    (struct cgroup_number *)((char *)ret_resources + row->offset),
			    err) < 0)
			return -1;
	}
	return 0;
}

/* ---- memory and processors ------------------------------------------------------------ */

static int read_memory_switches(const struct json_value *resources,
				struct cgroup_resources *ret_resources, struct error *err)
{
	const struct json_value *memory = json_get(resources, "memory");

	if (json_get_bool(memory, "disableOOMKiller", &ret_resources->disable_oom_killer,
			  err) < 0 ||
	    json_get_bool(memory, "useHierarchy", &ret_resources->use_hierarchy, err) <
		    0 ||
	    json_get_bool(memory, "checkBeforeUpdate",
			  &ret_resources->check_before_update, err) < 0)
		return -1;
	return 0;
}

static int read_list_text(const struct json_value *cpu, const char *key,
			  const char **ret_text, struct error *err)
{
	const char *text = NULL;

	if (json_get_text(cpu, key, &text, err) < 0)
		return -1;
	if (!text || !text[0])
		return 0;
	if (text[strspn(text, "0123456789,- \n")])
		return json_complain(json_get(cpu, key), err, "not a list such as 0-1,3");
	*ret_text = text;
	return 0;
}

static int read_cpu_lists(const struct json_value *resources,
			  struct cgroup_resources *ret_resources, struct error *err)
{
	const struct json_value *cpu = json_get(resources, "cpu");

	if (read_list_text(cpu, "cpus", &ret_resources->cpus, err) < 0)
		return -1;
	return read_list_text(cpu, "mems", &ret_resources->mems, err);
}

/* ---- lists ---------------------------------------------------------------------------- */

static int get_objects(const struct json_value *object, const char *key,
		       const struct json_value **ret_array, size_t *ret_count,
		       struct error *err)
{
	if (oci_get_list(object, key, ret_array, ret_count, err) < 0)
		return -1;
	if (*ret_count > ENTRIES_MAX)
		return json_complain(*ret_array, err, "more than %d entries",
				     ENTRIES_MAX);
	for (size_t i = 0; i < *ret_count; i++) {
		if (json_want_kind(json_at(*ret_array, i), JSON_KIND_OBJECT, err) < 0)
			return -1;
	}
	return 0;
}

/* The name of a file of the cgroup, which no text of a configuration may leave. */
static bool is_file_name(const char *name)
{
	return name[0] && name[0] != '.' && !strchr(name, '/');
}

/* The members of an object, each of which is an entry; none and 0 if it is missing. */
static int get_entries(struct oci_reader *reader, const struct json_value *resources,
		       const char *key, const struct json_value **ret_object,
		       struct cgroup_pair **ret_pairs, size_t *ret_count,
		       struct error *err)
{
	*ret_object = NULL;
	if (json_get_object(resources, key, ret_object, err) < 0)
		return -1;
	*ret_count = json_count(*ret_object);
	if (*ret_count > ENTRIES_MAX)
		return json_complain(*ret_object, err, "more than %d entries",
				     ENTRIES_MAX);
	*ret_pairs = arena_alloc_array(reader->arena, *ret_count, sizeof(**ret_pairs));
	for (size_t i = 0; i < *ret_count; i++)
		(*ret_pairs)[i].name = json_key_at(*ret_object, i);
	return 0;
}

static int read_unified(struct oci_reader *reader, const struct json_value *resources,
			struct cgroup_pairs *ret_pairs, struct error *err)
{
	const struct json_value *object;
	struct cgroup_pair *pairs;
	size_t count;

	if (get_entries(reader, resources, "unified", &object, &pairs, &count, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		if (!is_file_name(pairs[i].name))
			return json_complain(json_at(object, i), err,
					     "no file of a cgroup");
		if (json_want_text(json_at(object, i), &pairs[i].text, err) < 0)
			return -1;
	}
	*ret_pairs = (struct cgroup_pairs){ pairs, count };
	return 0;
}

static int read_huge_pages(struct oci_reader *reader, const struct json_value *resources,
			   struct cgroup_pairs *ret_pairs, struct error *err)
{
	const struct json_value *array;
	struct cgroup_pair *pairs;
	size_t count;

	if (get_objects(resources, "hugepageLimits", &array, &count, err) < 0)
		return -1;
	pairs = arena_alloc_array(reader->arena, count, sizeof(*pairs));
	for (size_t i = 0; i < count; i++) {
		const struct json_value *object = json_at(array, i);

		if (json_get_text(object, "pageSize", &pairs[i].name, err) < 0 ||
		    read_number(object, "limit", NUMBER_EXACT, UINT64_MAX,
				&pairs[i].number, err) < 0)
			return -1;
		if (!pairs[i].name || !pairs[i].number.given)
			return json_complain(object, err, "pageSize or limit is missing");
		if (pairs[i].name[strspn(pairs[i].name, "0123456789KMGB")] ||
		    !pairs[i].name[0])
			return json_complain(json_get(object, "pageSize"), err,
					     "not a size such as 2MB");
	}
	*ret_pairs = (struct cgroup_pairs){ pairs, count };
	return 0;
}

static int read_priorities(struct oci_reader *reader, const struct json_value *resources,
			   struct cgroup_pairs *ret_pairs, struct error *err)
{
	const struct json_value *array;
	struct cgroup_pair *pairs;
	size_t count;

	if (get_objects(json_get(resources, "network"), "priorities", &array, &count,
			err) < 0)
		return -1;
	pairs = arena_alloc_array(reader->arena, count, sizeof(*pairs));
	for (size_t i = 0; i < count; i++) {
		const struct json_value *object = json_at(array, i);

		if (json_get_text(object, "name", &pairs[i].name, err) < 0 ||
		    read_number(object, "priority", NUMBER_EXACT, UINT32_MAX,
				&pairs[i].number, err) < 0)
			return -1;
		if (!pairs[i].name || !pairs[i].number.given)
			return json_complain(object, err, "name or priority is missing");
		/* what is written is a line "NAME NUMBER" */
		if (!is_file_name(pairs[i].name) || strpbrk(pairs[i].name, " \n"))
			return json_complain(json_get(object, "name"), err,
					     "no name of an interface");
	}
	*ret_pairs = (struct cgroup_pairs){ pairs, count };
	return 0;
}

static int read_rdma(struct oci_reader *reader, const struct json_value *resources,
		     struct cgroup_pairs *ret_pairs, struct error *err)
{
	const struct json_value *object;
	struct cgroup_pair *pairs;
	size_t count;

	if (get_entries(reader, resources, "rdma", &object, &pairs, &count, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		const struct json_value *entry = json_at(object, i);

		if (!is_file_name(pairs[i].name) || strpbrk(pairs[i].name, " \n"))
			return json_complain(entry, err, "no name of a device");
		if (json_want_kind(entry, JSON_KIND_OBJECT, err) < 0 ||
		    read_number(entry, "hcaHandles", NUMBER_EXACT, UINT32_MAX,
				&pairs[i].number, err) < 0 ||
		    read_number(entry, "hcaObjects", NUMBER_EXACT, UINT32_MAX,
				&pairs[i].other, err) < 0)
			return -1;
	}
	*ret_pairs = (struct cgroup_pairs){ pairs, count };
	return 0;
}

/* ---- block devices -------------------------------------------------------------------- */

static const struct throttle_row {
	const char *key;
	size_t offset;
} throttle_rows[] = {
	{ "throttleReadBpsDevice", offsetof(struct cgroup_io_rule, read_bps) },
	{ "throttleWriteBpsDevice", offsetof(struct cgroup_io_rule, write_bps) },
	{ "throttleReadIOPSDevice", offsetof(struct cgroup_io_rule, read_iops) },
	{ "throttleWriteIOPSDevice", offsetof(struct cgroup_io_rule, write_iops) },
};

enum { THROTTLES = sizeof(throttle_rows) / sizeof(throttle_rows[0]) };

static int read_device_number(const struct json_value *object,
			      struct cgroup_io_rule *rule, struct error *err)
{
	uint64_t major = UINT64_MAX, minor = UINT64_MAX;

	if (json_get_unsigned(object, "major", UINT32_MAX, &major, err) < 0 ||
	    json_get_unsigned(object, "minor", UINT32_MAX, &minor, err) < 0)
		return -1;
	if (major == UINT64_MAX || minor == UINT64_MAX)
		return json_complain(object, err, "major or minor is missing");
	rule->major = (unsigned int)major;
	rule->minor = (unsigned int)minor;
	return 0;
}

static int read_throttles(const struct json_value *io, const struct throttle_row *row,
			  struct cgroup_io_rule *rules, size_t *count, struct error *err)
{
	const struct json_value *array;
	size_t entries;

	if (get_objects(io, row->key, &array, &entries, err) < 0)
		return -1;
	for (size_t i = 0; i < entries; i++) {
		struct cgroup_io_rule *rule = &rules[(*count)++];

		if (read_device_number(json_at(array, i), rule, err) < 0 ||
		    read_number(json_at(array, i), "rate", NUMBER_EXACT, UINT64_MAX,
				(struct cgroup_number *)((char *)rule + row->offset),
				err) < 0)
			return -1;
	}
	return 0;
}

static int read_weights(const struct json_value *io, struct cgroup_io_rule *rules,
			size_t *count, struct error *err)
{
	const struct json_value *array;
	size_t entries;

	if (get_objects(io, "weightDevice", &array, &entries, err) < 0)
		return -1;
	for (size_t i = 0; i < entries; i++) {
		const struct json_value *object = json_at(array, i);
		struct cgroup_io_rule *rule = &rules[(*count)++];

		if (read_device_number(object, rule, err) < 0 ||
		    read_number(object, "weight", NUMBER_PLAIN, UINT16_MAX, &rule->weight,
				err) < 0 ||
		    read_number(object, "leafWeight", NUMBER_PLAIN, UINT16_MAX,
				&rule->leaf_weight, err) < 0)
			return -1;
	}
	return 0;
}

static int read_io_rules(struct oci_reader *reader, const struct json_value *resources,
			 struct cgroup_resources *ret_resources, struct error *err)
{
	const struct json_value *io = json_get(resources, "blockIO");
	size_t most = json_count(json_get(io, "weightDevice")), count = 0;
	struct cgroup_io_rule *rules;

	for (size_t i = 0; i < THROTTLES; i++)
		most += json_count(json_get(io, throttle_rows[i].key));
	rules = arena_alloc_array(reader->arena, most, sizeof(*rules));
	if (read_weights(io, rules, &count, err) < 0)
		return -1;
	for (size_t i = 0; i < THROTTLES; i++) {
		if (read_throttles(io, &throttle_rows[i], rules, &count, err) < 0)
			return -1;
	}
	ret_resources->io_rules = rules;
	ret_resources->io_rule_count = count;
	return 0;
}

/* ---- devices -------------------------------------------------------------------------- */

static int read_access(const struct json_value *object, struct cgroup_device_rule *rule,
		       struct error *err)
{
	const char *access = NULL;

	if (json_get_text(object, "access", &access, err) < 0)
		return -1;
	if (!access || !access[0])
		access = "rwm";
	if (access[strspn(access, "rwm")])
		return json_complain(json_get(object, "access"), err,
				     "not of the letters r, w and m");
	rule->read = strchr(access, 'r');
	rule->write = strchr(access, 'w');
	rule->make = strchr(access, 'm');
	return 0;
}

static int read_device_type(const struct json_value *object,
			    struct cgroup_device_rule *rule, struct error *err)
{
	const char *type = NULL;

	if (json_get_text(object, "type", &type, err) < 0)
		return -1;
	if (!type || !type[0])
		type = "a";
	if (type[1] || !strchr("abc", type[0]))
		return json_complain(json_get(object, "type"), err, "not a, b or c");
	rule->type = type[0];
	return 0;
}

static int read_device_rule(const struct json_value *object,
			    struct cgroup_device_rule *rule, struct error *err)
{
	int found = json_get_bool(object, "allow", &rule->allow, err);

	if (found > 0)
		return json_complain(object, err, "allow is missing");
	rule->major = rule->minor = -1;
	if (found < 0 ||
	    json_get_integer(object, "major", -1, UINT32_MAX, &rule->major, err) < 0 ||
	    json_get_integer(object, "minor", -1, UINT32_MAX, &rule->minor, err) < 0 ||
	    read_device_type(object, rule, err) < 0)
		return -1;
	return read_access(object, rule, err);
}

static int read_device_rules(struct oci_reader *reader,
			     const struct json_value *resources,
			     struct cgroup_resources *ret_resources, struct error *err)
{
	struct cgroup_device_rule *rules;
	const struct json_value *array;
	size_t count;

	if (get_objects(resources, "devices", &array, &count, err) < 0)
		return -1;
	if (!count)
		return 0;
	rules = arena_alloc_array(reader->arena, count, sizeof(*rules));
	for (size_t i = 0; i < count; i++) {
		if (read_device_rule(json_at(array, i), &rules[i], err) < 0)
			return -1;
	}
	ret_resources->devices = rules;
	ret_resources->device_count = count;
	return 0;
}

/* ---- the whole ------------------------------------------------------------------------ */

static bool says_anything(const struct cgroup_resources *resources)
{
	for (size_t i = 0; i < sizeof(number_rows) / sizeof(number_rows[0]); i++) {
		const struct cgroup_number *number =
			(const struct cgroup_number *)((const char *)resources +
						       number_rows[i].offset);

		if (number->given)
			return true;
	}
	return resources->disable_oom_killer || resources->cpus || resources->mems ||
	       resources->io_rule_count || resources->huge_pages.count ||
	       resources->net_priorities.count || resources->rdma.count ||
	       resources->unified.count || resources->device_count;
}

int oci_read_cgroup_resources(struct oci_reader *reader,
			      const struct json_value *resources,
			      struct cgroup_resources *ret_resources, bool *ret_any,
			      struct error *err)
{
	struct cgroup_resources read = { 0 };

	if (read_numbers(resources, &read, err) < 0 ||
	    read_memory_switches(resources, &read, err) < 0 ||
	    read_cpu_lists(resources, &read, err) < 0 ||
	    read_io_rules(reader, resources, &read, err) < 0 ||
	    read_huge_pages(reader, resources, &read.huge_pages, err) < 0 ||
	    read_priorities(reader, resources, &read.net_priorities, err) < 0 ||
	    read_rdma(reader, resources, &read.rdma, err) < 0 ||
	    read_unified(reader, resources, &read.unified, err) < 0 ||
	    read_device_rules(reader, resources, &read, err) < 0)
		return -1;
	*ret_any = says_anything(&read);
	*ret_resources = read;
	return 0;
}
