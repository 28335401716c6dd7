/* SPDX-License-Identifier: Apache-2.0 */
/* Setters of bubblewrap's options, but for those of the file system. */
#include "base/error.h"
#include "base/fd.h"
#include "base/files.h"
#include "base/text.h"
#include "plan/bwrap.h"

#include <ctype.h>
#include <limits.h>
#include <string.h>
#include <strings.h>

enum {
	FILTER_BYTES_MAX = 1024 * 1024, /* far above what the kernel takes */
	INSTRUCTION_BYTES = 8,
};

int bwrap_to_fd(const char *text, int *ret_fd, struct error *err)
{
	if (text_to_int(text, 0, INT_MAX, ret_fd) < 0)
		return error_set(err, ERROR_USAGE, "Invalid fd: %s", text);
	return 0;
}

void bwrap_own_fd(struct bwrap_reader *reader, int fd)
{
	struct wrap_spec *wrap = &reader->plan->wrap;

	reader->own_fds = arena_grow(&reader->plan->arena, reader->own_fds,
				     wrap->own_fd_count, sizeof(*reader->own_fds));
	reader->own_fds[wrap->own_fd_count++] = fd;
	wrap->own_fds = reader->own_fds;
}

/* ---- answers ---- */

int bwrap_answer_help(struct bwrap_reader *reader, const struct bwrap_option *option,
		      const char *const *operands, struct error *err)
{
	(void)option;
	(void)operands;
	(void)err;
	reader->plan->wrap.answer =
		plan_bwrap_usage(reader->program, &reader->plan->arena);
	return 0;
}

int bwrap_answer_version(struct bwrap_reader *reader, const struct bwrap_option *option,
			 const char *const *operands, struct error *err)
{
	(void)option;
	(void)operands;
	(void)err;
	/* what the callers compare, so it names the program whose language this is */
	reader->plan->wrap.answer = "bubblewrap 0.11.1\n";
	return 0;
}

/* ---- of the plan, and of the reader ---- */

static void *of_plan(const struct bwrap_reader *reader, const struct bwrap_option *option)
{
	return (char *)reader->plan + option->field;
}

static void *of_reader(struct bwrap_reader *reader, const struct bwrap_option *option)
{
	return (char *)reader + option->field;
}

int bwrap_set_flag(struct bwrap_reader *reader, const struct bwrap_option *option,
		   const char *const *operands, struct error *err)
{
	(void)operands;
	(void)err;
	*(bool *)of_plan(reader, option) = true;
	return 0;
}

int bwrap_set_text(struct bwrap_reader *reader, const struct bwrap_option *option,
		   const char *const *operands, struct error *err)
{
	(void)err;
	*(const char **)of_plan(reader, option) = operands[0];
	return 0;
}

int bwrap_set_fd(struct bwrap_reader *reader, const struct bwrap_option *option,
		 const char *const *operands, struct error *err)
{
	int fd;

	if (bwrap_to_fd(operands[0], &fd, err) < 0)
		return -1;
	if (option->flags & BWRAP_OWN_FD)
		bwrap_own_fd(reader, fd);
	*(int *)of_plan(reader, option) = fd;
	return 0;
}

int bwrap_ask(struct bwrap_reader *reader, const struct bwrap_option *option,
	      const char *const *operands, struct error *err)
{
	(void)operands;
	(void)err;
	*(bool *)of_reader(reader, option) = true;
	return 0;
}

int bwrap_ask_fd(struct bwrap_reader *reader, const struct bwrap_option *option,
		 const char *const *operands, struct error *err)
{
	return bwrap_to_fd(operands[0], of_reader(reader, option), err);
}

int bwrap_set_id(struct bwrap_reader *reader, const struct bwrap_option *option,
		 const char *const *operands, struct error *err)
{
	uint32_t id;

	if (text_to_u32(operands[0], &id) < 0 || id == UINT32_MAX)
		return error_set(err, ERROR_USAGE, "Invalid %s: %s", option->name + 2,
				 operands[0]);
	*(uint32_t *)of_reader(reader, option) = id;
	return 0;
}

