/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The annotations of a container that runtimes obey: those of crun(1), which engines write.
 * All of them are kept for the state; those that are known and not obeyed are listed.
 */
#include "plan/from_oci.h"

#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/text.h"
#include "plan/oci_spelling.h"
#include "plan/plan.h"

#define SYSTEMD_PROPERTY "org.systemd.property."
#define CONTEXT_TYPE     "run.oci.mount_context_type"
#define FILTER_BYTES     "run.oci.seccomp_bpf_data"
#define STRICT_CALLS     "run.oci.seccomp_fail_unknown_syscall"

enum { ANNOTATIONS_MAX = 10000 };

static const struct text_row {
	const char *name;
	size_t offset;
	bool path;
} text_rows[] = {
	{ "run.oci.hooks.stdout", offsetof(struct container_spec, hooks_stdout), true },
	{ "run.oci.hooks.stderr", offsetof(struct container_spec, hooks_stderr), true },
	{ "run.oci.systemd.subgroup", offsetof(struct container_spec, systemd_subgroup),
	  false },
	{ "run.oci.delegate-cgroup", offsetof(struct container_spec, delegate_cgroup),
	  false },
	{ "run.oci.pidfd_receiver", offsetof(struct container_spec, pidfd_receiver),
	  true },
	{ "run.oci.seccomp.receiver", offsetof(struct container_spec, listener_path),
	  true },
};

/* Known, and of no effect here. */
static const struct ignored_row {
	const char *name, *why;
} ignored_rows[] = {
	{ "run.oci.systemd.force_cgroup_v1",
	  "hierarchies are used as the host has them" },
	{ "org.criu.config", "there are no checkpoints" },
	{ "io.kubernetes.cri.container-type", "all containers are alike" },
};

/* The launcher's: by which runtime the bundle is run. */
static const char *const of_runtime[] = { "sbx.runtime", "sbx.platform", NULL };

static const char *const refused[] = { "run.oci.handler", NULL };

/* A path below the container's group, or a name in it: nothing that leads out. */
static int check_below(const struct json_value *value, const char *text,
		       struct error *err)
{
	if (text[0] == '/' || !strcmp(text, "..") || text_starts_with(text, "../") ||
	    strstr(text, "/../") ||
	    (strlen(text) > 3 && !strcmp(text + strlen(text) - 3, "/..")))
		return json_complain(value, err, "leads out of the container's group");
	return 0;
}

/* 1: it is none of these. */
static int read_text(struct oci_reader *reader, const char *name,
		     const struct json_value *value, const char *text, struct error *err)
{
	for (size_t i = 0; i < sizeof(text_rows) / sizeof(text_rows[0]); i++) {
		const struct text_row *row = &text_rows[i];
		const char **at;

		if (strcmp(row->name, name) != 0)
			continue;
		if (!row->path && check_below(value, text, err) < 0)
			return -1;
		at = (const char **)((char *)&reader->plan->container + row->offset);
		if (text[0])
			*at = row->path ? oci_absolute(reader, text) : text;
		return 0;
	}
	return 1;
}

static int read_groups(struct oci_reader *reader, const struct json_value *value,
		       const char *text, struct error *err)
{
	struct plan *plan = reader->plan;

	if (strcmp(text, "0") != 0 && strcmp(text, "1") != 0)
		return json_complain(value, err, "neither \"0\" nor \"1\"");
	plan->container.keep_original_groups = text[0] == '1';
	plan->ids.keep_groups = plan->container.keep_original_groups;
	return 0;
}

static int read_context_type(const struct json_value *value, const char *text,
			     struct error *err)
{
	if (!text[0] || !strcmp(text, "context"))
		return 0;
	json_complain(value, err, "only \"context\" is supported");
	return error_hint(err, "take the annotation out, if mountLabel may be a context");
}

/* ---- a filter as bytes ---------------------------------------------------------------- */

static int base64_digit(char c)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* RFC 4648, section 4. NULL for anything else. */
static unsigned char *decode(struct arena *arena, const char *text, size_t *ret_size)
{
	unsigned char *bytes = arena_alloc(arena, strlen(text) + 1);
	unsigned int bits = 0, held = 0;
	size_t size = 0;

	for (; *text && *text != '='; text++) {
		int digit = base64_digit(*text);

		if (digit < 0)
			return NULL;
		held = (held << 6 | (unsigned int)digit) & 0xffff;
		bits += 6;
		if (bits < 8)
			continue;
		bits -= 8;
		bytes[size++] = (unsigned char)(held >> bits);
	}
	if (text[strspn(text, "=")])
		return NULL;
	*ret_size = size;
	return bytes;
}

