/* SPDX-License-Identifier: Apache-2.0 */
/* What kind of program a file is: as the kernel reads it, whatever the file says. */
#include "base/error.h"
#include "base/fd.h"
#include "base/program.h"
#include "tests/unit/temporary.h"

#include <elf.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* From memory that is no longer than the file, so that reading behind it is seen. */
static struct program parsed(const void *bytes, size_t size)
{
	struct program program;
	char *copy = malloc(size ? size : 1);

	if (!copy)
		abort();
	if (size)
		memcpy(copy, bytes, size);
	memset(&program, 0x5a, sizeof(program));
	program_parse(copy, size, &program);
	free(copy);
	return program;
}

static struct program of_file(void **state, const void *bytes, size_t size)
{
	auto_close int fd = open(temporary_file(*state, "program", bytes, size),
				 O_RDONLY | O_CLOEXEC);
	struct program program;

	memset(&program, 0x5a, sizeof(program));
	assert_int_equal(program_read(fd, &program), 0);
	return program;
}

/* ---- scripts ----------------------------------------------------------------------------- */

static void assert_script(const char *text, const char *interpreter, const char *argument)
{
	struct program program = parsed(text, strlen(text));

	assert_int_equal(program.kind, PROGRAM_SCRIPT);
	assert_string_equal(program.interpreter, interpreter);
	assert_string_equal(program.argument, argument);
}

static void a_script_names_its_interpreter_and_one_argument(void **state)
{
	(void)state;
	assert_script("#!/bin/sh\n", "/bin/sh", "");
	assert_script("#! \t/bin/sh \t\nexit\n", "/bin/sh", "");
	assert_script("#!/usr/bin/env  -S python3 -u \t\n", "/usr/bin/env",
		      "-S python3 -u");
	assert_script("#!bin/sh -e\n", "bin/sh", "-e");
	assert_script("#!/bin/sh", "/bin/sh", "");
	assert_script("#!/bin/sh -e", "/bin/sh", "-e");
	assert_script("#!/bin/sh\r\n", "/bin/sh\r", "");
	assert_script("#!", "", "");
}