int bwrap_set_argv0(struct bwrap_reader *reader, const struct bwrap_option *option,
		    const char *const *operands, struct error *err)
{
	struct wrap_spec *wrap = &reader->plan->wrap;

	if (wrap->argv0)
		return error_set(err, ERROR_USAGE, "%s used multiple times",
				 option->name);
	wrap->argv0 = operands[0];
	return 0;
}

int bwrap_set_cwd(struct bwrap_reader *reader, const struct bwrap_option *option,
		  const char *const *operands, struct error *err)
{
	(void)option;
	(void)err;
	reader->plan->process.cwd = operands[0];
	reader->plan->wrap.cwd_given = true;
	return 0;
}

int bwrap_unshare_all(struct bwrap_reader *reader, const struct bwrap_option *option,
		      const char *const *operands, struct error *err)
{
	static const enum ns_kind kinds[] = { NS_IPC, NS_PID, NS_NET, NS_UTS };

	(void)option;
	(void)operands;
	(void)err;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		reader->unshare[kinds[i]] = true;
	reader->unshare_user_try = reader->unshare_cgroup_try = true;
	return 0;
}

int bwrap_share_net(struct bwrap_reader *reader, const struct bwrap_option *option,
		    const char *const *operands, struct error *err)
{
	(void)option;
	(void)operands;
	(void)err;
	reader->unshare[NS_NET] = false;
	return 0;
}

static void add_to(struct bwrap_reader *reader, struct text_list *list, const char *text)
{
	list->texts = arena_grow(&reader->plan->arena, list->texts, list->count,
				 sizeof(*list->texts));
	list->texts[list->count++] = text;
}

int bwrap_add_lock(struct bwrap_reader *reader, const struct bwrap_option *option,
		   const char *const *operands, struct error *err)
{
	(void)option;
	(void)err;
	add_to(reader, &reader->lock_files, operands[0]);
	return 0;
}

int bwrap_refuse_label(struct bwrap_reader *reader, const struct bwrap_option *option,
		       const char *const *operands, struct error *err)
{
	(void)reader;
	(void)option;
	(void)operands;
	return error_set(err, ERROR_USAGE, "labeling not supported on this system");
}

/* ---- the environment ---- */

static bool is_variable_name(const char *name)
{
	return name[0] && !strchr(name, '=');
}

/* Where the variable stands from index on, or the end of the list. */
static size_t find_variable(const struct text_list *env, const char *name, size_t index)
{
	size_t length = strlen(name);

	for (; index < env->count; index++) {
		if (!strncmp(env->texts[index], name, length) &&
		    env->texts[index][length] == '=')
			break;
	}
	return index;
}

int bwrap_set_variable(struct bwrap_reader *reader, const struct bwrap_option *option,
		       const char *const *operands, struct error *err)
{
	const char *text;
	size_t index;

	if (!is_variable_name(operands[0]))
		return error_set(err, ERROR_USAGE, "%s failed", option->name + 2);
	text = arena_printf(&reader->plan->arena, "%s=%s", operands[0], operands[1]);
	index = find_variable(&reader->env, operands[0], 0);
	if (index < reader->env.count)
		reader->env.texts[index] = text;
	else
		add_to(reader, &reader->env, text);
	return 0;
}

int bwrap_unset_variable(struct bwrap_reader *reader, const struct bwrap_option *option,
			 const char *const *operands, struct error *err)
{
	struct text_list *env = &reader->env;

	if (!is_variable_name(operands[0]))
		return error_set(err, ERROR_USAGE, "%s failed", option->name + 2);
	for (size_t i = find_variable(env, operands[0], 0); i < env->count;
	     i = find_variable(env, operands[0], i)) {
		memmove(env->texts + i, env->texts + i + 1,
			(env->count - i - 1) * sizeof(*env->texts));
		env->count--;
	}
	return 0;
}

