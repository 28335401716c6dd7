/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"
#include "launcher/gvisor_known.h"
#include "tests/unit/emulated.h"
#include "tests/unit/temporary.h"

#include <elf.h>
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

/* ---- files ------------------------------------------------------------------------------- */

static const char *make_file(void **state, const char *name, const void *bytes,
			     size_t size, mode_t mode)
{
	const char *path = temporary_file(*state, name, bytes, size);

	if (chmod(path, mode) < 0)
		abort();
	return path;
}

static const char *make_text(void **state, const char *name, const char *text)
{
	return make_file(state, name, text, strlen(text), 0755);
}

/* What answers as a runsc does, in the order of what is asked; flags go to stderr. */
static const char answers[] =
	"#!/bin/sh\n"
	"case $1 in\n"
	"--version) echo 'runsc version release-20250407.0'; echo 'spec: 1.0.0' ;;\n"
	"flags) printf '  -platform string\\n    \\tx\\n  -directfs\\n' >&2 ;;\n"
	"help) printf 'systrap\\nkvm\\n' ;;\n"
	"*) exit 1 ;;\n"
	"esac\n";

/* An emulator has no pidfds, by which what is asked is waited for. */
static void needs_pidfds(void)
{
	if (is_emulated())
		skip();
}

static int find(const char *path, struct gvisor_binary *ret_binary, struct error *err)
{
	const struct runtime_spec spec = { .runsc = path };

	*err = (struct error){ .errnum = 0 };
	return gvisor_find(&spec, ret_binary, err);
}

static void assert_refused(const char *path, enum error_id id, const char *why)
{
	struct gvisor_binary binary;
	struct error err;

	assert_int_equal(find(path, &binary, &err), -1);
	assert_int_equal(err.id, id);
	if (!strstr(err.text, why))
		fail_msg("'%s' does not say '%s'", err.text, why);
}

/* ---- what it is -------------------------------------------------------------------------- */

static void a_script_that_answers_as_runsc_is_one(void **state)
{
	const char *path = make_text(state, "runsc", answers);
	struct gvisor_binary binary;
	struct error err;

	needs_pidfds();
	assert_int_equal(find(path, &binary, &err), 0);
	assert_string_equal(strrchr(binary.path, '/'), "/runsc");
	assert_false(binary.companions);
	assert_int_equal(gvisor_probe(&binary, &err), 0);
	assert_string_equal(binary.release, "release-20250407.0");
	assert_int_equal(binary.date, 20250407);
	assert_int_equal(binary.flags, GVISOR_DIRECTFS);
	assert_int_equal(binary.platforms, 1U << PLATFORM_SYSTRAP | 1U << PLATFORM_KVM);
}

static void a_missing_file_is_named(void **state)
{
	(void)state;
	assert_refused("/nonexistent/runsc", ERROR_RUNSC_MISSING, "/nonexistent/runsc");
}

static void without_one_in_the_path_the_package_is_named(void **state)
{
	const struct runtime_spec spec = { .runsc = NULL };
	struct gvisor_binary binary;
	struct error err = { 0 };
	char saved[4096];

	(void)state;
	snprintf(saved, sizeof(saved), "%s", getenv("PATH") ? getenv("PATH") : "");
	setenv("PATH", "/nonexistent:.::", 1);
	assert_int_equal(gvisor_find(&spec, &binary, &err), -1);
	setenv("PATH", saved, 1);
	assert_int_equal(err.id, ERROR_RUNSC_MISSING);
	assert_non_null(strstr(err.text, "runsc binary not found in PATH"));
	assert_non_null(strstr(err.hint, "--runsc"));
}

static void a_file_that_nobody_may_execute_is_refused(void **state)
{
	assert_refused(make_file(state, "plain", answers, strlen(answers), 0644),
		       ERROR_RUNSC_NOT_EXECUTABLE, "not executable");
}

static void a_page_of_a_server_is_recognized(void **state)
{
	assert_refused(
		make_text(state, "page", "<?xml version='1.0'?><Error>NoSuchKey</Error>"),
		ERROR_RUNSC_NOT_EXECUTABLE, "a page of text");
	assert_refused(make_text(state, "empty", ""), ERROR_RUNSC_NOT_EXECUTABLE,
		       "empty");
	assert_refused(make_text(state, "noise", "hello"), ERROR_RUNSC_NOT_EXECUTABLE,
		       "no whole program");
}

static void a_program_for_another_machine_is_refused(void **state)
{
	Elf64_Ehdr header = { .e_type = ET_EXEC, .e_phentsize = sizeof(Elf64_Phdr) };

	memcpy(header.e_ident, ELFMAG, SELFMAG);
	header.e_ident[EI_CLASS] = ELFCLASS64;
	header.e_ident[EI_DATA] = ELFDATA2LSB;
#if defined(__aarch64__)
	header.e_machine = EM_X86_64;
#else
	header.e_machine = EM_AARCH64;
#endif
	assert_refused(make_file(state, "foreign", &header, sizeof(header), 0755),
		       ERROR_RUNSC_ARCHITECTURE, "this machine is");
}

