/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The annotations of a config.json. Those of ours are read to the last one; of others only
 * such as ask for what would change a sandbox.
 */
#include "plan/from_oci.h"

#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/text.h"
#include "plan/oci_spelling.h"
#include "plan/plan.h"

/* Read where the fields are that they go with. */
static const char *const read_elsewhere[] = {
	OCI_ESCAPED,  OCI_ROOT_KIND, OCI_ROOT_MODE, OCI_ROOT_PATH, OCI_LOOPBACK,
	OCI_KEEP_FDS, OCI_SECCOMP,   OCI_PLATFORM,  NULL,
};

/* Protection, or another way to run: not to be passed over. */
static const char *const refused[] = {
	"run.oci.handler",
	"run.oci.mount_context_type",
	"run.oci.seccomp.receiver",
	"run.oci.seccomp_bpf_data",
	"run.oci.seccomp_fail_unknown_syscall",
	NULL,
};

static int read_choice(const struct json_value *value, const char *text,
		       const struct oci_field *field, unsigned int *ret_value,
		       struct error *err)
{
	int choice = oci_choice(field->choices, text);

	if (choice < 0)
		return json_complain(value, err, "no such value");
	*ret_value = (unsigned int)choice;
	return 0;
}

static int read_field(const struct json_value *value, const struct oci_field *field,
		      struct plan *plan, struct error *err)
{
	void *at = (char *)plan + field->offset;
	const char *text;

	if (json_want_text(value, &text, err) < 0)
		return -1;
	switch (field->type) {
	case OCI_BOOL:
		return oci_read_bool(value, at, err);
	case OCI_TEXT:
		*(const char **)at = text;
		return 0;
	case OCI_INT:
		if (text_to_int(text, field->min, field->max, at) < 0)
			return json_complain(value, err,
					     "not an integer within %d and %d",
					     field->min, field->max);
		return 0;
	case OCI_U64:
		if (text_to_u64(text, 10, at) < 0)
			return json_complain(value, err, "not a number");
		return 0;
	case OCI_CHOICE:
		return read_choice(value, text, field, at, err);
	}
	return 0;
}

static void set_absent(struct plan *plan)
{
	size_t count;
	const struct oci_field *fields = oci_fields(&count);

	for (size_t i = 0; i < count; i++) {
		void *at = (char *)plan + fields[i].offset;

		if (fields[i].type == OCI_INT)
			*(int *)at = (int)fields[i].absent;
		if (fields[i].type == OCI_U64)
			*(uint64_t *)at = (uint64_t)fields[i].absent;
	}
}

/* What engines write for crun: the one annotation of theirs that we do as well. */
static int read_crun_groups(struct oci_reader *reader, const struct json_value *value,
			    struct error *err)
{
	const char *text;

	if (json_want_text(value, &text, err) < 0)
		return -1;
	if (strcmp(text, "0") != 0 && strcmp(text, "1") != 0)
		return json_complain(value, err, "neither \"0\" nor \"1\"");
	reader->plan->ids.keep_groups |= text[0] == '1';
	return 0;
}

static int read_annotation(struct oci_reader *reader, const char *name,
			   const struct json_value *value, struct error *err)
{
	const struct oci_field *field = oci_field_find(name);

	if (json_want_kind(value, JSON_KIND_TEXT, err) < 0)
		return -1;
	if (field)
		return read_field(value, field, reader->plan, err);
	if (!strcmp(name, OCI_CRUN_GROUPS))
		return read_crun_groups(reader, value, err);
	if (oci_choice(refused, name) >= 0)
		return json_complain(value, err, "not supported");
	if (!text_starts_with(name, OCI_OWN) || text_starts_with(name, OCI_FROM))
		return 0;
	if (oci_choice(read_elsewhere, name) < 0 && !oci_is_net(name))
		return json_complain(value, err, "no annotation of sbx");
	return 0;
}

/* ---- those that are no plain field -------------------------------------------------- */

static int read_loopback(struct oci_reader *reader, struct error *err)
{
	const struct json_value *value = json_get(reader->annotations, OCI_LOOPBACK);
	struct plan *plan = reader->plan;

	plan->net.loopback = plan->namespaces.kinds[NS_NET].mode == NS_PRIVATE;
	return value ? oci_read_bool(value, &plan->net.loopback, err) : 0;
}

static int read_keep_fds(struct oci_reader *reader, struct error *err)
{
	struct process_spec *process = &reader->plan->process;
	const struct json_value *value;
	const char *text;
	int *fds = NULL;
	size_t count = 0;
	int found = oci_annotation(reader, OCI_KEEP_FDS, &value, &text, err);

	if (found != 0)
		return found < 0 ? -1 : 0;
	while (text) {
		const char *comma = strchr(text, ',');
		size_t length = comma ? (size_t)(comma - text) : strlen(text);
		char number[12] = "";

		if (length < sizeof(number))
			memcpy(number, text, length);
		fds = arena_grow(reader->arena, fds, count, sizeof(*fds));
		if (text_to_int(number, 3, INT32_MAX, &fds[count++]) < 0)
			return json_complain(value, err,
					     "not descriptors from 3 on, with commas");
		text = comma ? comma + 1 : NULL;
	}
	process->keep_fds = fds;
	process->keep_fd_count = count;
	return 0;
}

static int read_seccomp(struct oci_reader *reader, struct error *err)
{
	enum { INSTRUCTION_SIZE = 8, INSTRUCTIONS_MAX = 4096 };
	const struct json_value *value = json_get(reader->annotations, OCI_SECCOMP);
	struct seccomp_program *program = &reader->plan->policy.filter.program;
	size_t size;
	void *bytes;

	if (!value)
		return 0;
	bytes = oci_read_hex(value, &size, err, reader->arena);
	if (!bytes)
		return -1;
	if (!size || size % INSTRUCTION_SIZE ||
	    size / INSTRUCTION_SIZE > INSTRUCTIONS_MAX)
		return json_complain(value, err, "not 1 to %d instructions of %d bytes",
				     INSTRUCTIONS_MAX, INSTRUCTION_SIZE);
	program->instructions = bytes;
	program->count = size / INSTRUCTION_SIZE;
	return 0;
}

static int read_platforms(struct oci_reader *reader, struct error *err)
{
	const struct json_value *value;
	const char *text;
	int found = oci_annotation(reader, OCI_PLATFORM, &value, &text, err);
	struct error why;

	if (found != 0)
		return found < 0 ? -1 : 0;
	if (platforms_read(&reader->plan->runtime, text, &why) < 0)
		return json_complain(value, err, "%s", why.text);
	return 0;
}

int oci_read_annotations(struct oci_reader *reader, struct error *err)
{
	set_absent(reader->plan);
	for (size_t i = 0; i < json_count(reader->annotations); i++) {
		if (read_annotation(reader, json_key_at(reader->annotations, i),
				    json_at(reader->annotations, i), err) < 0)
			return -1;
	}
	if (read_loopback(reader, err) < 0 || oci_read_net(reader, err) < 0 ||
	    read_keep_fds(reader, err) < 0 || read_platforms(reader, err) < 0)
		return -1;
	return read_seccomp(reader, err);
}
