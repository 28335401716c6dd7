/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs for another machine, by qemu-user. Since 6.7 a user namespace can have a
 * binfmt_misc of its own (kernel: Documentation/admin-guide/binfmt-misc.rst); the program that
 * it starts is opened when it is registered (flag F), so that the root inside needs to have
 * nothing of it. The registration lasts as long as the file system is open or mounted.
 */
#include "userns/userns.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/program.h"
#include "base/syscalls.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct machine {
	const char *name, *qemu; /* uname(2)'s, and what qemu calls it */
	unsigned char class, data;
	unsigned short number; /* e_machine, elf(5) */
} machines[] = {
	{ "aarch64", "aarch64", ELFCLASS64, ELFDATA2LSB, EM_AARCH64 },
	{ "armv7l", "arm", ELFCLASS32, ELFDATA2LSB, EM_ARM },
	{ "armv6l", "arm", ELFCLASS32, ELFDATA2LSB, EM_ARM },
	{ "armv5tel", "arm", ELFCLASS32, ELFDATA2LSB, EM_ARM },
	{ "x86_64", "x86_64", ELFCLASS64, ELFDATA2LSB, EM_X86_64 },
	{ "i686", "i386", ELFCLASS32, ELFDATA2LSB, EM_386 },
	{ "riscv64", "riscv64", ELFCLASS64, ELFDATA2LSB, EM_RISCV },
	{ "ppc64le", "ppc64le", ELFCLASS64, ELFDATA2LSB, EM_PPC64 },
	{ "s390x", "s390x", ELFCLASS64, ELFDATA2MSB, EM_S390 },
	{ "loongarch64", "loongarch64", ELFCLASS64, ELFDATA2LSB, 258 },
	{ "mips64", "mips64el", ELFCLASS64, ELFDATA2LSB, EM_MIPS },
};

enum { COUNT = sizeof(machines) / sizeof(*machines), RULE_SIZE = 512 };

static const struct machine *find(const char *name)
{
	for (size_t i = 0; i < COUNT; i++)
		if (strcmp(machines[i].name, name) == 0)
			return &machines[i];
	return NULL;
}

/* One that loads libraries would look for them in the root of the sandbox. */
static bool is_static(const char *path)
{
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct program program;

	return fd >= 0 && program_read(fd, &program) == 0 &&
	       program.kind == PROGRAM_ELF && program.interpreter[0] == '\0';
}

/* Where the packages put it. */
static int find_program(const struct machine *machine, char *path, size_t size)
{
	static const char *const forms[] = { "/usr/bin/qemu-%s-static",
					     "/usr/bin/qemu-%s" };

	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		const char *form = forms[i];
		const char *at = strstr(form, "%s");

		snprintf(path, size, "%.*s%s%s", (int)(at - form), form, machine->qemu,
			 at + 2);
		if (access(path, X_OK) == 0 && is_static(path))
			return 0;
	}
	return -1;
}

/*
 * The host's own handler, by the name that the packages give it. Without the flag F it looks
 * for qemu in the root.
 */
static bool host_serves(const struct machine *machine)
{
	char path[64], text[512];
	auto_close int fd = -1;
	const char *flags;
	ssize_t length;

	snprintf(path, sizeof(path), "/proc/sys/fs/binfmt_misc/qemu-%s", machine->qemu);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	length = fd < 0 ? -1 : fd_read_all(fd, text, sizeof(text) - 1);
	if (length < 0)
		return false;
	text[length] = '\0';
	flags = strstr(text, "\nflags: ");
	return strncmp(text, "enabled\n", 8) == 0 && flags &&
	       memchr(flags + 8, 'F', strcspn(flags + 8, "\n"));
}

const char *binfmt_machine(unsigned int number, unsigned int bits)
{
	const unsigned int class = bits == 64 ? ELFCLASS64 : ELFCLASS32;

	for (size_t i = 0; i < COUNT; i++)
		if (machines[i].number == number && machines[i].class == class)
			return machines[i].name;
	return NULL;
}

enum binfmt_way binfmt_find(const char *machine)
{
	const struct machine *found = find(machine);
	char path[64];

	if (!found)
		return BINFMT_NONE;
	if (host_serves(found))
		return BINFMT_HOST;
	return find_program(found, path, sizeof(path)) == 0 ? BINFMT_OWN : BINFMT_NONE;
}

/* An ELF header and which bits of it count: executables and shared objects alike. */
static void write_rule(const struct machine *machine, const char *program, char *rule,
		       size_t size)
{
	const bool little = machine->data == ELFDATA2LSB;
	const unsigned int low = machine->number & 0xff, high = machine->number >> 8;
	const char *zeros = "\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00";
	const char *ones = "\\xff\\xff\\xff\\xff\\xff\\xff\\xff";

	snprintf(rule, size,
		 ":sbx-%s:M::\\x7fELF\\x%02x\\x%02x\\x01\\x00%s%s\\x%02x\\x%02x:"
		 "%s\\x00\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff%s\\xff\\xff:%s:F",
		 machine->qemu, machine->class, machine->data, zeros,
		 little ? "\\x02\\x00" : "\\x00\\x02", little ? low : high,
		 little ? high : low, ones, little ? "\\xfe\\xff" : "\\xff\\xfe",
		 program);
}

static int mount_own(struct error *err)
{
	auto_close int fs = sys_fsopen("binfmt_misc", FSOPEN_CLOEXEC);
	int mount = -1;

	if (fs >= 0 && sys_fsconfig(fs, SYS_FSCONFIG_CREATE, NULL, NULL, 0) == 0)
		mount = sys_fsmount(fs, FSMOUNT_CLOEXEC, 0);
	if (mount >= 0)
		return mount;
	error_errno_id(err, ERROR_ARCHITECTURE,
		       "serve another machine: this kernel has no binfmt_misc for users");
	return error_hint(err, "as root: register qemu-user with the host's binfmt_misc "
			       "(package binfmt-support), or use a kernel from 6.7 on");
}

int binfmt_register(const char *machine, struct error *err)
{
	const struct machine *found = find(machine);
	char program[64], rule[RULE_SIZE];
	auto_close int mount = -1;
	auto_close int door = -1;

	if (!found || find_program(found, program, sizeof(program)) < 0)
		return error_set(err, ERROR_ARCHITECTURE,
				 "run programs for %s: there is no qemu-user for it",
				 machine);
	mount = mount_own(err);
	if (mount < 0)
		return -1;
	write_rule(found, program, rule, sizeof(rule));
	door = openat(mount, "register", O_WRONLY | O_CLOEXEC);
	if (door < 0 || fd_write_all(door, rule, strlen(rule)) < 0)
		return error_errno_id(err, ERROR_ARCHITECTURE, "register %s", program);
	return fd_take(&mount);
}