int bwrap_clear_variables(struct bwrap_reader *reader, const struct bwrap_option *option,
			  const char *const *operands, struct error *err)
{
	(void)option;
	(void)operands;
	(void)err;
	reader->env = (struct text_list){ 0 };
	return 0;
}

/* ---- lockdown ---- */

/* ALL, cap_NAME in any case, or a number; not a NAME alone. 0: none of them. */
static uint64_t cap_bits(const char *text)
{
	uint32_t number;

	if (!strcasecmp(text, "ALL") || !strncasecmp(text, "cap_", 4))
		return caps_by_name(text);
	if (text_to_u32(text, &number) < 0 || number >= 64)
		return 0;
	return caps_all() & UINT64_C(1) << number;
}

int bwrap_change_cap(struct bwrap_reader *reader, const struct bwrap_option *option,
		     const char *const *operands, struct error *err)
{
	struct caps_spec *caps = &reader->plan->policy.caps;
	uint64_t bits = cap_bits(operands[0]);

	if (!bits)
		return error_set(err, ERROR_USAGE, "unknown cap: %s", operands[0]);
	reader->caps_changed = true;
	if (option->value)
		caps->kept |= bits;
	else
		caps->kept &= ~bits;
	return 0;
}

static int refuse_filter(const char *option, struct error *err)
{
	return error_set(err, ERROR_POLICY, "%s is not available: built without seccomp",
			 option);
}

int bwrap_set_seccomp(struct bwrap_reader *reader, const struct bwrap_option *option,
		      const char *const *operands, struct error *err)
{
	if (!policy_is_built_in())
		return refuse_filter("--seccomp", err);
	if (reader->plan->wrap.filter_count)
		return error_set(err, ERROR_USAGE,
				 "--seccomp cannot be combined with --add-seccomp-fd");
	return bwrap_set_fd(reader, option, operands, err);
}

static int read_filter(struct bwrap_reader *reader, int fd,
		       struct seccomp_program *ret_filter, struct error *err)
{
	size_t length;
	const char *bytes =
		files_read_all(&reader->plan->arena, fd, FILTER_BYTES_MAX, &length);

	if (!bytes)
		return error_errno(err, "Can't read seccomp data");
	if (length % INSTRUCTION_BYTES)
		return error_set(err, ERROR_SECCOMP,
				 "Invalid seccomp data, must be multiple of 8");
	/* an empty program is none to the plan, and refused by the kernel */
	if (!length)
		return error_set(
			err, ERROR_SECCOMP,
			"Unable to set up system call filtering as requested: "
			"prctl(PR_SET_SECCOMP) reported EINVAL. (Hint: this requires "
			"a kernel configured with CONFIG_SECCOMP and "
			"CONFIG_SECCOMP_FILTER.)");
	ret_filter->instructions = bytes;
	ret_filter->count = length / INSTRUCTION_BYTES;
	return 0;
}

int bwrap_add_seccomp(struct bwrap_reader *reader, const struct bwrap_option *option,
		      const char *const *operands, struct error *err)
{
	struct wrap_spec *wrap = &reader->plan->wrap;
	struct seccomp_program filter;
	auto_close int fd = -1;

	(void)option;
	if (!policy_is_built_in())
		return refuse_filter("--add-seccomp-fd", err);
	if (wrap->seccomp_fd >= 0)
		return error_set(err, ERROR_USAGE,
				 "--add-seccomp-fd cannot be combined with --seccomp");
	if (bwrap_to_fd(operands[0], &fd, err) < 0 ||
	    read_filter(reader, fd, &filter, err) < 0)
		return -1;
	reader->filters = arena_grow(&reader->plan->arena, reader->filters,
				     wrap->filter_count, sizeof(*reader->filters));
	reader->filters[wrap->filter_count++] = filter;
	wrap->filters = reader->filters;
	return 0;
}
