/* SPDX-License-Identifier: Apache-2.0 */
#include "base/program.h"

#include "base/error.h"
#include "base/text.h"

#include <elf.h>
#include <string.h>
#include <unistd.h>

enum {
	HEAD_SIZE = 4096,
	TABLE_MAX = 65536, /* bytes of program headers that the kernel takes */
	EM_486 = 6,        /* for the kernel; the C libraries know no such machine */
};

/* A file whose head is there already; fd is -1 if that is all of it. */
struct source {
	const char *head;
	size_t length;
	int fd;
};

static bool take(const struct source *source, uint64_t offset, void *to, size_t size)
{
	if (offset <= source->length && size <= source->length - offset) {
		memcpy(to, source->head + offset, size);
		return true;
	}
	if (source->fd < 0 || offset > (uint64_t)INT64_MAX - size)
		return false;
	return pread(source->fd, to, size, (off_t)offset) == (ssize_t)size;
}

/* ---- scripts ---- */

/*
 * The end of the first line. Without a newline the name of the interpreter must have an
 * end at least: an argument may be cut, a name would be another one.
 */
static enum program_kind find_line_end(const char *line, size_t *ret_end)
{
	size_t end = strcspn(line, "\n");
	size_t name;

	if (line[end] == '\n') {
		*ret_end = end;
		return PROGRAM_SCRIPT;
	}
	name = 2 + strspn(line + 2, " \t");
	if (name == PROGRAM_LINE_MAX)
		return PROGRAM_OTHER;
	if (name + strcspn(line + name, " \t") == PROGRAM_LINE_MAX)
		return PROGRAM_CUT_SCRIPT;
	*ret_end = PROGRAM_LINE_MAX - 1;
	return PROGRAM_SCRIPT;
}

/* A carriage return is no blank: it is part of the name, as for the kernel. */
static void parse_script(const struct source *source, struct program *program)
{
	char line[PROGRAM_LINE_MAX + 1] = "";
	size_t length = source->length, end, name;
	enum program_kind kind;

	memcpy(line, source->head, length < PROGRAM_LINE_MAX ? length : PROGRAM_LINE_MAX);
	kind = find_line_end(line, &end);
	if (kind != PROGRAM_SCRIPT) {
		program->kind = kind;
		return;
	}
	while (line[end - 1] == ' ' || line[end - 1] == '\t')
		end--;
	line[end] = '\0';
	name = 2 + strspn(line + 2, " \t");
	if (name >= end)
		return;
	program->kind = PROGRAM_SCRIPT;
	length = strcspn(line + name, " \t");
	memcpy(program->interpreter, line + name, length);
	program->interpreter[length] = '\0';
	name += length + strspn(line + name + length, " \t");
	(void)text_copy(program->argument, sizeof(program->argument), line + name);
}

/* ---- ELF files ---- */

bool program_is_foreign(const struct program *program)
{
	if (program->kind != PROGRAM_ELF)
		return false;
#if defined(__x86_64__)
	return program->machine != EM_X86_64 && program->machine != EM_386 &&
	       program->machine != EM_486;
#elif defined(__aarch64__)
	return program->machine != EM_AARCH64 && program->machine != EM_ARM;
#else
	return false;
#endif
}

/* What both classes have. */
struct table {
	uint64_t offset;
	size_t count, entry_size;
};

struct segment {
	uint32_t type;
	uint64_t offset, size;
};

/*
 * The kernel asks for the machine, and for the class only where a machine has both: a file
 * that lies about its class is read as if it did not.
 */
static bool is_wide(const Elf64_Ehdr *header)
{
	switch (header->e_machine) {
	case EM_386:
	case EM_486:
	case EM_ARM:
		return false;
	case EM_X86_64:
		return header->e_phentsize == sizeof(Elf64_Phdr);
	case EM_AARCH64:
		return true;
	default:
		return header->e_ident[EI_CLASS] == ELFCLASS64;
	}
}

/* What is behind the end of a short file is zero. */
static bool read_table(const struct source *source, struct program *program,
		       struct table *ret_table)
{
	size_t length = source->length;
	Elf64_Ehdr wide = { 0 };
	Elf32_Ehdr narrow = { 0 };

	memcpy(&wide, source->head, length < sizeof(wide) ? length : sizeof(wide));
	memcpy(&narrow, source->head, length < sizeof(narrow) ? length : sizeof(narrow));
	program->machine = wide.e_machine;
	if (is_wide(&wide)) {
		program->bits = 64;
		*ret_table =
			(struct table){ wide.e_phoff, wide.e_phnum, wide.e_phentsize };
		return wide.e_phentsize == sizeof(Elf64_Phdr);
	}
	program->bits = 32;
	*ret_table = (struct table){ narrow.e_phoff, narrow.e_phnum, narrow.e_phentsize };
	return narrow.e_phentsize == sizeof(Elf32_Phdr);
}

