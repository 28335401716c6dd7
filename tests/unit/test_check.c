/* SPDX-License-Identifier: Apache-2.0 */
/* What is refused before the first fork, and what is left to the sandbox. */
#include "base/fd.h"
#include "base/program.h"
#include "plan/internal.h"

#include "tests/unit/planning.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

/* The command, in the directory root. */
static int start(struct planning *at, const char *words)
{
	char text[4096];

	snprintf(text, sizeof(text), "--no-config -R @/root %s", words);
	return planning_words(at, text);
}

static void refuses(struct planning *at, const char *words, int status, const char *text)
{
	if (start(at, words) == 0)
		fail_msg("not refused: %s", words);
	if (strcmp(at->err.text, text) != 0)
		fail_msg("'%s' is not '%s'", at->err.text, text);
	assert_int_equal(error_status(&at->err), status);
}

static void write_program(struct planning *at, const char *name, const char *text,
			  mode_t mode)
{
	assert_int_equal(chmod(planning_write(at, name, text), mode), 0);
}

/* ---- the command ---- */

static void a_command_is_found_in_path(void **state)
{
	struct planning *at = *state;

	assert_int_equal(start(at, "tool"), 0);
	assert_int_equal(start(at, "-e PATH=/etc:/bin tool"), 0);
	refuses(at, "-e PATH=/etc tool", 127, "start tool: not found in PATH");
	refuses(at, "nothing", 127, "start nothing: not found in PATH");
	assert_int_equal(at->err.id, ERROR_COMMAND_NOT_FOUND);
}

static void a_path_is_taken_as_it_is(void **state)
{
	struct planning *at = *state;

	assert_int_equal(start(at, "/bin/tool"), 0);
	assert_int_equal(start(at, "-w /bin ./tool"), 0);
	assert_int_equal(start(at, "-w /etc ../bin/tool"), 0);
	refuses(at, "/bin/none", 127,
		"start /bin/none: it does not exist in the sandbox");
	refuses(at, "/sbin/none/x", 127,
		"start /sbin/none/x: /sbin does not exist in the sandbox");
	refuses(at, "./tool", 127, "start ./tool: /tool does not exist in the sandbox");
	refuses(at, "/etc/passwd/x", 127,
		"start /etc/passwd/x: /etc/passwd: Not a directory");
}

static void what_cannot_be_executed_is_126(void **state)
{
	struct planning *at = *state;

	refuses(at, "/etc", 126, "start /etc: it is a directory");
	refuses(at, "/tmp", 126, "start /tmp: it is a directory");
	refuses(at, "/etc/passwd", 126,
		"start /etc/passwd: it has no execute permission");
	assert_int_equal(at->err.id, ERROR_COMMAND_NOT_EXECUTABLE);
	refuses(at, "-e PATH=/etc passwd", 126,
		"start /etc/passwd: it has no execute permission");
	assert_int_equal(start(at, "-e PATH=/etc:/bin tool"), 0);
}

static void links_are_followed_inside(void **state)
{
	struct planning *at = *state;
	char too_many[100];

	assert_int_equal(symlink("/bin/tool", planning_path(at, "root/absolute")), 0);
	assert_int_equal(
		symlink("../../../bin/tool", planning_path(at, "root/etc/relative")), 0);
	assert_int_equal(symlink("loop", planning_path(at, "root/loop")), 0);
	assert_int_equal(symlink("/home", planning_path(at, "root/dangling")), 0);
	assert_int_equal(start(at, "/absolute"), 0);
	assert_int_equal(start(at, "/etc/relative"), 0);
	refuses(at, "/dangling/x", 127,
		"start /dangling/x: /home does not exist in the sandbox");
	snprintf(too_many, sizeof(too_many), "start /loop: /loop: %s", strerror(ELOOP));
	refuses(at, "/loop", 126, too_many);
}

static void a_script_needs_its_interpreter(void **state)
{
	struct planning *at = *state;

	write_program(at, "root/bin/lost", "#! /usr/bin/perl -w\n", 0755);
	write_program(at, "root/bin/dos", "#!/bin/sh\r\n", 0755);
	write_program(at, "root/bin/twice", "#!/bin/lost\n", 0755);
	write_program(at, "root/bin/barred", "#!/etc/passwd\n", 0755);
	refuses(at, "lost", 126, "start lost: its interpreter /usr/bin/perl is missing");
	refuses(at, "dos", 126, "start dos: its first line ends in a carriage return");
	refuses(at, "twice", 126,
		"start twice: the interpreter /usr/bin/perl of /bin/lost is missing");
	refuses(at, "barred", 126, "start /etc/passwd: it has no execute permission");
}