/* ---- who may change it --------------------------------------------------------------------- */

static void what_others_may_write_is_refused(void **state)
{
	const struct temporary *temporary = *state;
	char folder[300], path[320];

	assert_refused(make_file(state, "shared", answers, strlen(answers), 0757),
		       ERROR_RUNSC_NOT_EXECUTABLE, "others may change");
	snprintf(folder, sizeof(folder), "%s/open", temporary->path);
	assert_int_equal(mkdir(folder, 0755), 0);
	assert_int_equal(chmod(folder, 01777), 0);
	make_text(state, "open/runsc", answers);
	snprintf(path, sizeof(path), "%s/runsc", folder);
	assert_refused(path, ERROR_RUNSC_NOT_EXECUTABLE, "open");
}

static void a_link_in_such_a_folder_is_refused_too(void **state)
{
	const struct temporary *temporary = *state;
	char link[300];
	const char *path = make_text(state, "kept", answers);

	snprintf(link, sizeof(link), "%s/open/link", temporary->path);
	assert_int_equal(symlink(path, link), 0);
	assert_refused(link, ERROR_RUNSC_NOT_EXECUTABLE, "open");
}

/* ---- what does not answer ------------------------------------------------------------------ */

static void assert_no_answer(void **state, const char *script, enum error_id id,
			     const char *why)
{
	const char *path = make_text(state, "other", script);
	struct gvisor_binary binary;
	struct error err;

	needs_pidfds();
	assert_int_equal(find(path, &binary, &err), 0);
	assert_int_equal(gvisor_probe(&binary, &err), -1);
	assert_int_equal(err.id, id);
	if (!strstr(err.text, why))
		fail_msg("'%s' does not say '%s'", err.text, why);
}

static void a_program_that_is_no_runsc_is_refused(void **state)
{
	assert_no_answer(state, "#!/bin/sh\necho runc version 1.1\n", ERROR_RUNSC_RELEASE,
			 "does not tell its release");
	assert_no_answer(state, "#!/bin/sh\necho runsc version 1\n",
			 ERROR_RUNSC_NOT_EXECUTABLE, "does not list its flags");
	assert_no_answer(state, "#!/bin/sh\nprintf 'no\\033[2Jway' >&2\nexit 3\n",
			 ERROR_RUNSC_NOT_EXECUTABLE, "fails: no\\x1b[2Jway");
	assert_no_answer(state, "#!/nonexistent\n", ERROR_RUNSC_NOT_EXECUTABLE,
			 "No such file");
}

static void what_it_says_too_much_is_not_waited_for(void **state)
{
	assert_no_answer(state,
			 "#!/bin/sh\n[ $1 = --version ] || exit 0\n"
			 "i=0; while [ $i -lt 3000 ]; do i=$((i+1)); "
			 "echo 0123456789012345678901234567890123456789; done\n",
			 ERROR_RUNSC_RELEASE, "does not tell its release");
}

/* It has the caller's descriptors no more than the caller's environment. */
static void it_sees_nothing_of_the_caller(void **state)
{
	assert_no_answer(
		state,
		"#!/bin/sh\n[ \"$SBX_TEST_SECRET\" ] && echo secret\n"
		"for fd in 3 4 5 6 7 8 9; do [ -e /proc/$$/fd/$fd ] && "
		"[ \"$(readlink /proc/$$/fd/$fd)\" != \"$0\" ] && echo $fd; done\n"
		"exit 4\n",
		ERROR_RUNSC_NOT_EXECUTABLE, "fails: ");
}

static void one_that_hangs_is_left_behind(void **state)
{
	assert_no_answer(state,
			 "#!/bin/sh\n[ $1 = --version ] || exit 0\nsleep 100 & wait\n",
			 ERROR_RUNSC_NOT_EXECUTABLE, "within 5 seconds");
}

static int make_place(void **state)
{
	const int result = temporary_make(state);
	const struct temporary *temporary = *state;
	char path[300];

	snprintf(path, sizeof(path), "%s/cache", temporary->path);
	setenv("XDG_CACHE_HOME", path, 1);
	setenv("SBX_TEST_SECRET", "1", 1);
	return result;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_script_that_answers_as_runsc_is_one),
		cmocka_unit_test(a_missing_file_is_named),
		cmocka_unit_test(without_one_in_the_path_the_package_is_named),
		cmocka_unit_test(a_file_that_nobody_may_execute_is_refused),
		cmocka_unit_test(a_page_of_a_server_is_recognized),
		cmocka_unit_test(a_program_for_another_machine_is_refused),
		cmocka_unit_test(what_others_may_write_is_refused),
		cmocka_unit_test(a_link_in_such_a_folder_is_refused_too),
		cmocka_unit_test(a_program_that_is_no_runsc_is_refused),
		cmocka_unit_test(what_it_says_too_much_is_not_waited_for),
		cmocka_unit_test(it_sees_nothing_of_the_caller),
		cmocka_unit_test(one_that_hangs_is_left_behind),
	};

	return cmocka_run_group_tests(tests, make_place, temporary_remove);
}
