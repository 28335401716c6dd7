/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"
#include "base/fd.h"
#include "base/files.h"
#include "base/program.h"
#include "launcher/child.h"
#include "tests/unit/nursery.h"
#include "tests/unit/temporary.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- files ------------------------------------------------------------------------------- */

/* An executable file. Its path lives until the next call. */
static const char *make_program(void **state, const char *name, const void *bytes,
				size_t size)
{
	const char *path = temporary_file(*state, name, bytes, size);

	if (chmod(path, 0755) < 0)
		abort();
	return path;
}

static const char *make_script(void **state, const char *name, const char *text)
{
	return make_program(state, name, text, strlen(text));
}

/* An ELF file of 64 bits whose segment number `index` names an interpreter. */
static const char *make_elf(void **state, const char *name, const char *interpreter,
			    unsigned int index)
{
	static struct {
		Elf64_Ehdr header;
		Elf64_Phdr segments[200];
		char text[256];
	} file;

	memset(&file, 0, sizeof(file));
	memcpy(file.header.e_ident, ELFMAG, SELFMAG);
	file.header.e_ident[EI_CLASS] = ELFCLASS64;
	file.header.e_phoff = offsetof(__typeof__(file), segments);
	file.header.e_phnum = (Elf64_Half)(index + 1);
	file.header.e_phentsize = sizeof(file.segments[0]);
	for (unsigned int i = 0; i < index; i++)
		file.segments[i].p_type = PT_NOTE;
	file.segments[index] = (Elf64_Phdr){
		.p_type = PT_INTERP,
		.p_offset = offsetof(__typeof__(file), text),
		.p_filesz = strlen(interpreter) + 1,
	};
	snprintf(file.text, sizeof(file.text), "%s", interpreter);
	return make_program(state, name, &file, sizeof(file));
}

/* ---- why it could not be executed ---------------------------------------------------------- */

static void assert_explained(const char *path, int errnum, int status, const char *why)
{
	struct error err = { 0 };

	assert_int_equal(exec_explain(path, errnum, &err), -1);
	if (!strstr(err.text, why))
		fail_msg("'%s' does not say '%s'", err.text, why);
	if (strncmp(err.text, "start ", 6) != 0 || !strstr(err.text, path))
		fail_msg("'%s' does not begin with 'start %s'", err.text, path);
	assert_int_equal(err.status, status);
	assert_int_equal(err.errnum, errnum);
	assert_int_equal(err.id, status == 127 ? ERROR_COMMAND_NOT_FOUND
					       : ERROR_COMMAND_NOT_EXECUTABLE);
}

static void what_is_missing_is_127(void **state)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/none", ((struct temporary *)*state)->path);
	assert_explained(path, ENOENT, 127, "");
	assert_explained("/etc/passwd/x", ENOTDIR, 127, "");
}

static void an_interpreter_that_is_missing_is_named_and_126(void **state)
{
	static const struct {
		const char *text, *why;
	} scripts[] = {
		{ "#!/no/such\n", "its interpreter /no/such is missing" },
		{ "#! \t/no/such -x y\n", "its interpreter /no/such is missing" },
		{ "#!/bin/sh\r\nexit\r\n", "its first line ends in a carriage return" },
		{ "#!/no/such", "its interpreter /no/such is missing" },
		{ "#!\n", "its interpreter is missing" },
		{ "", "its interpreter is missing" },
	};

	for (size_t i = 0; i < sizeof(scripts) / sizeof(*scripts); i++)
		assert_explained(make_script(state, "script", scripts[i].text), ENOENT,
				 126, scripts[i].why);
}

static void a_loader_that_is_missing_is_named_and_126(void **state)
{
	assert_explained(make_elf(state, "elf", "/lib/no-ld.so", 0), ENOENT, 126,
			 "its interpreter /lib/no-ld.so is missing");
	assert_explained(make_elf(state, "elf", "/lib/no-ld.so", 150), ENOENT, 126,
			 "its interpreter /lib/no-ld.so is missing");
}

