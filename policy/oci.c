/* SPDX-License-Identifier: Apache-2.0 */

/*
 * linux.seccomp of an OCI config.json (runtime-spec, config-linux.md), and the profiles
 * from which Docker and podman make it: these may ask for capabilities, architectures and
 * kernels, name errors by their names, and map architectures to those that they serve
 * beside. Both are read here as one format.
 *
 * What nobody knows is noted and passed over, as the specification wants it; what is known
 * and cannot be done is refused.
 */
#include "policy/oci_members.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/json.h"
#include "base/text.h"

enum { ERRNO_MAX = 4095, ARGUMENT_LAST = 5 };

/* ---- actions ------------------------------------------------------------------------ */

/* Podman's name of an error, or a number in quotes; it outranks the number beside it. */
static int read_errno_name(const struct oci_reader *reader,
			   const struct json_value *object, const char *key,
			   uint64_t *value, struct error *err)
{
	const char *name = NULL;
	int number;

	if (oci_get_text(reader, object, key, &name, err) < 0)
		return -1;
	if (!name || !name[0])
		return 1;
	number = errno_by_name(name);
	if (number < 0 && text_to_int(name, 0, ERRNO_MAX, &number) < 0)
		return oci_complain(reader, json_get(object, key),
				    "no error is called so", err);
	*value = (uint64_t)number;
	return 0;
}

/* Which members say it: of the whole and of one rule. */
struct action_keys {
	const char *action, *number, *name;
};

static const struct action_keys default_keys = { "defaultAction", "defaultErrnoRet",
						 "defaultErrno" };
static const struct action_keys rule_keys = { "action", "errnoRet", "errno" };

static int read_action(const struct oci_reader *reader, const struct json_value *object,
		       const struct action_keys *keys, struct action *ret_action,
		       struct error *err)
{
	uint64_t value = EPERM; /* of every runtime where nothing is said */
	enum action_kind kind = ACTION_ALLOW;
	const char *word;
	int numbered, named;

	if (oci_need_text(reader, object, keys->action, &word, err) < 0)
		return -1;
	if (oci_action_kind(word, &kind) < 0)
		return oci_complain_word(reader, json_get(object, keys->action), "action",
					 oci_actions, err);
	numbered = oci_get_unsigned(reader, object, keys->number, ERRNO_MAX, &value, err);
	named = numbered < 0 ? -1
			     : read_errno_name(reader, object, keys->name, &value, err);
	if (named < 0)
		return -1;
	if (kind != ACTION_ERRNO && kind != ACTION_TRACE) {
		if (numbered == 0 || named == 0)
			return oci_complain(
				reader,
				json_get(object, numbered ? keys->name : keys->number),
				"only SCMP_ACT_ERRNO and SCMP_ACT_TRACE have one", err);
		value = 0;
	}
	/* The kernel returns error 0 as success, without doing the call. */
	if (kind == ACTION_ERRNO && value == 0)
		kind = ACTION_FAKE;
	*ret_action = (struct action){ kind, (uint16_t)value };
	return 0;
}

/* ---- conditions of a rule ----------------------------------------------------------- */

static int read_caps(const struct oci_reader *reader, const struct json_value *object,
		     struct oci_filter *filter, struct error *err)
{
	const char *const *names = NULL;
	size_t count = 0;

	if (oci_get_texts(reader, object, "caps", &names, &count, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		uint64_t bits =
			text_starts_with(names[i], "CAP_") ? caps_by_name(names[i]) : 0;

		filter->caps |= bits;
		if (bits)
			continue;
		filter->unmet = true;
		oci_note(reader, json_at(json_get(object, "caps"), i),
			 "no capability that is known here", names[i]);
	}
	return 0;
}

static int read_kernel(const struct oci_reader *reader, const struct json_value *object,
		       struct oci_filter *filter, struct error *err)
{
	const char *text = NULL, *dot;
	char major[8] = "";
	int numbers[2];

