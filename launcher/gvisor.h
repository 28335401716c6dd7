/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_LAUNCHER_GVISOR_H
#define SBX_LAUNCHER_GVISOR_H

/*
 * The hand-over to gVisor's runsc. We make the namespaces, the network and the root as for
 * every sandbox; runsc then runs as uid 0 of our user namespace, in a root of its own that has
 * nothing of the host but runsc, and is driven by create, start and kill. Its sandbox process
 * becomes a child of our init, whose exit status is the command's.
 *
 *   gvisor.c           the executor: the launcher's half of a start
 *   gvisor_child.c     the child's half, with its table of stages
 *   gvisor_root.c      what runsc sees of the world
 *   gvisor_drive.c     runsc's commands as processes
 *   gvisor_signals.c   signals for the command
 *   gvisor_streams.c   standard streams through pipes, the console socket
 *   gvisor_binary.c    which file is runsc: PATH, architecture, owners
 *   gvisor_pin.c       whether it is the one that has to be
 *   gvisor_ask.c       a program that is asked something
 *   gvisor_probe.c     what that file can: release, flags, platforms
 *   gvisor_known.c     what was found out, remembered
 *   gvisor_platform.c  which platform is taken
 *   gvisor_kvm.c       whether kvm is of use
 *   gvisor_filter.c    what runsc is spared
 *   gvisor_failure.c   what runsc says when it fails, as one sentence
 *   gvisor_log.c       its debug log, kept of what failed
 *   gvisor_exec.c      further processes in a sandbox that runs
 */

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/files.h"
#include "launcher/gvisor_streams.h"
#include "plan/plan.h"

struct child;
struct error;
struct execution;

/* Flags that not every release has (`runsc flags`). */
enum gvisor_flag {
	GVISOR_DIRECTFS = 1 << 0,        /* --directfs */
	GVISOR_OVERLAY2 = 1 << 1,        /* --overlay2 */
	GVISOR_HOST_SETTINGS = 1 << 2,   /* --host-settings */
	GVISOR_HOST_UDS = 1 << 3,        /* --host-uds */
	GVISOR_HOST_FIFO = 1 << 4,       /* --host-fifo */
	GVISOR_FILE_ACCESS = 1 << 5,     /* --file-access */
	GVISOR_OCI_SECCOMP = 1 << 6,     /* --oci-seccomp */
	GVISOR_NET_RAW = 1 << 7,         /* --net-raw */
	GVISOR_PANIC_LOG = 1 << 8,       /* --panic-log */
	GVISOR_SIDECAR_RELEASE = 1 << 9, /* --sidecar-release-enforcement-policy */
	GVISOR_SIDECAR_USAGE = 1 << 10,  /* --sidecar-usage-policy */
	GVISOR_ROOTLESS = 1 << 11,       /* --rootless */
};

enum {
	/* The first release without gvisor#10704, and kernels that it happens on have
	   /proc/sys/net/core/rmem_default in every network namespace. */
	GVISOR_NET_CORE_FIXED = 20240807,
};

/* A file that is runsc, checked, and what it is known to be able to. */
struct gvisor_binary {
	char path[PATH_MAX]; /* absolute, links resolved */
	struct files_identity
		identity;   /* of what was checked: nothing else is executed */
	char release[64];   /* in its own words: "release-20240807.0", "0.0~20221219.0" */
	unsigned int date;  /* 20240807; 0: unknown */
	unsigned int flags; /* enum gvisor_flag */
	unsigned int platforms; /* 1 << enum gvisor_platform: those it was built with */
	bool companions; /* a folder gvisor-bin lies beside it, and belongs to it */
	bool pinned;     /* it is what --runsc-pin names */
	char pinned_release[64]; /* that its pin asks for; "": any */
};

/* What a start is done with. */
struct gvisor_choice {
	struct gvisor_binary binary;
	enum gvisor_platform platform;
	bool directfs; /* --directfs=true: without a range of ids, or with Yama's scope 2 */
	bool hides_net_core; /* the work-around for gvisor#10704 is needed */
	char notes[512];     /* lines for the user, each with its newline: may be empty */
};

/*
 * Finds runsc for the plan, checks architecture and pin, probes it where that was not done
 * since the machine started, and takes the first platform that works. Fails closed: one of the
 * ids runsc-… and kvm-… with its hint.
 */
int gvisor_choose(const struct plan *plan, struct gvisor_choice *ret_choice,
		  struct error *err);

/* The same in parts, for `sbx doctor` and sbx-oci. gvisor_binary.c, gvisor_probe.c */
int gvisor_find(const struct runtime_spec *spec, struct gvisor_binary *ret_binary,
		struct error *err);