static void an_elf_file_that_lies_is_survived(void **state)
{
	Elf64_Ehdr header = { .e_phoff = UINT64_MAX - 10,
			      .e_phnum = UINT16_MAX,
			      .e_phentsize = sizeof(Elf64_Phdr) };
	struct {
		Elf64_Ehdr header;
		Elf64_Phdr segment;
	} file = { .header = { .e_phoff = sizeof(header),
			       .e_phnum = 1,
			       .e_phentsize = sizeof(Elf64_Phdr) } };
	const char *path;

	memcpy(header.e_ident, ELFMAG, SELFMAG);
	header.e_ident[EI_CLASS] = ELFCLASS64;
	path = make_program(state, "elf", &header, sizeof(header));
	assert_explained(path, ENOENT, 126, "its interpreter is missing");
	assert_explained(make_program(state, "elf", &header, 20), ENOENT, 126,
			 "its interpreter is missing");

	memcpy(file.header.e_ident, header.e_ident, sizeof(header.e_ident));
	file.segment = (Elf64_Phdr){ .p_type = PT_INTERP, .p_filesz = UINT64_MAX };
	path = make_program(state, "elf", &file, sizeof(file));
	assert_explained(path, ENOENT, 126, "its interpreter is missing");
	file.segment = (Elf64_Phdr){ .p_type = PT_INTERP, .p_filesz = 0 };
	path = make_program(state, "elf", &file, sizeof(file));
	assert_explained(path, ENOENT, 126, "its interpreter is missing");
	file.segment = (Elf64_Phdr){ .p_type = PT_INTERP,
				     .p_offset = UINT64_MAX,
				     .p_filesz = 10 };
	path = make_program(state, "elf", &file, sizeof(file));
	assert_explained(path, ENOENT, 126, "its interpreter is missing");
}

static void a_file_that_is_not_executable_says_so(void **state)
{
	assert_explained(temporary_file(*state, "plain", "x", 1), EACCES, 126,
			 "it is not executable");
}

static void a_directory_says_so(void **state)
{
	assert_explained(((struct temporary *)*state)->path, EACCES, 126,
			 "it is a directory");
}

static void the_component_that_may_not_be_searched_is_named(void **state)
{
	char closed[300], path[320], why[340];

	if (geteuid() == 0) {
		print_message("root may search everything\n");
		skip();
	}
	snprintf(closed, sizeof(closed), "%s/closed", ((struct temporary *)*state)->path);
	snprintf(path, sizeof(path), "%s/in/it", closed);
	snprintf(why, sizeof(why), "%s may not be searched", closed);
	assert_int_equal(mkdir(closed, 0), 0);
	assert_explained(path, EACCES, 126, why);
	assert_int_equal(chmod(closed, 0700), 0);
}

static void explain_noexec(const void *context)
{
	struct error err = { 0 };
	char path[300];
	int fd;

	snprintf(path, sizeof(path), "%s/prog", (const char *)context);
	expect(mount("t", context, "tmpfs", MS_NOEXEC, NULL) == 0, "mount: %s",
	       strerror(errno));
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
	expect(fd >= 0, "open: %s", strerror(errno));
	close(fd);
	expect(exec_explain(path, EACCES, &err) == -1, "explained");
	expect(strstr(err.text, "it lies on a noexec mount") != NULL, "'%s'", err.text);
	expect(err.status == 126, "status %d", err.status);
}

static void a_noexec_mount_is_named(void **state)
{
	nursery_run(CLONE_NEWNS, explain_noexec, ((struct temporary *)*state)->path);
}

static void the_last_of_a_chain_is_blamed(void **state)
{
	char first[300], second[300], text[400], why[400];

	snprintf(first, sizeof(first), "%s", make_script(state, "lost", "#!/no/such\n"));
	snprintf(text, sizeof(text), "#!%s\n", first);
	snprintf(second, sizeof(second), "%s", make_script(state, "leads", text));
	snprintf(why, sizeof(why), "the interpreter /no/such of %s is missing", first);
	assert_explained(second, ENOENT, 126, why);
	assert_explained(make_script(state, "near", "#!no/such\n"), ENOENT, 126,
			 "its interpreter no/such, relative to the working directory, is "
			 "missing");
}

static void what_the_kernel_does_not_take_says_why(void **state)
{
	Elf64_Ehdr header = { .e_phentsize = sizeof(Elf64_Phdr), .e_phnum = 1 };
	char line[400];

	snprintf(line, sizeof(line), "#!/%0300d\n", 0);
	assert_explained(make_script(state, "endless", line), ENOEXEC, 126,
			 "its first line is longer than the kernel reads");
	memcpy(header.e_ident, ELFMAG, SELFMAG);
	header.e_ident[EI_CLASS] = ELFCLASS64;
	header.e_machine = EM_VAX;
	assert_explained(make_program(state, "vax", &header, sizeof(header)), ENOEXEC,
			 126, "it is made for other machines");
}

