/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/runtimes.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <seccomp.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/json.h"
#include "policy/bpf.h"

static const uint32_t arches[ABI_COUNT] = {
	[ABI_X86_64] = SCMP_ARCH_X86_64, [ABI_X32] = SCMP_ARCH_X32,
	[ABI_I386] = SCMP_ARCH_X86,      [ABI_AARCH64] = SCMP_ARCH_AARCH64,
	[ABI_ARM] = SCMP_ARCH_ARM,
};

static const char *text_at(const struct json_value *object, const char *key)
{
	const char *text = "";
	struct error err;

	assert_true(json_get_text(object, key, &text, &err) >= 0);
	return text;
}

static uint64_t number_at(const struct json_value *object, const char *key,
			  uint64_t otherwise)
{
	struct error err;

	assert_true(json_get_unsigned(object, key, UINT64_MAX, &otherwise, &err) >= 0);
	return otherwise;
}

static bool lists(const struct json_value *array, const char *word)
{
	for (size_t i = 0; i < json_count(array); i++) {
		struct error err;
		const char *text;

		assert_int_equal(json_want_text(json_at(array, i), &text, &err), 0);
		if (strcmp(text, word) == 0)
			return true;
	}
	return false;
}

/* ---- as Docker and podman do -------------------------------------------------------- */

static const char *native_arch(void)
{
	return abi_native() == ABI_X86_64 ? "amd64" : "arm64";
}

static bool has_cap(const struct json_value *array, size_t index, uint64_t caps)
{
	struct error err;
	const char *name;

	assert_int_equal(json_want_text(json_at(array, index), &name, &err), 0);
	return (caps & caps_by_name(name)) != 0;
}

static bool is_kernel(const struct json_value *filter, unsigned int kernel)
{
	unsigned long major, minor;
	char *end;

	major = strtoul(text_at(filter, "minKernel"), &end, 10);
	minor = strtoul(end + 1, NULL, 10);
	return kernel >= (major << 16 | minor);
}

static bool holds(const struct json_value *rule,
		  const struct profile_conditions *conditions)
{
	const struct json_value *includes = json_get(rule, "includes");
	const struct json_value *excludes = json_get(rule, "excludes");
	const struct json_value *caps = json_get(excludes, "caps");

	for (size_t i = 0; i < json_count(caps); i++) {
		if (has_cap(caps, i, conditions->caps))
			return false;
	}
	caps = json_get(includes, "caps");
	for (size_t i = 0; i < json_count(caps); i++) {
		if (!has_cap(caps, i, conditions->caps))
			return false;
	}
	if (lists(json_get(excludes, "arches"), native_arch()))
		return false;
	if (json_count(json_get(includes, "arches")) &&
	    !lists(json_get(includes, "arches"), native_arch()))
		return false;
	if (json_get(excludes, "minKernel") && is_kernel(excludes, conditions->kernel))
		return false;
	return !json_get(includes, "minKernel") ||
	       is_kernel(includes, conditions->kernel);
}

/* ---- as runc does ------------------------------------------------------------------- */

static uint32_t action_of(const char *word, uint64_t value)
{
	static const struct {
		const char *word;
		uint32_t action;
	} words[] = {
		{ "SCMP_ACT_ALLOW", SCMP_ACT_ALLOW },
		{ "SCMP_ACT_KILL", SCMP_ACT_KILL },
		{ "SCMP_ACT_KILL_THREAD", SCMP_ACT_KILL_THREAD },
		{ "SCMP_ACT_KILL_PROCESS", SCMP_ACT_KILL_PROCESS },
		{ "SCMP_ACT_TRAP", SCMP_ACT_TRAP },
		{ "SCMP_ACT_LOG", SCMP_ACT_LOG },
		{ "SCMP_ACT_NOTIFY", SCMP_ACT_NOTIFY },
	};

	if (strcmp(word, "SCMP_ACT_ERRNO") == 0)
		return SCMP_ACT_ERRNO((uint32_t)value);
	if (strcmp(word, "SCMP_ACT_TRACE") == 0)
		return SCMP_ACT_TRACE((uint32_t)value);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(words[i].word, word) == 0)
			return words[i].action;
	}
	fail_msg("action %s", word);
	return 0;
}

static enum scmp_compare op_of(const char *word)
{
	static const char *const words[] = { "NE", "LT", "LE",       "EQ",
					     "GE", "GT", "MASKED_EQ" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(words[i], word + strlen("SCMP_CMP_")) == 0)
			return (enum scmp_compare)(SCMP_CMP_NE + i);
	}
	fail_msg("operator %s", word);
	return SCMP_CMP_EQ;
}

static void add_conditions(scmp_filter_ctx context, uint32_t action, int number,
			   const struct json_value *args)
{
	struct scmp_arg_cmp compared[64];
	unsigned int count = (unsigned int)json_count(args), seen = 0;
	bool apart = false;

	assert_true(count < 64);
	for (unsigned int i = 0; i < count; i++) {
		const struct json_value *arg = json_at(args, i);

		compared[i] = (struct scmp_arg_cmp){
			.arg = (unsigned int)number_at(arg, "index", 0),
			.op = op_of(text_at(arg, "op")),
			.datum_a = number_at(arg, "value", 0),
			.datum_b = number_at(arg, "valueTwo", 0),
		};
		apart |= (seen & 1U << compared[i].arg) != 0;
		seen |= 1U << compared[i].arg;
	}
	if (!apart) {
		assert_int_equal(
			seccomp_rule_add_array(context, action, number, count, compared),
			0);
		return;
	}
	for (unsigned int i = 0; i < count; i++)
		assert_int_equal(
			seccomp_rule_add_array(context, action, number, 1, &compared[i]),
			0);
}

