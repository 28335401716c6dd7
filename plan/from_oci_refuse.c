/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Members of a config.json that are known and cannot be done. A member that says nothing
 * is passed over: engines write empty objects, and limits that are no limit.
 */
#include "plan/from_oci.h"

#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "plan/oci_spelling.h"

static const char *const top_members[] = { "domainname", "hooks", "solaris", "windows",
					   "vm",         "zos",   "freebsd", NULL };

static const char *const process_members[] = {
	"apparmorProfile", "commandLine", "execCPUAffinity", "ioPriority", "scheduler",
	"selinuxLabel",    NULL
};

static const char *const linux_members[] = {
	"cgroupsPath", "intelRdt",    "memoryPolicy", "mountLabel",
	"netDevices",  "personality", "timeOffsets",  NULL,
};

/* Numbers for which 0 is a wish like any other. */
static const char *const zero_says[] = { "swappiness", "idle", NULL };

static bool number_says(const struct json_value *value, const char *key)
{
	struct error none;
	int64_t number;

	if (json_want_integer(value, INT64_MIN, INT64_MAX, &number, &none) < 0)
		return true;
	if (number == 0)
		return oci_choice(zero_says, key) >= 0;
	if (number == -1)
		return false;
	return number != 1024 || strcmp(key, "shares") != 0; /* the kernel's own weight */
}

/* The first value at or below value that asks for something, or NULL. */
static const struct json_value *find_wish(const struct json_value *value, const char *key)
{
	struct error none;
	const char *text;
	bool set;

	switch (json_kind_of(value)) {
	case JSON_KIND_NULL:
		return NULL;
	case JSON_KIND_BOOL:
		return json_want_bool(value, &set, &none) == 0 && set ? value : NULL;
	case JSON_KIND_TEXT:
		return json_want_text(value, &text, &none) == 0 && text[0] ? value : NULL;
	case JSON_KIND_INTEGER:
		return number_says(value, key) ? value : NULL;
	case JSON_KIND_ARRAY:
		return json_count(value) ? value : NULL;
	case JSON_KIND_OBJECT:
		break;
	case JSON_KIND_REAL:
		return value;
	}
	for (size_t i = 0; i < json_count(value); i++) {
		const struct json_value *wish =
			find_wish(json_at(value, i), json_key_at(value, i));

		if (wish)
			return wish;
	}
	return NULL;
}

static int complain(const struct json_value *wish, struct error *err)
{
	json_complain(wish, err, "not supported");
	return error_hint(err, "take the member out, if the sandbox may do without it");
}

int oci_refuse_members(const struct json_value *object, const char *const *keys,
		       struct error *err)
{
	for (size_t i = 0; keys[i]; i++) {
		const struct json_value *value = json_get(object, keys[i]);
		const struct json_value *wish = value ? find_wish(value, keys[i]) : NULL;

		if (wish)
			return complain(wish, err);
	}
	return 0;
}

/* What from_oci_limits.c reads. */
static const struct resource_row {
	const char *part;
	const char *const members[4];
} resource_rows[] = {
	{ "memory", { "limit", "swap", NULL } },        { "pids", { "limit", NULL } },
	{ "cpu", { "quota", "period", "cpus", NULL } }, { "blockIO", { "weight", NULL } },
	{ "unified", { "io.weight", NULL } },
};

static const char *const *members_read(const char *part)
{
	static const char *const none[] = { NULL };

	for (size_t i = 0; i < sizeof(resource_rows) / sizeof(resource_rows[0]); i++) {
		if (!strcmp(resource_rows[i].part, part))
			return resource_rows[i].members;
	}
	return none;
}

/* The first wish in one part of the resources that nobody reads. */
static const struct json_value *find_unread(const struct json_value *part,
					    const char *key)
{
	const char *const *members = members_read(key);

	if (json_kind_of(part) != JSON_KIND_OBJECT)
		return find_wish(part, key);
	for (size_t i = 0; i < json_count(part); i++) {
		const char *member = json_key_at(part, i);
		const struct json_value *wish = NULL;

		if (oci_choice(members, member) < 0)
			wish = find_wish(json_at(part, i), member);
		if (wish)
			return wish;
	}
	return NULL;
}

/*
 * Rules of the device cgroup only say which devices may be opened. None can be made in a
 * user namespace, and none is there but those that the mounts name.
 */
static int refuse_resources(const struct json_value *linux_part, struct error *err)
{
	const struct json_value *resources = NULL;

	if (json_get_object(linux_part, "resources", &resources, err) < 0)
		return -1;
	for (size_t i = 0; i < json_count(resources); i++) {
		const char *key = json_key_at(resources, i);
		const struct json_value *wish;

		if (!strcmp(key, "devices"))
			continue;
		wish = find_unread(json_at(resources, i), key);
		if (wish)
			return complain(wish, err);
	}
	return 0;
}

static int refuse_device(const struct json_value *device, struct error *err)
{
	static const char *const always_there[] = {
		"/dev/null", "/dev/zero",    "/dev/full", "/dev/random", "/dev/urandom",
		"/dev/tty",  "/dev/console", "/dev/ptmx", NULL
	};
	const char *path = NULL;

	if (json_want_kind(device, JSON_KIND_OBJECT, err) < 0 ||
	    json_get_text(device, "path", &path, err) < 0)
		return -1;
	if (!path)
		return json_complain(device, err, "path is missing");
	if (oci_choice(always_there, path) >= 0)
		return 0;
	json_complain(json_get(device, "path"), err, "devices cannot be made");
	return error_hint(err, "use a mount of type bind with the device as its source");
}

static int refuse_devices(const struct json_value *linux_part, struct error *err)
{
	const struct json_value *array;
	size_t count;

	if (oci_get_list(linux_part, "devices", &array, &count, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		if (refuse_device(json_at(array, i), err) < 0)
			return -1;
	}
	return 0;
}

int oci_refuse_unsupported(const struct json_value *document, struct error *err)
{
	const struct json_value *linux_part = json_get(document, "linux");

	if (oci_refuse_members(document, top_members, err) < 0 ||
	    oci_refuse_members(json_get(document, "process"), process_members, err) < 0 ||
	    oci_refuse_members(linux_part, linux_members, err) < 0 ||
	    refuse_resources(linux_part, err) < 0)
		return -1;
	return refuse_devices(linux_part, err);
}