static void a_relative_interpreter_starts_where_the_command_does(void **state)
{
	struct planning *at = *state;

	write_program(at, "root/bin/near", "#!bin/sh -e\n", 0755);
	write_program(at, "root/bin/far", "#!bin/near\n", 0755);
	assert_int_equal(start(at, "-w / near"), 0);
	assert_int_equal(start(at, "-w / far"), 0);
	refuses(at, "-w /etc near", 126,
		"start near: its interpreter bin/sh, relative to the working directory, "
		"is missing");
	write_program(at, "root/srv/bin/near", "#!../sh\n", 0755);
	refuses(at, "-w /srv far", 126,
		"start far: the interpreter ../sh of bin/near, relative to the working "
		"directory, is missing");
}

static void a_first_line_that_is_too_long_is_refused(void **state)
{
	struct planning *at = *state;
	char line[400];

	snprintf(line, sizeof(line), "#!/bin/sh %0300d\n", 0);
	write_program(at, "root/bin/wordy", line, 0755);
	assert_int_equal(start(at, "wordy"), 0);
	snprintf(line, sizeof(line), "#!/%0300d\n", 0);
	write_program(at, "root/bin/endless", line, 0755);
	refuses(at, "endless", 126,
		"start endless: its first line is longer than the 256 bytes that the "
		"kernel reads");
	write_program(at, "root/bin/over", "#!/bin/endless\n", 0755);
	refuses(at, "over", 126,
		"start /bin/endless: its first line is longer than the 256 bytes that "
		"the kernel reads");
}

static void scripts_are_followed_as_far_as_the_kernel_does(void **state)
{
	struct planning *at = *state;
	char name[32], line[32];

	write_program(at, "root/bin/s1", "#!/bin/sh\n", 0755);
	for (int i = 2; i <= 6; i++) {
		snprintf(name, sizeof(name), "root/bin/s%d", i);
		snprintf(line, sizeof(line), "#!/bin/s%d\n", i - 1);
		write_program(at, name, line, 0755);
	}
	assert_int_equal(start(at, "s5"), 0);
	refuses(at, "s6", 126,
		"start s6: its interpreters are scripts, one behind the other, more than "
		"the kernel follows");
	write_program(at, "root/bin/circle", "#!/bin/circle\n", 0755);
	refuses(at, "circle", 126,
		"start circle: its interpreters are scripts, one behind the other, more "
		"than the kernel follows");
	write_program(at, "root/bin/s1", "#!/bin/none\n", 0755);
	refuses(at, "s5", 126,
		"start s5: the interpreter /bin/none of /bin/s1 is missing");
}

/* The machine that these tests were built for. */
static Elf64_Half own_machine(void)
{
	auto_close int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	struct program program;

	assert_int_equal(program_read(fd, &program), 0);
	return (Elf64_Half)program.machine;
}

static void write_elf(struct planning *at, const char *name, const char *interpreter,
		      Elf64_Half machine)
{
	struct {
		Elf64_Ehdr file;
		Elf64_Phdr segment;
		char path[64];
	} image = { 0 };
	int fd = open(planning_path(at, name), O_WRONLY | O_CREAT | O_CLOEXEC, 0755);

	memcpy(image.file.e_ident, ELFMAG, SELFMAG);
	image.file.e_ident[EI_CLASS] = ELFCLASS64;
	image.file.e_machine = machine;
	image.file.e_phentsize = sizeof(image.segment);
	image.file.e_phoff = offsetof(__typeof__(image), segment);
	image.file.e_phnum = 1;
	image.segment.p_type = PT_INTERP;
	image.segment.p_offset = offsetof(__typeof__(image), path);
	image.segment.p_filesz = strlen(interpreter) + 1;
	snprintf(image.path, sizeof(image.path), "%s", interpreter);
	assert_int_equal(write(fd, &image, sizeof(image)), sizeof(image));
	close(fd);
}

static void an_elf_file_needs_its_interpreter(void **state)
{
	struct planning *at = *state;

	write_elf(at, "root/bin/elf", "/lib/ld.so", own_machine());
	refuses(at, "elf", 126, "start elf: its interpreter /lib/ld.so is missing");
	write_program(at, "root/lib/ld.so", "x", 0755);
	assert_int_equal(start(at, "elf"), 0);
	/* what runs it may have its loader elsewhere */
	write_elf(at, "root/bin/foreign", "/lib/none.so", EM_VAX);
	assert_int_equal(start(at, "foreign"), 0);
}