int gvisor_probe(struct gvisor_binary *binary, struct error *err);

/*
 * Whether kvm works with it: a sandbox is started, for at most three seconds. -1: err says
 * which of the known causes it is (kvm-missing, kvm-forbidden, kvm-unusable).
 */
int gvisor_try_kvm(const struct gvisor_binary *binary, struct error *err);

/*
 * What runsc said in failing (its stderr, its logs; each may be empty) as a sentence with a
 * hint and one of the ids. Pure. Always -1.
 */
struct gvisor_words {
	const char *output, *log, *panic;
	const char *debug; /* its debug logs, one behind the other; NULL: none */
};
int gvisor_explain(const struct gvisor_words *words, const struct gvisor_choice *choice,
		   struct error *err);

/* Where things lie in the root that runsc sees. */
#define GVISOR_DIR     "/runsc"  /* its file and gvisor-bin, read-only */
#define GVISOR_ROOT    "/rootfs" /* the sandbox's own root */
#define GVISOR_BUNDLE  "/bundle"
#define GVISOR_LOGS    "/log"
#define GVISOR_PANIC   GVISOR_LOGS "/panic" /* what a kernel that crashes leaves */
#define GVISOR_STATE   "/state"             /* its --root, or a link to it */
#define GVISOR_CONSOLE "/console"           /* the console socket */

/* The one container of a run, for runsc. */
#define GVISOR_ID "sandbox"

/*
 * What the root of runsc is made of: mounts out of the caller's tree, taken before the sandbox's
 * root is entered, attached nowhere yet. -1: there is none.
 */
struct gvisor_world {
	int binary, companions; /* the file, and gvisor-bin */
	int proc, null, zero, kvm;
};

enum { GVISOR_WAITING_MAX = 64 }; /* signals */

struct gvisor_signal {
	int number;
	bool group;
};

/* What the child of such a start has beside others. */
struct gvisor_start {
	struct gvisor_choice choice;
	char state
		[PATH_MAX]; /* $XDG_RUNTIME_DIR/sbx/NAME/runsc: --root, inside as outside */
	struct gvisor_world world;
	struct gvisor_streams streams;
	struct execution *execution; /* the command, found in the sandbox's root */
	struct arena arena;
	const char *config; /* the text of config.json, in the arena */
	pid_t killer;       /* the `runsc kill` that runs; 0: none */
	struct gvisor_signal waiting[GVISOR_WAITING_MAX];
	size_t waiting_count;
	pid_t process; /* one that `runsc exec` has started, as gVisor counts; 0: the first */
};

/* With namespaces, and runsc behind them. gvisor_child.c */
void gvisor_child_run(struct child *child) __attribute__((noreturn));

/* ---- stages of the child ----------------------------------------------------------------- */

/* Two that a further process has as well. gvisor_child.c */
int gvisor_become_root(struct child *child, struct error *err);
int gvisor_bound(struct child *child, struct error *err);

/* A stage: nobody waits where runsc would ask the kernel for barriers. Never fails. gvisor_filter.c */
int gvisor_spare_barriers(struct child *child, struct error *err);

/* Before the root is entered: takes runsc and the devices it needs. gvisor_root.c */
int gvisor_take_world(struct child *child, struct error *err);

/* Behind it: the sandbox's root moves to GVISOR_ROOT of a new one, which is entered. */
int gvisor_enter_world(struct child *child, struct error *err);

/* In the sandbox's root, with the command found: what runsc is told of it. gvisor_drive.c */
int gvisor_configure(struct child *child, struct error *err);

/* gvisor_drive.c: `runsc create`, whose sandbox process becomes child->command; and `start` */
int gvisor_create(struct child *child, struct error *err);
int gvisor_go(struct child *child, struct error *err);

/*
 * By `runsc kill`, one after the other; group: to all processes of the sandbox. Of what
 * `runsc exec` has started it is that process alone. The reaper says who ended. gvisor_signals.c
 */
void gvisor_signal(const struct child *child, int number, bool group);
void gvisor_reaped(const struct child *child, pid_t pid);

/*
 * The sandbox process has ended. -1: not as its command did, but of a fault of gVisor's own.
 * gvisor_drive.c
 */
int gvisor_judge(const struct child *child, int status, struct error *err);

/* ---- a further process --------------------------------------------------------------------- */

/* The life of who has joined the init of such a sandbox for it; never returns. gvisor_exec.c */
void gvisor_exec_run(struct child *child) __attribute__((noreturn));

/* Ends it, whatever it does: nobody waits for it any more. */
void gvisor_exec_end(const struct child *child);

#endif
