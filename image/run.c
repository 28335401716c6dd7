/* SPDX-License-Identifier: Apache-2.0 */
/* The whole life of sbx-image: its words, one task, and what became of it. */
#include "image/tasks.h"

#include "base/arena.h"
#include "base/error.h"

#include <archive.h>
#include <iconv.h>
#include <langinfo.h>
#include <sodium.h>
#include <stdint.h>
#include <stdio.h>

enum { FAILED = 125 };

int image_probe(void)
{
	printf("version %s\n", SBX_VERSION);
	printf("archives %s\n", archive_version_details());
	printf("signatures libsodium %s\n", sodium_version_string());
	return fflush(stdout) == 0 ? 0 : 1;
}

static int perform(const struct image_job *job, struct arena *arena, struct error *err)
{
	switch (job->task) {
	case IMAGE_TASK_INSPECT:
	case IMAGE_TASK_EXTRACT:
		return task_extract(job, arena, err);
	case IMAGE_TASK_VERIFY:
		return task_verify(job, arena, err);
	case IMAGE_TASK_DIGEST:
		return task_digest(job, arena, err);
	case IMAGE_TASK_REMOVE:
		return task_remove(job, arena, err);
	}
	return error_set(err, ERROR_IMAGE, "do what sbx-image was asked for");
}

int image_job_run(const struct image_job *job, struct arena *arena)
{
	const struct image_turn done = { .kind = IMAGE_TURN_DONE };
	const struct image_turn failed = { .kind = IMAGE_TURN_FAILED };
	struct error err = { 0 };

	if (perform(job, arena, &err) == 0)
		return image_turn_send(job->socket, &done, NULL, -1) == 0 ? 0 : FAILED;
	(void)image_turn_send(job->socket, &failed, &err, -1);
	return FAILED;
}

/*
 * What libraries set up at their first use, from the file system that is still ours: later it
 * is the archive's. The C library keeps its table of character sets from then on; libarchive
 * will ask for this pair, and no locale is ever set (extract_names.c).
 */
static int settle_libraries(void)
{
	iconv_t table = iconv_open(nl_langinfo(CODESET), "UTF-8");

	/* iconv_open(3): its failure is (iconv_t)-1, which means no table, and no harm */
	if ((intptr_t)table != -1)
		(void)iconv_close(table);
	return sodium_init() < 0 ? -1 : 0;
}

int image_serve(const char *const *words)
{
	struct arena arena = { 0 };
	struct image_job job;
	struct error err;
	int status = FAILED;

	if (image_job_read(words, &arena, &job, &err) == 0 && settle_libraries() == 0)
		status = image_job_run(&job, &arena);
	arena_free(&arena);
	return status;
}
