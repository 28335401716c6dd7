/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Programs from a root that is not ours: their first line or their ELF headers. From memory
 * and from a file they must be the same.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/program.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds, const char *claim)
{
	if (holds)
		return;
	fprintf(stderr, "does not hold: %s\n", claim);
	abort();
}

static void check_script(const struct program *program)
{
	const char *name = program->interpreter, *argument = program->argument;
	size_t length = strnlen(argument, sizeof(program->argument));

	demand(strnlen(name, PROGRAM_LINE_MAX) <= PROGRAM_LINE_MAX - 3, "a name fits");
	demand(!name[strcspn(name, " \t\n")], "a name has no blank in it");
	demand(length < PROGRAM_LINE_MAX - 3, "an argument fits");
	demand(!argument[strcspn(argument, "\n")], "an argument is of one line");
	demand(!length || !strchr(" \t", argument[0]), "it begins with no blank");
}

static void check(const struct program *program)
{
	switch (program->kind) {
	case PROGRAM_SCRIPT:
		check_script(program);
		break;
	case PROGRAM_ELF:
		demand(memchr(program->interpreter, 0, PATH_MAX), "a loader has an end");
		demand(program->bits == 32 || program->bits == 64,
		       "there are two classes");
		break;
	case PROGRAM_OTHER:
	case PROGRAM_CUT_SCRIPT:
	case PROGRAM_UNKNOWN:
		demand(!program->interpreter[0], "it needs no interpreter");
		break;
	}
}

static void demand_equal(const struct program *a, const struct program *b)
{
	demand(a->kind == b->kind && a->bits == b->bits && a->machine == b->machine,
	       "memory and file are of one kind");
	demand(!strcmp(a->interpreter, b->interpreter) &&
		       !strcmp(a->argument, b->argument),
	       "memory and file name one interpreter");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Exactly as long as it is, so that reading behind it is seen. */
	uint8_t *bytes = malloc(size ? size : 1);
	auto_close int fd = memfd_create("program", MFD_CLOEXEC);
	struct program parsed, read;

	if (!bytes || fd < 0)
		abort();
	if (size > 0)
		memcpy(bytes, data, size);
	memset(&parsed, 0x5a, sizeof(parsed));
	memset(&read, 0xa5, sizeof(read));
	program_parse(bytes, size, &parsed);
	check(&parsed);
	demand(fd_write_all(fd, data, size) == 0 && program_read(fd, &read) == 0,
	       "a file can be read");
	demand_equal(&parsed, &read);
	free(bytes);
	return 0;
}
