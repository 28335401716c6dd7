/* SPDX-License-Identifier: Apache-2.0 */
/* Which words of linux.seccomp are understood, and which flags this kernel takes. */
#include "policy/profile.h"

#include "base/arena.h"
#include "policy/oci.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV /* since 5.19 */
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

/* In the order of oci_flags; the last one means something with a listener alone. */
static const unsigned long flag_bits[] = {
	SECCOMP_FILTER_FLAG_TSYNC,
	SECCOMP_FILTER_FLAG_LOG,
	SECCOMP_FILTER_FLAG_SPEC_ALLOW,
	SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV | SECCOMP_FILTER_FLAG_NEW_LISTENER,
};

/* seccomp(2) looks at the flags before it looks for the program, which is not there. */
static bool kernel_takes(unsigned long flags)
{
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, NULL) < 0 &&
	       errno == EFAULT;
}

static bool is_among(const char *const *words, size_t count, const char *word)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(words[i], word) == 0)
			return true;
	return false;
}

/* Each once, and room for one more. */
static const char **copy_words(struct arena *arena, const char *const *words,
			       size_t *ret_count)
{
	size_t count = 0, wanted = 0;
	const char **copy;

	while (words[wanted])
		wanted++;
	copy = arena_alloc_array(arena, wanted + 2, sizeof(*copy));
	for (size_t i = 0; i < wanted; i++)
		if (!is_among(copy, count, words[i]))
			copy[count++] = words[i];
	*ret_count = count;
	return copy;
}

void profile_known_words(struct arena *arena, struct profile_words *ret_words)
{
	const char **actions, **supported;
	size_t count;

	actions = copy_words(arena, oci_actions, &count);
	actions[count] = "SCMP_ACT_KILL"; /* an older name of KILL_THREAD */
	ret_words->actions = actions;
	ret_words->operators = copy_words(arena, oci_ops, &count);
	ret_words->arches = copy_words(arena, oci_arches, &count);
	ret_words->flags = copy_words(arena, oci_flags, &count);
	supported = arena_alloc_array(arena, count + 1, sizeof(*supported));
	ret_words->kernel_flags = supported;
	for (size_t i = 0; i < count && i < sizeof(flag_bits) / sizeof(*flag_bits); i++)
		if (kernel_takes(flag_bits[i]))
			*supported++ = ret_words->flags[i];
}