static void a_line_without_an_interpreter_is_no_script(void **state)
{
	static const char *const texts[] = {
		"", "#", "# !/bin/sh\n", "#!\n", "#! \t \n/bin/sh\n", "echo\n", "\177EL"
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		assert_int_equal(parsed(texts[i], strlen(texts[i])).kind, PROGRAM_OTHER);
}

/* "#!", a name of so many letters, and what is behind it. */
static struct program named(size_t letters, const char *behind)
{
	char text[1000], name[600];

	memset(name, 'x', sizeof(name));
	snprintf(text, sizeof(text), "#!/%.*s%s", (int)letters - 1, name, behind);
	return parsed(text, strlen(text));
}

static void a_name_that_is_cut_is_no_name(void **state)
{
	char blanks[400];

	(void)state;
	assert_int_equal(named(253, "\n").kind, PROGRAM_SCRIPT);
	assert_int_equal(strlen(named(253, "\n").interpreter), 253);
	assert_int_equal(named(253, "").kind, PROGRAM_SCRIPT);
	assert_int_equal(named(253, " -x\n").kind, PROGRAM_SCRIPT);
	assert_string_equal(named(253, " -x\n").argument, "");
	assert_int_equal(named(254, "\n").kind, PROGRAM_CUT_SCRIPT);
	assert_int_equal(named(254, "").kind, PROGRAM_CUT_SCRIPT);
	assert_int_equal(named(500, "\n").kind, PROGRAM_CUT_SCRIPT);
	/* an argument may be cut, and nothing but blanks is no name */
	assert_int_equal(strlen(named(200, " -a-long-argument-that-goes-on-and-on-and-on"
					   "-and-on-and-on-and-on\n")
					.argument),
			 52);
	snprintf(blanks, sizeof(blanks), "#!%300s/bin/sh\n", "");
	assert_int_equal(parsed(blanks, strlen(blanks)).kind, PROGRAM_OTHER);
}

/* ---- ELF files --------------------------------------------------------------------------- */

static struct {
	Elf64_Ehdr header;
	Elf64_Phdr segments[4];
	char path[16];
} wide;

static struct {
	Elf32_Ehdr header;
	Elf32_Phdr segments[4];
	char path[16];
} narrow;

/* Both name /lib/ld.so in their last segment. */
static void make_both(void)
{
	memset(&wide, 0, sizeof(wide));
	memcpy(wide.header.e_ident, ELFMAG, SELFMAG);
	wide.header.e_ident[EI_CLASS] = ELFCLASS64;
	wide.header.e_machine = EM_X86_64;
	wide.header.e_phoff = offsetof(__typeof__(wide), segments);
	wide.header.e_phentsize = sizeof(wide.segments[0]);
	wide.header.e_phnum = 4;
	wide.segments[3].p_type = PT_INTERP;
	wide.segments[3].p_offset = offsetof(__typeof__(wide), path);
	wide.segments[3].p_filesz = sizeof("/lib/ld.so");
	memcpy(wide.path, "/lib/ld.so", sizeof("/lib/ld.so"));

	memset(&narrow, 0, sizeof(narrow));
	memcpy(narrow.header.e_ident, ELFMAG, SELFMAG);
	narrow.header.e_ident[EI_CLASS] = ELFCLASS32;
	narrow.header.e_machine = EM_386;
	narrow.header.e_phoff = offsetof(__typeof__(narrow), segments);
	narrow.header.e_phentsize = sizeof(narrow.segments[0]);
	narrow.header.e_phnum = 4;
	narrow.segments[3].p_type = PT_INTERP;
	narrow.segments[3].p_offset = offsetof(__typeof__(narrow), path);
	narrow.segments[3].p_filesz = sizeof("/lib/ld.so");
	memcpy(narrow.path, "/lib/ld.so", sizeof("/lib/ld.so"));
}

static void assert_elf(struct program program, unsigned int bits, const char *interpreter)
{
	assert_int_equal(program.kind, PROGRAM_ELF);
	assert_int_equal(program.bits, bits);
	assert_string_equal(program.interpreter, interpreter);
}

static void both_classes_name_their_loader(void **state)
{
	(void)state;
	make_both();
	assert_elf(parsed(&wide, sizeof(wide)), 64, "/lib/ld.so");
	assert_int_equal(parsed(&wide, sizeof(wide)).machine, EM_X86_64);
	assert_elf(parsed(&narrow, sizeof(narrow)), 32, "/lib/ld.so");
	assert_int_equal(parsed(&narrow, sizeof(narrow)).machine, EM_386);
	wide.segments[3].p_type = narrow.segments[3].p_type = PT_NOTE;
	assert_elf(parsed(&wide, sizeof(wide)), 64, "");
	assert_elf(parsed(&narrow, sizeof(narrow)), 32, "");
}

/* The kernel goes by the machine: a loader must not hide behind another class. */
static void a_class_that_is_a_lie_hides_nothing(void **state)
{
	(void)state;
	make_both();
	wide.header.e_ident[EI_CLASS] = ELFCLASS32;
	assert_elf(parsed(&wide, sizeof(wide)), 64, "/lib/ld.so");
	wide.header.e_machine = EM_AARCH64;
	assert_elf(parsed(&wide, sizeof(wide)), 64, "/lib/ld.so");
	narrow.header.e_ident[EI_CLASS] = ELFCLASS64;
	assert_elf(parsed(&narrow, sizeof(narrow)), 32, "/lib/ld.so");
	narrow.header.e_machine = EM_ARM;
	assert_elf(parsed(&narrow, sizeof(narrow)), 32, "/lib/ld.so");
	narrow.header.e_machine = EM_X86_64; /* x32 */
	assert_elf(parsed(&narrow, sizeof(narrow)), 32, "/lib/ld.so");
}

static void the_first_loader_counts(void **state)
{
	(void)state;
	make_both();
	wide.segments[1] = wide.segments[3];
	wide.segments[1].p_offset += 4;
	wide.segments[1].p_filesz -= 4;
	assert_elf(parsed(&wide, sizeof(wide)), 64, "/ld.so");
}

static void assert_unknown(void **state)
{
	struct program program = parsed(&wide, sizeof(wide));

	assert_int_equal(program.kind, PROGRAM_UNKNOWN);
	assert_string_equal(program.interpreter, "");
	program = of_file(state, &wide, sizeof(wide));
	assert_int_equal(program.kind, PROGRAM_UNKNOWN);
	assert_string_equal(program.interpreter, "");
	make_both();
}

static void what_lies_about_its_size_is_unknown(void **state)
{
	make_both();
	wide.header.e_phoff = UINT64_MAX - 10;
	assert_unknown(state);
	wide.header.e_phoff = INT64_MAX - 10;
	assert_unknown(state);
	wide.header.e_phoff = sizeof(wide) - 50;
	assert_unknown(state);
	wide.header.e_phnum = UINT16_MAX;
	assert_unknown(state);
	wide.header.e_phnum = 0;
	assert_unknown(state);
	wide.header.e_phentsize--;
	assert_unknown(state);
	wide.header.e_phentsize = 0;
	assert_unknown(state);
	wide.segments[3].p_filesz = UINT64_MAX;
	assert_unknown(state);
	wide.segments[3].p_filesz = PATH_MAX + 1;
	assert_unknown(state);
	wide.segments[3].p_filesz = 1;
	assert_unknown(state);
	wide.segments[3].p_offset = UINT64_MAX - 5;
	assert_unknown(state);
	wide.segments[3].p_offset = sizeof(wide) - 5;
	assert_unknown(state);
	wide.segments[3].p_filesz--; /* without its NUL */
	assert_unknown(state);
}

static void a_file_that_is_cut_anywhere_is_unknown(void **state)
{
	make_both();
	for (size_t size = SELFMAG; size < sizeof(wide) - 5; size++) {
		assert_int_equal(parsed(&wide, size).kind, PROGRAM_UNKNOWN);
		if (size < sizeof(narrow) - 5)
			assert_int_equal(parsed(&narrow, size).kind, PROGRAM_UNKNOWN);
		if (size % 16 == 0)
			assert_int_equal(of_file(state, &wide, size).kind,
					 PROGRAM_UNKNOWN);
	}
}

static void what_lies_behind_the_first_page_is_found(void **state)
{
	char file[20000] = "";

	make_both();
	wide.header.e_phoff = 10000;
	wide.segments[3].p_offset = 15000;
	memcpy(file, &wide.header, sizeof(wide.header));
	memcpy(file + 10000, wide.segments, sizeof(wide.segments));
	memcpy(file + 15000, wide.path, sizeof(wide.path));
	assert_elf(of_file(state, file, sizeof(file)), 64, "/lib/ld.so");
	assert_elf(parsed(file, sizeof(file)), 64, "/lib/ld.so");
	assert_int_equal(of_file(state, file, 15005).kind, PROGRAM_UNKNOWN);
	assert_int_equal(of_file(state, file, 10005).kind, PROGRAM_UNKNOWN);
}

/* Its numbers are read as its own machine has them. */
static void a_file_with_its_bytes_the_other_way_round_is_foreign(void **state)
{
	struct program program;

	(void)state;
	make_both();
	wide.header.e_ident[EI_DATA] = ELFDATA2MSB;
	wide.header.e_machine = (Elf64_Half)(EM_S390 << 8);
#if defined(__x86_64__) || defined(__aarch64__)
	program = parsed(&wide, sizeof(wide));
	assert_elf(program, 64, "");
	assert_int_equal(program.machine, EM_S390);
	assert_true(program_is_foreign(&program));
#endif
#if defined(__x86_64__)
	/* Of our own machine it is a lie that the kernel does not look at. */
	wide.header.e_machine = EM_X86_64;
	assert_elf(parsed(&wide, sizeof(wide)), 64, "/lib/ld.so");
#endif
}

static void what_runs_elsewhere_is_foreign(void **state)
{
	struct program program;
	auto_close int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	(void)state;
	assert_int_equal(program_read(fd, &program), 0);
	assert_int_equal(program.kind, PROGRAM_ELF);
	assert_int_equal(program.bits, 8 * sizeof(void *));
	assert_false(program_is_foreign(&program));
	program.machine = EM_VAX;
#if defined(__x86_64__) || defined(__aarch64__)
	assert_true(program_is_foreign(&program));
#endif
	program.kind = PROGRAM_SCRIPT;
	assert_false(program_is_foreign(&program));
}

static void a_directory_cannot_be_read(void **state)
{
	auto_close int fd = open("/", O_RDONLY | O_CLOEXEC);
	struct program program = { .kind = PROGRAM_SCRIPT, .bits = 7 };

	(void)state;
	assert_int_equal(program_read(fd, &program), -1);
	assert_int_equal(program.bits, 7);
}

/* ---- messages ---------------------------------------------------------------------------- */

static void assert_refused(const char *line, const char *file, const char *text)
{
	struct program program = parsed(line, strlen(line));
	struct error err = { 0 };

	assert_int_equal(program_refuse_interpreter(&program, "./a", file, &err), -1);
	assert_string_equal(err.text, text);
	assert_int_equal(err.status, 126);
	assert_int_equal(err.id, ERROR_COMMAND_NOT_EXECUTABLE);
}

static void a_missing_interpreter_is_named(void **state)
{
	(void)state;
	assert_refused("#!/no/such\n", "./a",
		       "start ./a: its interpreter /no/such is missing");
	assert_refused("#!/no/such\n", "./b",
		       "start ./a: the interpreter /no/such of ./b is missing");
	assert_refused("#!no/such\n", "./a",
		       "start ./a: its interpreter no/such, relative to the working "
		       "directory, is missing");
	assert_refused("#!/bin/sh\r\n", "./a",
		       "start ./a: its first line ends in a carriage return");
	assert_refused("#!/bin/sh\r\n", "./b",
		       "start ./a: the first line of ./b ends in a carriage return");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_script_names_its_interpreter_and_one_argument),
		cmocka_unit_test(a_line_without_an_interpreter_is_no_script),
		cmocka_unit_test(a_name_that_is_cut_is_no_name),
		cmocka_unit_test(both_classes_name_their_loader),
		cmocka_unit_test(a_class_that_is_a_lie_hides_nothing),
		cmocka_unit_test(the_first_loader_counts),
		cmocka_unit_test(what_lies_about_its_size_is_unknown),
		cmocka_unit_test(a_file_that_is_cut_anywhere_is_unknown),
		cmocka_unit_test(what_lies_behind_the_first_page_is_found),
		cmocka_unit_test(a_file_with_its_bytes_the_other_way_round_is_foreign),
		cmocka_unit_test(what_runs_elsewhere_is_foreign),
		cmocka_unit_test(a_directory_cannot_be_read),
		cmocka_unit_test(a_missing_interpreter_is_named),
	};

	return cmocka_run_group_tests(tests, temporary_make, temporary_remove);
}