	if (oci_get_text(reader, object, "minKernel", &text, err) < 0)
		return -1;
	if (!text || !text[0])
		return 0;
	dot = strchr(text, '.');
	if (dot && (size_t)(dot - text) < sizeof(major))
		memcpy(major, text, (size_t)(dot - text));
	if (!dot || text_to_int(major, 0, UINT16_MAX, &numbers[0]) < 0 ||
	    text_to_int(dot + 1, 0, UINT16_MAX, &numbers[1]) < 0)
		return oci_complain(reader, json_get(object, "minKernel"),
				    "not a version such as 5.14", err);
	filter->has_kernel = true;
	filter->kernel = (unsigned int)numbers[0] << 16 | (unsigned int)numbers[1];
	return 0;
}

static int read_filter(const struct oci_reader *reader, const struct json_value *rule,
		       const char *key, struct oci_filter *ret_filter, struct error *err)
{
	static const char *const known[] = { "caps", "arches", "minKernel", NULL };
	const struct json_value *object = NULL;
	struct oci_filter filter = { 0 };
	int found = oci_get_object(reader, rule, key, &object, err);

	if (found != 0)
		return found < 0 ? -1 : 0;
	oci_note_unknown(reader, object, known);
	if (read_caps(reader, object, &filter, err) < 0 ||
	    oci_get_texts(reader, object, "arches", &filter.arches, &filter.arch_count,
			  err) < 0 ||
	    read_kernel(reader, object, &filter, err) < 0)
		return -1;
	*ret_filter = filter;
	return 0;
}

/* ---- arguments ---------------------------------------------------------------------- */

static int read_test(const struct oci_reader *reader, const struct json_value *object,
		     struct test *ret_test, struct error *err)
{
	static const char *const known[] = { "index", "value", "valueTwo", "op", NULL };
	uint64_t index = 0, value = 0, second = 0;
	const char *word;
	int found, op;

	if (json_want_kind(object, JSON_KIND_OBJECT, err) < 0)
		return oci_place_error(reader, object, err);
	oci_note_unknown(reader, object, known);
	found = oci_get_unsigned(reader, object, "index", ARGUMENT_LAST, &index, err);
	if (found > 0)
		return oci_complain(reader, object, "index is missing", err);
	if (found < 0 ||
	    oci_get_unsigned(reader, object, "value", UINT64_MAX, &value, err) < 0 ||
	    oci_get_unsigned(reader, object, "valueTwo", UINT64_MAX, &second, err) < 0 ||
	    oci_need_text(reader, object, "op", &word, err) < 0)
		return -1;
	op = oci_word(oci_ops, word);
	if (op < 0)
		return oci_complain_word(reader, json_get(object, "op"), "operator",
					 oci_ops, err);
	*ret_test = (struct test){ (uint8_t)index, true, (enum test_op)op, UINT64_MAX,
				   value };
	if (op == OCI_MASKED_EQ)
		*ret_test = (struct test){ (uint8_t)index, true, TEST_EQ, value, second };
	return 0;
}

static int read_tests(const struct oci_reader *reader, const struct json_value *object,
		      struct oci_rule *rule, struct error *err)
{
	const struct json_value *array = NULL;
	unsigned int seen = 0;
	struct test *tests;
	size_t count;

	if (oci_get_array(reader, object, "args", &array, err) < 0)
		return -1;
	count = json_count(array);
	tests = arena_alloc_array(reader->arena, count, sizeof(*tests));
	for (size_t i = 0; i < count; i++) {
		if (read_test(reader, json_at(array, i), &tests[i], err) < 0)
			return -1;
		if (seen & 1U << tests[i].argument)
			rule->apart = true;
		seen |= 1U << tests[i].argument;
	}
	rule->tests = tests;
	rule->test_count = count;
	if (rule->apart)
		oci_note(reader, array,
			 "one of them is enough, because an argument is "
			 "tested twice",
			 "args");
	return 0;
}

/* ---- rules -------------------------------------------------------------------------- */

static int read_name(const struct oci_reader *reader, const struct json_value *value,
		     struct oci_name *ret_name, struct error *err)
{
	const char *name;

	if (json_want_text(value, &name, err) < 0)
		return oci_place_error(reader, value, err);
	if (call_number(abi_native(), name) == -2)
		oci_note(reader, value, "no system call that is known here", name);
	*ret_name = (struct oci_name){ name, oci_source_of(reader, value) };
	return 0;
}

/* `names`, or Docker's old `name`. */
static int read_names(const struct oci_reader *reader, const struct json_value *object,
		      struct oci_rule *rule, struct error *err)
{
	const struct json_value *array = NULL, *single = json_get(object, "name");
	struct oci_name *names;
	const char *name = "";
	size_t count;