static void note_last(struct reference *reference, const char *name)
{
	for (int abi = 0; abi < ABI_COUNT; abi++) {
		int number = seccomp_syscall_resolve_name_arch(arches[abi], name);

		if (number > 0 && (uint32_t)number > reference->last[abi])
			reference->last[abi] = (uint32_t)number;
	}
}

static void add_rule(scmp_filter_ctx context, uint32_t fallback,
		     const struct json_value *rule, struct reference *reference)
{
	uint32_t action =
		action_of(text_at(rule, "action"), number_at(rule, "errnoRet", EPERM));
	const struct json_value *names = json_get(rule, "names");

	for (size_t i = 0; i < json_count(names); i++) {
		const char *name = NULL;
		struct error err;
		int number;

		assert_int_equal(json_want_text(json_at(names, i), &name, &err), 0);
		note_last(reference, name);
		number = seccomp_syscall_resolve_name(name);
		if (action != fallback && number != __NR_SCMP_ERROR)
			add_conditions(context, action, number, json_get(rule, "args"));
	}
}

static void add_listed_arches(scmp_filter_ctx context, const struct json_value *array)
{
	for (int abi = 0; abi < ABI_COUNT; abi++) {
		static const char *const words[ABI_COUNT] = {
			[ABI_X86_64] = "SCMP_ARCH_X86_64",
			[ABI_X32] = "SCMP_ARCH_X32",
			[ABI_I386] = "SCMP_ARCH_X86",
			[ABI_AARCH64] = "SCMP_ARCH_AARCH64",
			[ABI_ARM] = "SCMP_ARCH_ARM",
		};
		int added;

		if (!lists(array, words[abi]))
			continue;
		added = seccomp_arch_add(context, arches[abi]);
		assert_true(added == 0 || added == -EEXIST);
	}
}

static void add_arches(scmp_filter_ctx context, const struct json_value *profile)
{
	const struct json_value *map = json_get(profile, "archMap");

	add_listed_arches(context, json_get(profile, "architectures"));
	for (size_t i = 0; i < json_count(map); i++) {
		const struct json_value *entry = json_at(map, i);

		if (strcmp(text_at(entry, "architecture"),
			   abi_native() == ABI_X86_64 ? "SCMP_ARCH_X86_64"
						      : "SCMP_ARCH_AARCH64") == 0)
			add_listed_arches(context, json_get(entry, "subArchitectures"));
	}
}

static void export_program(scmp_filter_ctx context, struct arena *arena,
			   struct seccomp_program *ret_program)
{
	int fd = memfd_create("program", MFD_CLOEXEC);
	struct stat status;
	void *bytes;

	assert_true(fd >= 0);
	assert_int_equal(seccomp_export_bpf(context, fd), 0);
	assert_int_equal(fstat(fd, &status), 0);
	bytes = arena_alloc(arena, (size_t)status.st_size);
	assert_int_equal(pread(fd, bytes, (size_t)status.st_size, 0), status.st_size);
	close(fd);
	*ret_program = (struct seccomp_program){ bytes, (size_t)status.st_size / 8 };
}

void reference_make(const struct json_value *profile,
		    const struct profile_conditions *conditions, struct arena *arena,
		    struct reference *ret_reference)
{
	uint32_t fallback = action_of(text_at(profile, "defaultAction"),
				      number_at(profile, "defaultErrnoRet", EPERM));
	const struct json_value *rules = json_get(profile, "syscalls");
	scmp_filter_ctx context = seccomp_init(fallback);
	struct reference reference = {
		.hides_newer = fallback != SCMP_ACT_ALLOW && fallback != SCMP_ACT_LOG &&
			       fallback != SCMP_ACT_ERRNO(ENOSYS) &&
			       (fallback & SECCOMP_RET_ACTION_FULL) != SECCOMP_RET_TRACE,
	};

	assert_non_null(context);
	add_arches(context, profile);
	assert_int_equal(seccomp_attr_set(context, SCMP_FLTATR_CTL_OPTIMIZE,
					  json_count(rules) > 32 ? 2 : 1),
			 0);
	for (size_t i = 0; i < json_count(rules); i++) {
		if (holds(json_at(rules, i), conditions))
			add_rule(context, fallback, json_at(rules, i), &reference);
	}
	export_program(context, arena, &reference.program);
	seccomp_release(context);
	*ret_reference = reference;
}

static enum abi abi_of(const struct seccomp_data *data)
{
	for (int abi = 0; abi < ABI_COUNT; abi++) {
		bool is_x32 = ((uint32_t)data->nr & X32_BIT) != 0;

		if (data->arch == abi_audit((enum abi)abi) &&
		    (data->arch != abi_audit(ABI_X32) || (abi == ABI_X32) == is_x32))
			return (enum abi)abi;
	}
	return ABI_COUNT;
}

uint32_t reference_answer(const struct reference *reference,
			  const struct seccomp_data *data)
{
	enum abi abi = abi_of(data);
	uint32_t answer = bpf_run(&reference->program, data, NULL);

	/* What is not served is killed before anybody looks at its number. */
	if (answer == SECCOMP_RET_KILL_THREAD || abi == ABI_COUNT)
		return answer;
	if (reference->hides_newer && reference->last[abi] &&
	    (uint32_t)data->nr > reference->last[abi])
		return SECCOMP_RET_ERRNO | ENOSYS;
	return answer;
}

bool reference_knows(enum abi abi, uint32_t number)
{
	char *name = seccomp_syscall_resolve_num_arch(arches[abi], (int)number);
	bool knows = name != NULL;

	free(name);
	return knows;
}