static bool read_segment(const struct source *source, const struct table *table,
			 size_t index, struct segment *ret_segment)
{
	Elf64_Phdr wide;
	Elf32_Phdr narrow;
	uint64_t at;

	if (__builtin_add_overflow(table->offset, index * table->entry_size, &at))
		return false;
	if (table->entry_size == sizeof(wide)) {
		if (!take(source, at, &wide, sizeof(wide)))
			return false;
		*ret_segment =
			(struct segment){ wide.p_type, wide.p_offset, wide.p_filesz };
		return true;
	}
	if (!take(source, at, &narrow, sizeof(narrow)))
		return false;
	*ret_segment =
		(struct segment){ narrow.p_type, narrow.p_offset, narrow.p_filesz };
	return true;
}

/* The first segment that names a loader counts, whatever is behind it. */
static bool read_loader(const struct source *source, const struct table *table,
			char loader[static PATH_MAX])
{
	struct segment segment;

	if (table->count == 0 || table->count > TABLE_MAX / table->entry_size)
		return false;
	for (size_t i = 0; i < table->count; i++) {
		if (!read_segment(source, table, i, &segment))
			return false;
		if (segment.type != PT_INTERP)
			continue;
		return segment.size >= 2 && segment.size <= PATH_MAX &&
		       take(source, segment.offset, loader, segment.size) &&
		       loader[segment.size - 1] == '\0';
	}
	return true;
}

/*
 * For a machine that has its bytes the other way round, whose numbers we need not read
 * further. A file of our own machine that says so lies, and runs.
 */
static bool is_swapped(const struct source *source, struct program *program)
{
	const unsigned char other =
		__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2MSB : ELFDATA2LSB;
	uint16_t machine;

	if (source->length <= EI_DATA || (unsigned char)source->head[EI_DATA] != other ||
	    !take(source, offsetof(Elf64_Ehdr, e_machine), &machine, sizeof(machine)))
		return false;
	program->machine = machine;
	if (!program_is_foreign(program))
		return false;
	program->machine = (unsigned int)(machine >> 8 | (machine & 0xff) << 8);
	program->bits = source->head[EI_CLASS] == ELFCLASS64 ? 64 : 32;
	return true;
}

static void parse_elf(const struct source *source, struct program *program)
{
	struct table table;

	program->kind = PROGRAM_ELF;
	if (is_swapped(source, program))
		return;
	if (read_table(source, program, &table) &&
	    read_loader(source, &table, program->interpreter))
		return;
	program->kind = PROGRAM_UNKNOWN;
	program->interpreter[0] = '\0';
}

/* ---- both ---- */

static void parse(const struct source *source, struct program *ret_program)
{
	ret_program->kind = PROGRAM_OTHER;
	ret_program->bits = ret_program->machine = 0;
	ret_program->interpreter[0] = ret_program->argument[0] = '\0';
	if (source->length >= 2 && memcmp(source->head, "#!", 2) == 0)
		parse_script(source, ret_program);
	else if (source->length >= SELFMAG && memcmp(source->head, ELFMAG, SELFMAG) == 0)
		parse_elf(source, ret_program);
}

int program_read(int fd, struct program *ret_program)
{
	char head[HEAD_SIZE];
	ssize_t length = pread(fd, head, sizeof(head), 0);
	const struct source source = { head, (size_t)length, fd };

	if (length < 0)
		return -1;
	parse(&source, ret_program);
	return 0;
}

void program_parse(const void *bytes, size_t size, struct program *ret_program)
{
	const struct source source = { bytes, size, -1 };

	parse(&source, ret_program);
}

int program_refuse_interpreter(const struct program *program, const char *name,
			       const char *file, struct error *err)
{
	const char *missing = program->interpreter;
	const char *where =
		missing[0] == '/' ? "" : ", relative to the working directory,";
	const char *last = strrchr(missing, '\r');
	bool is_dos = last && last[1] == '\0', own = strcmp(name, file) == 0;

	if (is_dos && own)
		error_set(err, ERROR_COMMAND_NOT_EXECUTABLE,
			  "start %.150s: its first line ends in a carriage return", name);
	else if (is_dos)
		error_set(
			err, ERROR_COMMAND_NOT_EXECUTABLE,
			"start %.90s: the first line of %.90s ends in a carriage return",
			name, file);
	else if (own)
		error_set(err, ERROR_COMMAND_NOT_EXECUTABLE,
			  "start %.80s: its interpreter %.100s%s is missing", name,
			  missing, where);
	else
		error_set(err, ERROR_COMMAND_NOT_EXECUTABLE,
			  "start %.60s: the interpreter %.80s of %.60s%s is missing",
			  name, missing, file, where);
	if (is_dos)
		error_hint(err, "sed -i 's/\\r$//' %s", file);
	err->status = 126;
	return -1;
}
