/* SPDX-License-Identifier: Apache-2.0 */
#include "base/own_program.h"

#include "base/fd.h"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

/*
 * The path of the own file. A copy of it that nobody can write (launcher/own_copy.h) has none:
 * its first word is the path of what was copied.
 */
static bool find_own(char *ret_path)
{
	ssize_t length = readlink("/proc/self/exe", ret_path, PATH_MAX - 1);
	auto_close int words = -1;

	if (length <= 0)
		return false;
	ret_path[length] = '\0';
	if (strcmp(ret_path, "/") != 0 && strncmp(ret_path, "/memfd:", 7) != 0)
		return true;
	words = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
	length = words < 0 ? -1 : read(words, ret_path, PATH_MAX - 1);
	if (length <= 0)
		return false;
	ret_path[length] = '\0';
	return ret_path[0] == '/';
}

static bool find_beside(const char *name, char *ret_path)
{
	char *end;
	size_t room;

	if (!find_own(ret_path))
		return false;
	end = strrchr(ret_path, '/');
	if (!end)
		return false;
	room = PATH_MAX - (size_t)(end + 1 - ret_path);
	if ((size_t)snprintf(end + 1, room, "%s", name) >= room)
		return false;
	return access(ret_path, X_OK) == 0;
}

int own_program_find(const char *name, char ret_path[PATH_MAX])
{
	if (find_beside(name, ret_path))
		return 0;
	snprintf(ret_path, PATH_MAX, "%s/%s", SBX_LIBEXECDIR, name);
	return access(ret_path, X_OK);
}

/* What was never written to, as the file has it. */
static void give_segment_back(uintptr_t base, const ElfW(Phdr) * segment)
{
	const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	const uintptr_t start = (base + segment->p_vaddr + page - 1) / page * page;
	const uintptr_t end = (base + segment->p_vaddr + segment->p_filesz) / page * page;

	if (segment->p_type == PT_LOAD && !(segment->p_flags & PF_W) && start < end)
		(void)madvise((void *)start, end - start, MADV_DONTNEED); /* NOLINT */
}

/* Its headers lie at the beginning of the file (elf(5)); where not, nothing is given back. */
void own_program_give_back(void)
{
	const uintptr_t headers = getauxval(AT_PHDR);
	const size_t count = getauxval(AT_PHNUM);
	const uintptr_t base = headers - sizeof(ElfW(Ehdr));
	const ElfW(Phdr) *segments = (const ElfW(Phdr) *)headers; /* NOLINT */

	if (!headers || memcmp((const void *)base, ELFMAG, SELFMAG) != 0) /* NOLINT */
		return;
	for (size_t i = 0; i < count; i++)
		if (segments[i].p_type == PT_LOAD && segments[i].p_offset == 0 &&
		    segments[i].p_vaddr != 0)
			return;
	for (size_t i = 0; i < count; i++)
		give_segment_back(base, &segments[i]);
}