static void a_cut_elf_file_is_left_to_the_kernel(void **state)
{
	struct planning *at = *state;

	write_elf(at, "root/bin/cut", "/lib/none.so", own_machine());
	for (off_t size = sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr); size > 0; size -= 7) {
		assert_int_equal(truncate(planning_path(at, "root/bin/cut"), size), 0);
		assert_int_equal(start(at, "cut"), 0);
	}
}

static void a_hidden_command_has_a_hint(void **state)
{
	struct planning *at = *state;

	write_program(at, "home/bin/mine", "#!/bin/sh\n", 0755);
	assert_int_equal(planning_words(at, "--no-config --groups keep @/home/bin/mine"),
			 -1);
	assert_int_equal(error_status(&at->err), 127);
	assert_non_null(strstr(at->err.hint, "--ro "));
	setenv("PATH", planning_path(at, "home/bin"), 1);
	assert_int_equal(planning_words(at, "--no-config --groups keep mine"), -1);
	assert_string_equal(at->err.text, "start mine: not found in PATH");
	assert_non_null(strstr(at->err.hint, "home/bin/mine outside"));
	assert_int_equal(
		planning_words(
			at, "--no-config --groups keep --ro @/home/bin @/home/bin/mine"),
		0);
}

/* ---- the file system seen from outside ---- */

static void mounts_decide_what_is_found(void **state)
{
	struct planning *at = *state;

	write_program(at, "tools/extra", "x", 0755);
	assert_int_equal(start(at, "--ro @/tools:/opt/tools /opt/tools/extra"), 0);
	assert_int_equal(start(at, "--ro @/tools:/bin extra"), 0);
	refuses(at, "--ro @/tools:/bin tool", 127, "start tool: not found in PATH");
	refuses(at, "--tmpfs /bin tool", 127, "start tool: not found in PATH");
	refuses(at, "--mask /bin tool", 127, "start tool: not found in PATH");
	/* the later one covers the earlier one */
	refuses(at, "--ro @/tools:/opt/tools --tmpfs /opt /opt/tools/extra", 127,
		"start /opt/tools/extra: /opt/tools does not exist in the sandbox");
	assert_int_equal(
		start(at, "--tmpfs /opt --ro @/tools:/opt/tools /opt/tools/extra"), 0);
	assert_int_equal(start(at, "--ro @/tools/extra:/bin/other other"), 0);
}

static void what_only_the_sandbox_knows_is_left_to_it(void **state)
{
	struct planning *at = *state;

	assert_int_equal(start(at, "/proc/self/exe"), 0);
	assert_int_equal(start(at, "/dev/anything"), 0);
	/* the layer that is kept may hold it */
	assert_int_equal(start(at, "--upper @/work /usr/bin/installed"), 0);
	assert_int_equal(start(at, "--upper @/work -w /srv installed"), 0);
	/* a destination that leads through a link lands elsewhere */
	write_program(at, "tools/extra", "x", 0755);
	assert_int_equal(mkdir(planning_path(at, "root/usr"), 0755), 0);
	assert_int_equal(symlink("usr", planning_path(at, "root/alias")), 0);
	assert_int_equal(start(at, "--ro @/tools:/alias/tools /usr/tools/extra"), 0);
}

static void a_workdir_is_looked_for_inside(void **state)
{
	struct planning *at = *state;

	assert_int_equal(start(at, "-w /tmp tool"), 0);
	assert_int_equal(start(at, "-w /tmp/. tool"), 0);
	assert_int_equal(start(at, "--tmpfs /data/deep -w /data tool"), 0);
	assert_int_equal(start(at, "--ro @/work:/src -w /src tool"), 0);
	refuses(at, "--ro @/work:/src -w /src/none tool", 125,
		"start in /src/none: it does not exist in the sandbox");
	refuses(at, "-w /none/below tool", 125,
		"start in /none/below: /none does not exist in the sandbox");
	assert_int_equal(at->err.id, ERROR_WORKDIR);
}

