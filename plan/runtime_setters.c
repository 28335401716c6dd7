/* SPDX-License-Identifier: Apache-2.0 */
/* The setters of the options about runtimes. */
#include "base/error.h"
#include "base/text.h"
#include "plan/internal.h"
#include "plan/oci_spelling.h"

#include <string.h>

static const char *const platform_words[PLATFORM_COUNT] = {
	[PLATFORM_SYSTRAP] = "systrap",
	[PLATFORM_PTRACE] = "ptrace",
	[PLATFORM_KVM] = "kvm",
};

static const char *const stack_words[] = {
	[GVISOR_NET_NETSTACK] = "netstack",
	[GVISOR_NET_HOST] = "host",
	[GVISOR_NET_NONE] = "none",
};

const char *gvisor_platform_name(enum gvisor_platform platform)
{
	return platform_words[platform];
}

const char *gvisor_net_name(enum gvisor_net net)
{
	return stack_words[net];
}

/* What pools call the runtimes; on the command line they are words of ours alone. */
static const char *runtime_word(const struct given *given)
{
	if (given->level == LEVEL_COMMAND_LINE)
		return given->operand;
	if (!strcmp(given->operand, "gvisor"))
		return "runsc";
	return strcmp(given->operand, "runc") ? given->operand : "native";
}

static int refuse_engine(const char *name, struct error *err)
{
	error_set(err, ERROR_USAGE, "sbx starts its sandboxes by itself, or by runsc");
	return error_hint(
		err, "`sbx config` prints a config.json; `%s run` takes its directory",
		name);
}

int set_runtime(struct draft *draft, const struct given *given, struct error *err)
{
	const char *word = runtime_word(given);

	draft->runtime = given;
	if (!strcmp(word, "native"))
		draft->plan.runtime.kind = RUNTIME_NATIVE;
	else if (!strcmp(word, "runsc"))
		draft->plan.runtime.kind = RUNTIME_RUNSC;
	else if (!strcmp(word, "runc") || !strcmp(word, "crun"))
		return refuse_engine(word, err);
	else {
		error_set(err, ERROR_USAGE, "'%.80s' is neither native nor runsc", word);
		return error_hint(err, "--runtime runsc");
	}
	return 0;
}

static int add_platform(struct runtime_spec *runtime, const char *word, size_t length,
			struct error *err)
{
	for (int i = 0; i < PLATFORM_COUNT; i++) {
		if (strncmp(platform_words[i], word, length) != 0 ||
		    platform_words[i][length] != '\0')
			continue;
		for (size_t j = 0; j < runtime->platform_count; j++) {
			if (runtime->platforms[j] == (enum gvisor_platform)i)
				return error_set(err, ERROR_USAGE,
						 "%s stands there twice",
						 platform_words[i]);
		}
		runtime->platforms[runtime->platform_count++] = (enum gvisor_platform)i;
		return 0;
	}
	error_set(err, ERROR_USAGE, "'%.*s' is none of auto, systrap, ptrace, kvm",
		  (int)(length > 80 ? 80 : length), word);
	return error_hint(err, "--platform auto");
}

int platforms_read(struct runtime_spec *runtime, const char *text, struct error *err)
{
	runtime->platform_count = 0;
	if (!strcmp(text, "auto"))
		return 0;
	for (;;) {
		const size_t length = strcspn(text, ",");

		if (add_platform(runtime, text, length, err) < 0)
			return -1;
		if (!text[length])
			return 0;
		text += length + 1;
	}
}

const char *platforms_text(const struct runtime_spec *runtime, struct arena *arena)
{
	const char *text = "auto";

	for (size_t i = 0; i < runtime->platform_count; i++) {
		const char *word = gvisor_platform_name(runtime->platforms[i]);

		text = i ? arena_printf(arena, "%s,%s", text, word) : word;
	}
	return text;
}

int set_platform(struct draft *draft, const struct given *given, struct error *err)
{
	return platforms_read(&draft->plan.runtime, given->operand, err);
}
