/* SPDX-License-Identifier: Apache-2.0 */
/* The whole life of sbx-image: its words, one task, and what became of it. */
#include "image/tasks.h"

#include "base/arena.h"
#include "base/error.h"

#include <archive.h>
#include <sodium.h>
#include <stdio.h>

int image_probe(void)
{
	printf("version %s\n", SBX_VERSION);
	printf("archives %s\n", archive_version_details());
	printf("signatures libsodium %s\n", sodium_version_string());
	return fflush(stdout) == 0 ? 0 : 1;
}

int image_job_run(const struct image_job *job, struct arena *arena)
{
	(void)job;
	(void)arena;
	return 125;
}

int image_serve(const char *const *words)
{
	(void)words;
	return 125;
}