static void sources_name_the_part_that_is_missing(void **state)
{
	struct planning *at = *state;
	char expected[600];

	snprintf(expected, sizeof(expected), "bind %s: %s does not exist",
		 planning_path(at, "none/a/b"), planning_path(at, "none"));
	refuses(at, "--ro @/none/a/b:/x tool", 125, expected);
	assert_int_equal(at->err.id, ERROR_SOURCE_MISSING);
	snprintf(expected, sizeof(expected), "bind %s: %s is not a directory",
		 planning_path(at, "root/etc/passwd/a"),
		 planning_path(at, "root/etc/passwd"));
	refuses(at, "--ro @/root/etc/passwd/a:/x tool", 125, expected);
	assert_int_equal(symlink("/nowhere/at/all", planning_path(at, "broken")), 0);
	snprintf(expected, sizeof(expected), "bind %s: it is a link to nowhere",
		 planning_path(at, "broken"));
	refuses(at, "--ro @/broken:/x tool", 125, expected);
	if (geteuid() == 0)
		return;
	assert_int_equal(mkdir(planning_path(at, "closed"), 0), 0);
	snprintf(expected, sizeof(expected),
		 "bind %s: %s may not be searched (no execute permission)",
		 planning_path(at, "closed/a"), planning_path(at, "closed"));
	refuses(at, "--ro @/closed/a:/x tool", 125, expected);
}

static void namespaces_that_cannot_be_joined_are_refused(void **state)
{
	struct planning *at = *state;

	planning_refuses_root(at, "--join net:/etc/passwd", "/etc/passwd");
	planning_refuses_root(at, "--join net:/proc/self/ns/ipc", "ipc");
	planning_refuses_root(at, "--join net:/nonexistent", "/nonexistent");
}

static void limits_above_the_present_ones_are_refused(void **state)
{
	struct planning *at = *state;

	if (geteuid() == 0)
		skip();
	planning_refuses_root(at, "--oom-score-adj -1000", "");
	assert_int_equal(at->err.id, ERROR_LIMIT);
}

static void a_filter_that_the_kernel_would_refuse_is_refused(void **state)
{
	if (!policy_is_built_in())
		skip();
	struct planning *at = *state;

	planning_write(at, "filter", "\x01\x01\x01\x01\x01\x01\x01\x01");
	planning_refuses_root(at, "--seccomp @/filter", "");
	assert_int_equal(at->err.id, ERROR_SECCOMP);
}

/* Not a measurement: it fails only if a check has begun to do far more than it should. */
static void a_check_is_cheap(void **state)
{
	struct planning *at = *state;
	struct timespec begin, end;
	double us;

	assert_int_equal(
		planning_words(at,
			       "--no-config --groups keep -e PATH=/usr/bin:/bin true"),
		0);
	clock_gettime(CLOCK_MONOTONIC, &begin);
	for (int i = 0; i < 200; i++)
		assert_int_equal(plan_check(&at->plan, &at->err), 0);
	clock_gettime(CLOCK_MONOTONIC, &end);
	us = ((double)(end.tv_sec - begin.tv_sec) * 1e9 +
	      (double)(end.tv_nsec - begin.tv_nsec)) /
	     1e3 / 200;
	print_message("a check takes %.1f us\n", us);
	assert_true(us < 2000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_command_is_found_in_path),
		cmocka_unit_test(a_path_is_taken_as_it_is),
		cmocka_unit_test(what_cannot_be_executed_is_126),
		cmocka_unit_test(links_are_followed_inside),
		cmocka_unit_test(a_script_needs_its_interpreter),
		cmocka_unit_test(a_relative_interpreter_starts_where_the_command_does),
		cmocka_unit_test(a_first_line_that_is_too_long_is_refused),
		cmocka_unit_test(scripts_are_followed_as_far_as_the_kernel_does),
		cmocka_unit_test(an_elf_file_needs_its_interpreter),
		cmocka_unit_test(a_cut_elf_file_is_left_to_the_kernel),
		cmocka_unit_test(mounts_decide_what_is_found),
		cmocka_unit_test(what_only_the_sandbox_knows_is_left_to_it),
		cmocka_unit_test(a_workdir_is_looked_for_inside),
		cmocka_unit_test(sources_name_the_part_that_is_missing),
		cmocka_unit_test(namespaces_that_cannot_be_joined_are_refused),
		cmocka_unit_test(limits_above_the_present_ones_are_refused),
		cmocka_unit_test(a_filter_that_the_kernel_would_refuse_is_refused),
		cmocka_unit_test(a_check_is_cheap),
		cmocka_unit_test(a_hidden_command_has_a_hint),
	};

	return cmocka_run_group_tests(tests, planning_make, planning_remove);
}