static void only_what_has_no_mark_is_for_the_shell(void **state)
{
	assert_true(exec_is_for_shell(make_script(state, "plain", "echo\n")));
	assert_true(exec_is_for_shell(make_script(state, "plain", "#!\n")));
	assert_false(exec_is_for_shell(make_script(state, "marked", "#!/bin/sh\n")));
	assert_false(exec_is_for_shell(make_elf(state, "elf", "/lib/ld.so", 0)));
	assert_false(exec_is_for_shell(make_program(state, "elf", ELFMAG, SELFMAG)));
}

static void everything_else_is_126_and_keeps_its_errno(void **state)
{
	(void)state;
	assert_explained("/bin/sh", EPERM, 126, "start /bin/sh");
	assert_explained("/bin/sh", ENOEXEC, 126, "start /bin/sh");
	assert_explained("/bin/sh", E2BIG, 126, "start /bin/sh");
	assert_explained("/bin/sh", ETXTBSY, 126, "start /bin/sh");
}

/* ---- what it leads to ---------------------------------------------------------------------- */

static struct own_file own_of(const char *path)
{
	struct own_file own = { .strict = false };

	own_file_note(path, &own);
	return own;
}

static void a_program_leads_to_itself_by_every_name(void **state)
{
	const char *place = ((struct temporary *)*state)->path;
	const struct own_file own = own_of(make_script(state, "own", "own"));
	char path[300], link[300];

	snprintf(path, sizeof(path), "%s/own", place);
	snprintf(link, sizeof(link), "%s/link", place);
	assert_true(exec_leads_to(path, "/bin/sh", &own));
	assert_int_equal(symlink("own", link), 0);
	assert_true(exec_leads_to(link, "/bin/sh", &own));
	assert_int_equal(unlink(link), 0);
	assert_int_equal(rename(path, link), 0);
	assert_true(exec_leads_to(link, "/bin/sh", &own));
	assert_false(exec_leads_to("/bin/sh", "/bin/sh", &own));
	assert_false(exec_leads_to(path, "/bin/sh", &own));
}

static void a_script_leads_to_its_interpreters(void **state)
{
	const char *place = ((struct temporary *)*state)->path;
	const struct own_file own = own_of(make_script(state, "own", "own"));
	char text[400], name[16];

	snprintf(text, sizeof(text), "#!%s/own -x\n", place);
	assert_true(exec_leads_to(make_script(state, "s1", text), "/bin/sh", &own));
	for (int i = 2; i <= PROGRAM_SCRIPTS_MAX; i++) {
		snprintf(text, sizeof(text), "#!%s/s%d\n", place, i - 1);
		snprintf(name, sizeof(name), "s%d", i);
		assert_true(
			exec_leads_to(make_script(state, name, text), "/bin/sh", &own));
	}
	assert_false(
		exec_leads_to(make_script(state, "s1", "#!/bin/sh\n"), "/bin/sh", &own));
}

/* The kernel does not ask for the class: it must not hide the loader. */
static void a_class_that_is_a_lie_hides_no_loader(void **state)
{
	const char *place = ((struct temporary *)*state)->path;
	const struct own_file own = own_of(make_script(state, "own", "own"));
	Elf64_Ehdr header;
	char loader[250], elf[300];
	auto_close int fd = -1;

	snprintf(loader, sizeof(loader), "%s/own", place);
	snprintf(elf, sizeof(elf), "%s", make_elf(state, "elf", loader, 3));
	fd = open(elf, O_RDWR | O_CLOEXEC);
	assert_int_equal(pread(fd, &header, sizeof(header), 0), sizeof(header));
	header.e_machine = EM_X86_64;
	header.e_ident[EI_CLASS] = ELFCLASS32;
	assert_int_equal(pwrite(fd, &header, sizeof(header), 0), sizeof(header));
	assert_true(exec_leads_to(elf, "/bin/sh", &own));
}

