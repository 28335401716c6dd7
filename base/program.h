/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_BASE_PROGRAM_H
#define SBX_BASE_PROGRAM_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;

/*
 * What execve(2) makes of a file: what it believes and what it ignores is the same here, so
 * that nobody can show us another interpreter than the kernel will take.
 */
enum program_kind {
	PROGRAM_OTHER,  /* neither of these; execvp(3) gives it to the shell */
	PROGRAM_SCRIPT, /* "#!" and an interpreter, which may be a script in its turn */
	PROGRAM_CUT_SCRIPT, /* its interpreter goes on behind what the kernel reads */
	PROGRAM_ELF,
	PROGRAM_UNKNOWN, /* an ELF file that does not hold what it promises */
};

enum {
	PROGRAM_LINE_MAX = 256,  /* bytes that the kernel reads of a first line */
	PROGRAM_SCRIPTS_MAX = 5, /* `#!` lines that it follows, one behind the other */
};

struct program {
	enum program_kind kind;
	unsigned int bits;               /* of an ELF file: 32 or 64 */
	unsigned int machine;            /* its e_machine */
	char interpreter[PATH_MAX];      /* of a script, or the ELF loader; "": none */
	char argument[PROGRAM_LINE_MAX]; /* of the script's line, "": none */
};

/*
 * Reads the first page of the file, and more only where an ELF header points behind it.
 * -1 and errno, and *ret_program as it was, where nothing can be read.
 */
int program_read(int fd, struct program *ret_program);

/* The same of a whole file of size bytes that is in memory. */
void program_parse(const void *bytes, size_t size, struct program *ret_program);

/* Whether it is an ELF file for other machines than this one. */
bool program_is_foreign(const struct program *program);

/*
 * Refuses to start name, because file (name itself, or a script that it leads to) is
 * `program`, whose interpreter is missing. Returns -1.
 */
int program_refuse_interpreter(const struct program *program, const char *name,
			       const char *file, struct error *err);

#endif