	if (oci_get_array(reader, object, "names", &array, err) < 0 ||
	    oci_get_text(reader, object, "name", &name, err) < 0)
		return -1;
	count = json_count(array);
	if (count && name[0])
		return oci_complain(reader, single, "names is there as well", err);
	if (!count && !name[0])
		return oci_complain(reader, object, "names is missing", err);
	names = arena_alloc_array(reader->arena, count + 1, sizeof(*names));
	rule->names = names;
	rule->name_count = count ? count : 1;
	if (!count)
		return read_name(reader, single, names, err);
	for (size_t i = 0; i < count; i++) {
		if (read_name(reader, json_at(array, i), &names[i], err) < 0)
			return -1;
	}
	return 0;
}

static int read_rule(const struct oci_reader *reader, const struct json_value *object,
		     struct oci_rule *rule, struct error *err)
{
	static const char *const known[] = {
		"names",   "name",     "action",   "errnoRet", "errno", "args",
		"comment", "comments", "includes", "excludes", NULL,
	};

	if (json_want_kind(object, JSON_KIND_OBJECT, err) < 0)
		return oci_place_error(reader, object, err);
	oci_note_unknown(reader, object, known);
	if (read_names(reader, object, rule, err) < 0 ||
	    read_action(reader, object, &rule_keys, &rule->action, err) < 0 ||
	    read_tests(reader, object, rule, err) < 0 ||
	    read_filter(reader, object, "includes", &rule->includes, err) < 0)
		return -1;
	return read_filter(reader, object, "excludes", &rule->excludes, err);
}

static int read_rules(const struct oci_reader *reader, const struct json_value *document,
		      struct oci_text *text, struct error *err)
{
	const struct json_value *array = NULL;
	struct oci_rule *rules;

	if (oci_get_array(reader, document, "syscalls", &array, err) < 0)
		return -1;
	text->rule_count = json_count(array);
	rules = arena_alloc_array(reader->arena, text->rule_count, sizeof(*rules));
	for (size_t i = 0; i < text->rule_count; i++) {
		if (read_rule(reader, json_at(array, i), &rules[i], err) < 0)
			return -1;
	}
	text->rules = rules;
	return 0;
}

/* ---- architectures and flags -------------------------------------------------------- */

/* The bit of an ABI; those of other machines have none. */
static int read_arch(const struct oci_reader *reader, const struct json_value *value,
		     unsigned int *ret_bit, struct error *err)
{
	const char *word;
	int index;

	if (json_want_text(value, &word, err) < 0)
		return oci_place_error(reader, value, err);
	*ret_bit = 1U << abi_native();
	if (strcmp(word, "SCMP_ARCH_NATIVE") == 0)
		return 0;
	index = oci_word(oci_arches, word);
	if (index < 0)
		return oci_complain_word(reader, value, "architecture", oci_arches, err);
	*ret_bit = index < ABI_COUNT ? 1U << index : 0;
	return 0;
}

static int read_arches(const struct oci_reader *reader, const struct json_value *object,
		       const char *key, unsigned int *served, struct error *err)
{
	const struct json_value *array = NULL;
	unsigned int bit = 0;

	if (oci_get_array(reader, object, key, &array, err) < 0)
		return -1;
	for (size_t i = 0; i < json_count(array); i++) {
		if (read_arch(reader, json_at(array, i), &bit, err) < 0)
			return -1;
		*served |= bit;
	}
	return 0;
}

/* Of the whole map only what stands at this machine's own architecture counts. */
static int read_arch_map(const struct oci_reader *reader, const struct json_value *array,
			 unsigned int *served, struct error *err)
{
	static const char *const known[] = { "architecture", "subArchitectures", NULL };

	for (size_t i = 0; i < json_count(array); i++) {
		const struct json_value *entry = json_at(array, i);
		unsigned int bit = 0, beside = 0;
		const char *word;

		if (json_want_kind(entry, JSON_KIND_OBJECT, err) < 0)
			return oci_place_error(reader, entry, err);
		oci_note_unknown(reader, entry, known);
		if (oci_need_text(reader, entry, "architecture", &word, err) < 0 ||
		    read_arch(reader, json_get(entry, "architecture"), &bit, err) < 0 ||
		    read_arches(reader, entry, "subArchitectures", &beside, err) < 0)
			return -1;
		if (bit == 1U << abi_native())
			*served |= beside;
	}
	return 0;
}

/* libseccomp serves the native one also where it is not listed. */
static int read_served(const struct oci_reader *reader, const struct json_value *document,
		       struct oci_text *text, struct error *err)
{
	const struct json_value *map = NULL;

