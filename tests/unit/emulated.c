/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/emulated.h"

#include <spawn.h>
#include <stddef.h>
#include <sys/wait.h>

bool is_emulated(void)
{
	char *const words[] = { "/nowhere", NULL };
	pid_t child;

	if (posix_spawn(&child, words[0], NULL, NULL, words, NULL) != 0)
		return false;
	waitpid(child, NULL, 0);
	return true;
}