static int read_program(struct oci_reader *reader, const struct json_value *value,
			const char *text, struct error *err)
{
	enum { INSTRUCTION_SIZE = 8, INSTRUCTIONS_MAX = 4096 };
	struct seccomp_program *program = &reader->plan->policy.filter.program;
	size_t size = 0;
	void *bytes = decode(reader->arena, text, &size);

	if (!bytes || !size || size % INSTRUCTION_SIZE ||
	    size / INSTRUCTION_SIZE > INSTRUCTIONS_MAX)
		return json_complain(value, err,
				     "not 1 to %d instructions of %d bytes in base64",
				     INSTRUCTIONS_MAX, INSTRUCTION_SIZE);
	program->instructions = bytes;
	program->count = size / INSTRUCTION_SIZE;
	if (seccomp_check(program, err) < 0)
		return error_within(err, "%s", json_path(value, reader->arena));
	return 0;
}

/* ---- all of them ---------------------------------------------------------------------- */

static void list_ignored(struct oci_reader *reader, const char *name,
			 const struct json_value *value)
{
	for (size_t i = 0; i < sizeof(ignored_rows) / sizeof(ignored_rows[0]); i++) {
		if (!strcmp(ignored_rows[i].name, name))
			oci_ignore(reader, value, ignored_rows[i].why);
	}
	if (text_starts_with(name, OCI_OWN) && oci_choice(of_runtime, name) < 0)
		oci_ignore(reader, value, "only `sbx run --config` obeys it");
}

static int read_annotation(struct oci_reader *reader, const char *name,
			   const struct json_value *value, const char *text,
			   struct error *err)
{
	int taken = read_text(reader, name, value, text, err);

	if (taken <= 0)
		return taken;
	if (!strcmp(name, OCI_CRUN_GROUPS))
		return read_groups(reader, value, text, err);
	if (!strcmp(name, STRICT_CALLS)) {
		reader->strict_calls = text[0] && strcmp(text, "0") != 0;
		return 0;
	}
	if (!strcmp(name, CONTEXT_TYPE))
		return read_context_type(value, text, err);
	if (!strcmp(name, FILTER_BYTES))
		return read_program(reader, value, text, err);
	if (oci_choice(refused, name) >= 0 && text[0]) {
		json_complain(value, err, "not supported");
		return error_hint(err, "take the annotation out");
	}
	list_ignored(reader, name, value);
	return 0;
}

static void add_property(struct oci_reader *reader, struct key_value *properties,
			 const char *name, const char *text)
{
	struct container_spec *container = &reader->plan->container;

	if (!text_starts_with(name, SYSTEMD_PROPERTY))
		return;
	properties[container->systemd_property_count++] =
		(struct key_value){ name + strlen(SYSTEMD_PROPERTY), text };
	container->systemd_properties = properties;
}

int oci_read_container_annotations(struct oci_reader *reader, struct error *err)
{
	struct container_spec *container = &reader->plan->container;
	const size_t count = json_count(reader->annotations);
	struct key_value *list, *properties;

	if (count > ANNOTATIONS_MAX)
		return json_complain(reader->annotations, err, "more than %d",
				     ANNOTATIONS_MAX);
	list = arena_alloc_array(reader->arena, count, sizeof(*list));
	properties = arena_alloc_array(reader->arena, count, sizeof(*properties));
	for (size_t i = 0; i < count; i++) {
		const struct json_value *value = json_at(reader->annotations, i);

		list[i].key = json_key_at(reader->annotations, i);
		if (!list[i].key[0])
			return json_complain(value, err, "a key is empty");
		if (json_want_text(value, &list[i].value, err) < 0 ||
		    read_annotation(reader, list[i].key, value, list[i].value, err) < 0)
			return -1;
		add_property(reader, properties, list[i].key, list[i].value);
	}
	container->annotations = count ? list : NULL;
	container->annotation_count = count;
	return 0;
}

const char *oci_obeyed_annotation_at(size_t index)
{
	static const char *const others[] = { SYSTEMD_PROPERTY, OCI_CRUN_GROUPS,
					      CONTEXT_TYPE,     FILTER_BYTES,
					      STRICT_CALLS,     "sbx.runtime",
					      "sbx.platform",   NULL };
	const size_t texts = sizeof(text_rows) / sizeof(text_rows[0]);

	if (index < texts)
		return text_rows[index].name;
	index -= texts;
	return index < sizeof(others) / sizeof(others[0]) ? others[index] : NULL;
}
