/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_LAUNCHER_GVISOR_KNOWN_H
#define SBX_LAUNCHER_GVISOR_KNOWN_H

/*
 * Inside of gvisor_binary.c, gvisor_pin.c, gvisor_probe.c, gvisor_platform.c: what is known of
 * a runsc, and what is remembered of it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/error.h"
#include "launcher/gvisor.h"

struct arena;

/* ---- what it says of itself: gvisor_probe.c ------------------------------------------------ */

/*
 * Pure; the text is any that there may be. The first: its release ("0.0~20221219.0"), false
 * where it says none.
 */
bool gvisor_read_release(const char *text, char ret_release[64]);
unsigned int gvisor_date_of(const char *release); /* 20221219; 0: unknown */
unsigned int gvisor_read_flags(const char *text, bool *ret_is_list);
unsigned int gvisor_read_platforms(const char *text);

/* ---- what the machine asks for: gvisor_platform.c ------------------------------------------- */

enum {
	GVISOR_NOBODY = 65534,  /* runsc's user nobody, which its processes become */
	GVISOR_SCOPE_ADMIN = 2, /* of Yama: only with CAP_SYS_PTRACE */
	GVISOR_SCOPE_NONE = 3,  /* of Yama: nobody may trace */
};

/* kernel.yama.ptrace_scope, 0 where there is none. */
int gvisor_ptrace_scope(void);

/* ---- kvm: gvisor_kvm.c ---------------------------------------------------------------------- */

/* What the errno of opening it says; 0: it can be opened. Pure. */
int gvisor_judge_kvm_node(int errnum, const struct gvisor_binary *binary,
			  struct error *err);

/* A sandbox is started with this platform, whatever is remembered. */
int gvisor_try_platform(const struct gvisor_binary *binary, enum gvisor_platform platform,
			struct error *err);

/* ---- who may change it: gvisor_binary.c ---------------------------------------------------- */

/*
 * That nobody but root and the caller may change path (without links), or a folder on the way
 * to it. what it is looked at for: "use FILE as runsc".
 */
int gvisor_check_owners(const char *path, enum error_id id, const char *what,
			struct error *err);

/* The same of one file that is seen already. */
bool gvisor_others_may_write(const struct stat *status, bool sticky);

/* ---- the pin: gvisor_pin.c ----------------------------------------------------------------- */

enum { GVISOR_SHA512_DIGITS = 128, GVISOR_FILES_MAX = 128 };

/* One stanza of a pin that is for this machine. */
struct gvisor_pin_sum {
	const char *name; /* from the folder of runsc on; "": runsc itself */
	char sha512[GVISOR_SHA512_DIGITS + 1]; /* lower case */
};

struct gvisor_pin {
	char release[64]; /* "": any */
	const struct gvisor_pin_sum *sums;
	size_t count;
};

/*
 * The stanzas of a pin's text that are for machine (uname(2)'s word), at least one. name is
 * the file's, for messages: FILE:LINE. Pure.
 */
int gvisor_pin_parse(const char *text, const char *name, const char *machine,
		     struct arena *arena, struct gvisor_pin **ret_pins, size_t *ret_count,
		     struct error *err);

/* Whether the release is the one that a pin asks for: "release-" in front does not count. */
bool gvisor_is_release(const char *release, const char *wanted);

/*
 * That the file behind fd, which lies at binary->path, and all files in gvisor-bin beside it
 * are what the pin at path says. Sets pinned and pinned_release of binary.
 */
int gvisor_pin_check(const char *path, int fd, struct gvisor_binary *binary,
		     struct error *err);

/* ---- what is remembered: gvisor_known.c ---------------------------------------------------- */

/*
 * A file as it was: device, inode, size, times, mode, owner. What has the same now was not
 * changed since, but by who turns back the machine's clock.
 */
enum { GVISOR_STAMP_SIZE = 160 };

void gvisor_stamp(const struct stat *status, char ret_stamp[GVISOR_STAMP_SIZE]);

struct gvisor_known_sum {
	bool used; /* since it was recalled */
	char stamp[GVISOR_STAMP_SIZE];
	char sha512[GVISOR_SHA512_DIGITS + 1];
};

enum gvisor_kvm { KVM_UNTRIED, KVM_WORKS, KVM_FAILS };

/*
 * What is remembered of one file, for as long as the machine runs: what its release can do
 * hangs on the kernel too. It lies in $XDG_CACHE_HOME/sbx/runsc, and whoever removes it loses
 * time and nothing else.
 */
struct gvisor_known {
	char boot[40];
	char stamp[GVISOR_STAMP_SIZE]; /* of the file itself, now */
	bool is_fresh; /* changed so late that its times could lie: nothing is kept */
	bool probed;   /* release, flags and platforms are there */
	char release[64];
	unsigned int flags, platforms;
	enum gvisor_kvm kvm;
	uint64_t kvm_tried; /* seconds since 1970 */
	struct gvisor_known_sum sums[GVISOR_FILES_MAX];
	size_t sum_count;
};

/* All that is known of the file at this path, in the arena; never NULL. */
struct gvisor_known *gvisor_recall(const char *path, struct arena *arena);

/* Where it cannot be kept nothing is: it is found out again. */
void gvisor_remember(const char *path, const struct gvisor_known *known,
		     struct arena *arena);

/* The digest of a file that looks like this; NULL: it is not known. */
const char *gvisor_known_sum(struct gvisor_known *known, const struct stat *status);
void gvisor_know_sum(struct gvisor_known *known, const struct stat *status,
		     const char *sha512);

/* Digests that nobody asked for are those of files that there are no more. */
void gvisor_forget_unused(struct gvisor_known *known);

#endif