	text->served = 1U << abi_native();
	if (oci_get_array(reader, document, "archMap", &map, err) < 0)
		return -1;
	if (json_count(map) && json_count(json_get(document, "architectures")))
		return oci_complain(reader, map, "architectures is there as well", err);
	if (read_arch_map(reader, map, &text->served, err) < 0)
		return -1;
	return read_arches(reader, document, "architectures", &text->served, err);
}

/* Runtimes take SPEC_ALLOW where the member is missing, and none where it is empty. */
static int read_flags(const struct oci_reader *reader, const struct json_value *document,
		      struct oci_text *text, struct error *err)
{
	const struct json_value *array = NULL;
	int found = oci_get_array(reader, document, "flags", &array, err);

	if (found != 0) {
		text->flags = RULES_SPEC_ALLOW;
		return found < 0 ? -1 : 0;
	}
	for (size_t i = 0; i < json_count(array); i++) {
		const struct json_value *value = json_at(array, i);
		const char *word;
		int index;

		if (json_want_text(value, &word, err) < 0)
			return oci_place_error(reader, value, err);
		index = oci_word(oci_flags, word);
		if (index < 0)
			return oci_complain_word(reader, value, "flag", oci_flags, err);
		if (index > 0)
			text->flags |= 1U << (index - 1);
	}
	return 0;
}

/* ---- the whole ---------------------------------------------------------------------- */

/* In a config.json they say who is to be told: its reader knows what to do with them. */
static int refuse_listener(const struct oci_reader *reader,
			   const struct json_value *document, struct error *err)
{
	static const char *const keys[] = { "listenerPath", "listenerMetadata" };

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		const char *text = "";

		if (oci_get_text(reader, document, keys[i], &text, err) < 0)
			return -1;
		if (text[0])
			return oci_complain(reader, json_get(document, keys[i]),
					    "not supported yet", err);
	}
	return 0;
}

static int read_document(const struct oci_reader *reader,
			 const struct json_value *document, struct oci_text *text,
			 struct error *err)
{
	static const char *const known[] = {
		"defaultAction", "defaultErrnoRet", "defaultErrno", "architectures",
		"archMap",       "flags",           "listenerPath", "listenerMetadata",
		"syscalls",      "comment",         "comments",     NULL,
	};

	if (json_want_kind(document, JSON_KIND_OBJECT, err) < 0)
		return oci_place_error(reader, document, err);
	oci_note_unknown(reader, document, known);
	if ((reader->standalone && refuse_listener(reader, document, err) < 0) ||
	    read_action(reader, document, &default_keys, &text->fallback, err) < 0 ||
	    read_served(reader, document, text, err) < 0 ||
	    read_flags(reader, document, text, err) < 0)
		return -1;
	text->fallback_source =
		oci_source_of(reader, json_get(document, "defaultAction"));
	return read_rules(reader, document, text, err);
}

static int read_profile(const struct json_value *value, const char *name, bool standalone,
			struct arena *arena, struct profile *ret_profile,
			struct error *err)
{
	struct oci_text *text = arena_alloc(arena, sizeof(*text));
	struct oci_reader reader = { arena, arena_strdup(arena, name), standalone,
				     &text->notes };

	text->notes.arena = arena;
	if (read_document(&reader, value, text, err) < 0)
		return -1;
	*ret_profile = (struct profile){
		.name = reader.name,
		.text = text,
		.resolve = oci_resolve,
	};
	return 0;
}

int oci_seccomp_read_value(const struct json_value *value, const char *name,
			   struct arena *arena, struct profile *ret_profile,
			   struct error *err)
{
	if (read_profile(value, name, false, arena, ret_profile, err) < 0)
		return -1;
	ret_profile->json = value;
	return 0;
}

const struct json_value *profile_json(const struct profile *profile)
{
	return profile->json;
}

int oci_seccomp_read(const char *text, size_t length, const char *name,
		     struct arena *arena, struct profile *ret_profile, struct error *err)
{
	const struct json_value *value = json_read(text, length, name, arena, err);

	if (value && read_profile(value, name, true, arena, ret_profile, err) == 0)
		return 0;
	err->id = ERROR_POLICY;
	return -1;
}