static int run(const char *path)
{
	char *const words[] = { (char *)(uintptr_t)path, NULL };
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		execve(path, words, words + 1);
		_exit(errno);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* So many have to be looked at, and no more. */
static void the_kernel_follows_as_many_scripts_as_we_do(void **state)
{
	const char *place = ((struct temporary *)*state)->path;
	char text[400], name[16];

	make_script(state, "k0", "#!/bin/true\n");
	for (int i = 1; i < PROGRAM_SCRIPTS_MAX; i++) {
		snprintf(text, sizeof(text), "#!%s/k%d\n", place, i - 1);
		snprintf(name, sizeof(name), "k%d", i);
		assert_int_equal(run(make_script(state, name, text)), 0);
	}
	snprintf(text, sizeof(text), "#!%s/%s\n", place, name);
	assert_int_equal(run(make_script(state, "more", text)), ELOOP);
}

static void an_elf_file_leads_to_its_loader_wherever_it_is_named(void **state)
{
	const char *place = ((struct temporary *)*state)->path;
	const struct own_file own = own_of(make_script(state, "own", "own"));
	char loader[250];

	snprintf(loader, sizeof(loader), "%s/own", place);
	assert_true(exec_leads_to(make_elf(state, "elf", loader, 0), "/bin/sh", &own));
	assert_true(exec_leads_to(make_elf(state, "elf", loader, 64), "/bin/sh", &own));
	assert_true(exec_leads_to(make_elf(state, "elf", loader, 199), "/bin/sh", &own));
	assert_false(
		exec_leads_to(make_elf(state, "elf", "/lib/other", 0), "/bin/sh", &own));
}

/* A file without a mark is given to the shell, which the root may have made of anything. */
static void a_plain_file_leads_to_the_shell(void **state)
{
	const char *place = ((struct temporary *)*state)->path;
	const struct own_file own = own_of(make_script(state, "own", "own"));
	char shell[300], script[300], text[400];

	snprintf(shell, sizeof(shell), "%s/own", place);
	assert_true(exec_leads_to(make_script(state, "plain", "echo\n"), shell, &own));
	assert_true(exec_leads_to(make_script(state, "plain", "#!\n"), shell, &own));
	assert_false(
		exec_leads_to(make_script(state, "marked", "#!/bin/sh\n"), shell, &own));
	snprintf(text, sizeof(text), "#!%s\n", shell);
	snprintf(script, sizeof(script), "%s", make_script(state, "script", text));
	assert_true(exec_leads_to(make_script(state, "plain", "echo\n"), script, &own));
}

static void a_circle_leads_nowhere(void **state)
{
	const char *place = ((struct temporary *)*state)->path;
	const struct own_file own = own_of(make_script(state, "own", "own"));
	char text[400], path[300];

	snprintf(text, sizeof(text), "#!%s/circle\n", place);
	snprintf(path, sizeof(path), "%s", make_script(state, "circle", text));
	assert_false(exec_leads_to(path, "/bin/sh", &own));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_missing_is_127),
		cmocka_unit_test(an_interpreter_that_is_missing_is_named_and_126),
		cmocka_unit_test(a_loader_that_is_missing_is_named_and_126),
		cmocka_unit_test(an_elf_file_that_lies_is_survived),
		cmocka_unit_test(a_file_that_is_not_executable_says_so),
		cmocka_unit_test(a_directory_says_so),
		cmocka_unit_test(the_component_that_may_not_be_searched_is_named),
		cmocka_unit_test(a_noexec_mount_is_named),
		cmocka_unit_test(the_last_of_a_chain_is_blamed),
		cmocka_unit_test(what_the_kernel_does_not_take_says_why),
		cmocka_unit_test(only_what_has_no_mark_is_for_the_shell),
		cmocka_unit_test(everything_else_is_126_and_keeps_its_errno),
		cmocka_unit_test(a_program_leads_to_itself_by_every_name),
		cmocka_unit_test(a_script_leads_to_its_interpreters),
		cmocka_unit_test(a_class_that_is_a_lie_hides_no_loader),
		cmocka_unit_test(the_kernel_follows_as_many_scripts_as_we_do),
		cmocka_unit_test(an_elf_file_leads_to_its_loader_wherever_it_is_named),
		cmocka_unit_test(a_plain_file_leads_to_the_shell),
		cmocka_unit_test(a_circle_leads_nowhere),
	};

	return cmocka_run_group_tests(tests, temporary_make, temporary_remove);
}
