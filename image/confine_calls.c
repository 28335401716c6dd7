/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which system calls sbx-image has left. What reads archives needs memory, files below "/" and
 * its socket, nothing more. A call that nobody of us makes ends the process: then somebody else
 * makes it. But a C library tries calls that it can do without, some of them newer than this
 * list: those are answered as by a kernel that has no such call.
 */
#include "image/confine_parts.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

/* Numbers of one architecture mean something else on another: the rest is not ours. */
#if defined(__x86_64__) && !defined(__ILP32__)
#define OWN_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define OWN_ARCH AUDIT_ARCH_AARCH64
#elif defined(__i386__)
#define OWN_ARCH AUDIT_ARCH_I386
#elif defined(__arm__)
#define OWN_ARCH AUDIT_ARCH_ARM
#elif defined(__riscv) && __riscv_xlen == 64
#define OWN_ARCH AUDIT_ARCH_RISCV64
#elif defined(__powerpc64__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define OWN_ARCH AUDIT_ARCH_PPC64LE
#elif defined(__s390x__)
#define OWN_ARCH AUDIT_ARCH_S390X
#else
#error "image/confine_calls.c: name the AUDIT_ARCH of this architecture"
#endif

/* Since 5.1 a new call has one number everywhere; the headers may be older than the C library. */
enum {
	NUMBER_OPENAT2 = 437,
	NUMBER_CLONE3 = 435,
	NUMBER_CLOSE_RANGE = 436,
	NUMBER_FACCESSAT2 = 439,
	NUMBER_FUTEX_WAITV = 449,
	NUMBER_CACHESTAT = 451,
	NUMBER_FCHMODAT2 = 452,
	NUMBER_MAP_SHADOW_STACK = 453,
	NUMBER_FUTEX_WAKE = 454,
	NUMBER_FUTEX_WAIT = 455,
	NUMBER_FUTEX_REQUEUE = 456,
};

enum {
	X32_BIT = 0x40000000, /* x32's numbers, which has the same AUDIT_ARCH */
	KNOWN_LAST = 462,     /* mseal(2), the last call of Linux 6.10 */
};

#ifdef __s390x__
enum { CLONE_FLAGS = 1 }; /* which argument of clone(2) */
#else
enum { CLONE_FLAGS = 0 };
#endif

enum check {
	ANY,
	NO_CODE,    /* memory that is not executable */
	NO_OWNER,   /* fcntl(2): names nobody whom a signal is sent to */
	NO_DEVICE,  /* mknodat(2): a FIFO, socket or file */
	ONLY_READS, /* openat(2): unless the process writes */
	OWN_LIMITS, /* prlimit(2) of this process */
	A_THREAD,   /* clone(2): a thread, and no namespace */
};

enum who { ALL, WRITERS, THREADED };

struct call {
	int number;
	enum check check;
	enum who who;
};

/* What is called most stands first: older kernels run through the list for each call. */
static const struct call allowed[] = {
	{ SYS_read, ANY, ALL },
	{ SYS_write, ANY, ALL },
	{ SYS_futex, ANY, ALL },
#ifdef SYS_futex_time64
	{ SYS_futex_time64, ANY, ALL },
#endif
	{ SYS_openat, ONLY_READS, ALL },
	{ SYS_close, ANY, ALL },
	{ SYS_fchown, ANY, WRITERS },
	{ SYS_fchmod, ANY, WRITERS },
	{ SYS_utimensat, ANY, WRITERS },
#ifdef SYS_utimensat_time64
	{ SYS_utimensat_time64, ANY, WRITERS },
#endif
	{ SYS_fchownat, ANY, WRITERS },
	{ SYS_fstat, ANY, ALL },
#ifdef SYS_fstat64
	{ SYS_fstat64, ANY, ALL },
#endif
#ifdef SYS_newfstatat
	{ SYS_newfstatat, ANY, ALL },
#endif
#ifdef SYS_fstatat64
	{ SYS_fstatat64, ANY, ALL },
#endif
	{ SYS_statx, ANY, ALL },
	{ SYS_pread64, ANY, ALL },
	{ SYS_pwrite64, ANY, ALL },
	{ SYS_lseek, ANY, ALL },
#ifdef SYS__llseek
	{ SYS__llseek, ANY, ALL },
#endif
	{ SYS_symlinkat, ANY, WRITERS },
	{ SYS_mkdirat, ANY, WRITERS },
	{ SYS_linkat, ANY, WRITERS },
	{ SYS_unlinkat, ANY, WRITERS },
#ifdef SYS_unlink /* what C libraries still make of the older functions */
	{ SYS_unlink, ANY, WRITERS },
	{ SYS_rmdir, ANY, WRITERS },
	{ SYS_mkdir, ANY, WRITERS },
	{ SYS_link, ANY, WRITERS },
	{ SYS_symlink, ANY, WRITERS },
	{ SYS_rename, ANY, WRITERS },
	{ SYS_access, ANY, ALL },
	{ SYS_readlink, ANY, ALL },
#endif
	{ SYS_faccessat, ANY, ALL },
	{ SYS_chdir, ANY, ALL },
	{ SYS_mknodat, NO_DEVICE, WRITERS },
#ifdef SYS_renameat
	{ SYS_renameat, ANY, WRITERS },
#endif
	{ SYS_renameat2, ANY, WRITERS },
	{ SYS_fchmodat, ANY, WRITERS },
	{ NUMBER_FCHMODAT2, ANY, WRITERS },
	{ SYS_fsetxattr, ANY, WRITERS },
	{ SYS_setxattr, ANY, WRITERS },
	{ SYS_lsetxattr, ANY, WRITERS },
	{ SYS_fremovexattr, ANY, WRITERS },
	{ SYS_removexattr, ANY, WRITERS },
	{ SYS_lremovexattr, ANY, WRITERS },
	{ SYS_ftruncate, ANY, ALL },
#ifdef SYS_ftruncate64
	{ SYS_ftruncate64, ANY, ALL },
#endif
	{ SYS_fallocate, ANY, ALL },
	{ SYS_umask, ANY, WRITERS },
	{ SYS_fgetxattr, ANY, ALL },
	{ SYS_getxattr, ANY, ALL },
	{ SYS_lgetxattr, ANY, ALL },
	{ SYS_flistxattr, ANY, ALL },
	{ SYS_listxattr, ANY, ALL },
	{ SYS_llistxattr, ANY, ALL },
	{ SYS_readlinkat, ANY, ALL },
	{ SYS_getdents64, ANY, ALL },
	{ SYS_fstatfs, ANY, ALL },
#ifdef SYS_fstatfs64
	{ SYS_fstatfs64, ANY, ALL },
#endif
	{ SYS_fchdir, ANY, ALL },
	{ SYS_getcwd, ANY, ALL },
	{ SYS_fcntl, NO_OWNER, ALL },
#ifdef SYS_fcntl64
	{ SYS_fcntl64, NO_OWNER, ALL },
#endif
	{ SYS_dup, ANY, ALL },
	{ SYS_readv, ANY, ALL },
	{ SYS_writev, ANY, ALL },
	{ SYS_fadvise64, ANY, ALL },
#ifdef SYS_fadvise64_64
	{ SYS_fadvise64_64, ANY, ALL },
#endif
	{ SYS_memfd_create, ANY, ALL },
	{ SYS_sendmsg, ANY, ALL },
	{ SYS_ppoll, ANY, ALL },
#ifdef SYS_ppoll_time64
	{ SYS_ppoll_time64, ANY, ALL },
#endif
#ifdef SYS_poll
	{ SYS_poll, ANY, ALL },
#endif
	{ SYS_brk, ANY, ALL },
#ifdef SYS_mmap
	{ SYS_mmap, NO_CODE, ALL },
#endif
#ifdef SYS_mmap2
	{ SYS_mmap2, NO_CODE, ALL },
#endif
	{ SYS_mprotect, NO_CODE, ALL },
	{ SYS_mremap, ANY, ALL },
	{ SYS_munmap, ANY, ALL },
	{ SYS_madvise, ANY, ALL },
	{ SYS_clone, A_THREAD, THREADED },
	{ SYS_set_robust_list, ANY, ALL },
	{ SYS_rseq, ANY, ALL },
	{ SYS_sched_getaffinity, ANY, ALL },
	{ SYS_sched_yield, ANY, ALL },
	{ SYS_clock_gettime, ANY, ALL },
#ifdef SYS_clock_gettime64
	{ SYS_clock_gettime64, ANY, ALL },
#endif
	{ SYS_gettimeofday, ANY, ALL },
#ifdef SYS_time
	{ SYS_time, ANY, ALL },
#endif
	{ SYS_clock_nanosleep, ANY, ALL },
	{ SYS_nanosleep, ANY, ALL },
	{ SYS_getrandom, ANY, ALL },
	{ SYS_getpid, ANY, ALL },
	{ SYS_gettid, ANY, ALL },
	{ SYS_getuid, ANY, ALL },
	{ SYS_geteuid, ANY, ALL },
	{ SYS_getgid, ANY, ALL },
	{ SYS_getegid, ANY, ALL },
	{ SYS_prlimit64, OWN_LIMITS, ALL },
	{ SYS_rt_sigaction, ANY, ALL },
	{ SYS_rt_sigprocmask, ANY, ALL },
	{ SYS_rt_sigreturn, ANY, ALL },
	{ SYS_sigaltstack, ANY, ALL },
	{ SYS_restart_syscall, ANY, ALL },
	{ SYS_exit, ANY, ALL },
	{ SYS_exit_group, ANY, ALL },
};

/* What C libraries and ours try first, or do without. */
static const struct {
	int number, errnum;
} missing[] = {
	/* Their flags cannot be looked at: the older ones are tried next. */
	{ NUMBER_CLONE3, ENOSYS },
	{ NUMBER_OPENAT2, ENOSYS },
	{ NUMBER_CLOSE_RANGE, ENOSYS },
	{ NUMBER_FACCESSAT2, ENOSYS },
	{ NUMBER_FUTEX_WAITV, ENOSYS },
	{ NUMBER_CACHESTAT, ENOSYS },
	{ NUMBER_MAP_SHADOW_STACK, ENOSYS },
	{ NUMBER_FUTEX_WAKE, ENOSYS },
	{ NUMBER_FUTEX_WAIT, ENOSYS },
	{ NUMBER_FUTEX_REQUEUE, ENOSYS },
	{ SYS_sysinfo, ENOSYS }, /* of the whole machine */
	{ SYS_membarrier, ENOSYS },
	{ SYS_prctl, EINVAL }, /* names of memory and threads */
	{ SYS_ioctl, ENOTTY }, /* is it a terminal */
	{ SYS_sched_setscheduler, EPERM },
};

/* ---- the program -------------------------------------------------------------------- */

struct writer {
	struct sock_filter *program;
	size_t length;
};

static void put(struct writer *writer, uint16_t code, uint32_t k, uint8_t yes, uint8_t no)
{
	assert(writer->length < CONFINE_CALLS_MAX);
	writer->program[writer->length++] =
		(struct sock_filter){ .code = code, .jt = yes, .jf = no, .k = k };
}

static void put_return(struct writer *writer, uint32_t action)
{
	put(writer, BPF_RET | BPF_K, action, 0, 0);
}

static void refuse(struct writer *writer)
{
	put_return(writer, SECCOMP_RET_ERRNO | EPERM);
}

/* The lower half of an argument: the kernel takes no more of those that are looked at. */
static void load_argument(struct writer *writer, unsigned int which)
{
	const size_t upper_first = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? 4 : 0;

	put(writer, BPF_LD | BPF_W | BPF_ABS,
	    (uint32_t)(offsetof(struct seccomp_data, args) + which * sizeof(uint64_t) +
		       upper_first),
	    0, 0);
}

/* Goes on behind the group if what is loaded is one of the values; else refuses. */
static void need_one_of(struct writer *writer, const uint32_t *values, size_t count)
{
	for (size_t i = 0; i < count; i++)
		put(writer, BPF_JMP | BPF_JEQ | BPF_K, values[i], (uint8_t)(count - i),
		    0);
	refuse(writer);
}

/* Refuses if one of the bits is set in what is loaded. */
static void need_none_of(struct writer *writer, uint32_t bits)
{
	put(writer, BPF_JMP | BPF_JSET | BPF_K, bits, 0, 1);
	refuse(writer);
}

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static void check_no_code(struct writer *writer)
{
	load_argument(writer, 2);
	need_none_of(writer, PROT_EXEC);
}

/* F_SETOWN and F_SETSIG send any signal to any process of the user, as kill(2) would. */
static void check_fcntl(struct writer *writer)
{
	static const uint32_t commands[] = { F_GETFD,     F_SETFD,    F_GETFL,
					     F_SETFL,     F_DUPFD,    F_DUPFD_CLOEXEC,
					     F_ADD_SEALS, F_GET_SEALS };

	load_argument(writer, 1);
	need_one_of(writer, commands, COUNT(commands));
}

static void check_node(struct writer *writer)
{
	static const uint32_t types[] = { 0, S_IFREG, S_IFIFO, S_IFSOCK };

	load_argument(writer, 2);
	put(writer, BPF_ALU | BPF_AND | BPF_K, S_IFMT, 0, 0);
	need_one_of(writer, types, COUNT(types));
}

static void check_open(struct writer *writer)
{
	load_argument(writer, 2);
	need_none_of(writer,
		     O_WRONLY | O_RDWR | O_CREAT | O_TRUNC | (O_TMPFILE & ~O_DIRECTORY));
}

static void check_own(struct writer *writer)
{
	static const uint32_t self[] = { 0 };

	load_argument(writer, 0);
	need_one_of(writer, self, COUNT(self));
}

static void check_thread(struct writer *writer)
{
	const uint32_t namespaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS |
				    CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID |
				    CLONE_NEWNET;

	load_argument(writer, CLONE_FLAGS);
	need_none_of(writer, namespaces);
	put(writer, BPF_JMP | BPF_JSET | BPF_K, CLONE_THREAD, 1, 0);
	refuse(writer);
}

static void put_check(struct writer *writer, enum check check, enum confine_power power)
{
	switch (check) {
	case ANY:
		break;
	case NO_CODE:
		check_no_code(writer);
		break;
	case NO_OWNER:
		check_fcntl(writer);
		break;
	case NO_DEVICE:
		check_node(writer);
		break;
	case ONLY_READS:
		if (power != CONFINE_WRITES)
			check_open(writer);
		break;
	case OWN_LIMITS:
		check_own(writer);
		break;
	case A_THREAD:
		check_thread(writer);
		break;
	}
}

/* What a matching call runs through ends in a return, so that the number stays loaded. */
static void put_call(struct writer *writer, const struct call *call,
		     enum confine_power power)
{
	const size_t jump = writer->length;

	put(writer, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)call->number, 0, 0);
	put_check(writer, call->check, power);
	put_return(writer, SECCOMP_RET_ALLOW);
	writer->program[jump].jf = (uint8_t)(writer->length - jump - 1);
}

static void put_front(struct writer *writer)
{
	put(writer, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch), 0, 0);
	put(writer, BPF_JMP | BPF_JEQ | BPF_K, OWN_ARCH, 1, 0);
	put_return(writer, SECCOMP_RET_KILL_PROCESS);
	put(writer, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr), 0, 0);
	if (OWN_ARCH != AUDIT_ARCH_X86_64)
		return;
	put(writer, BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 0, 1);
	put_return(writer, SECCOMP_RET_KILL_PROCESS);
}

/* Numbers that only an emulator or an older kernel has would be killed by the last line. */
static void put_end(struct writer *writer)
{
	for (size_t i = 0; i < COUNT(missing); i++) {
		put(writer, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)missing[i].number, 0, 1);
		put_return(writer, SECCOMP_RET_ERRNO | (uint32_t)missing[i].errnum);
	}
	put(writer, BPF_JMP | BPF_JGT | BPF_K, KNOWN_LAST, 0, 1);
	put_return(writer, SECCOMP_RET_ERRNO | ENOSYS);
#ifdef SBX_SANITIZED
	/* A sanitizer makes calls of its own; what only an attacker calls ends it all the same. */
	static const int deadly[] = { SYS_execve,  SYS_execveat, SYS_mount,  SYS_umount2,
				      SYS_unshare, SYS_setns,    SYS_ptrace, SYS_socket,
				      SYS_kill,    SYS_bpf,      SYS_chroot, SYS_setuid };

	for (size_t i = 0; i < COUNT(deadly); i++) {
		put(writer, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)deadly[i], 0, 1);
		put_return(writer, SECCOMP_RET_KILL_PROCESS);
	}
	refuse(writer);
#else
	put_return(writer, SECCOMP_RET_KILL_PROCESS);
#endif
}

static bool is_for(const struct call *call, enum confine_power power, bool threads)
{
	switch (call->who) {
	case ALL:
		return true;
	case WRITERS:
		return power == CONFINE_WRITES;
	case THREADED:
		return threads;
	}
	return false;
}

size_t confine_write_calls(enum confine_power power, bool threads,
			   struct sock_filter program[CONFINE_CALLS_MAX])
{
	struct writer writer = { .program = program };

	put_front(&writer);
	for (size_t i = 0; i < COUNT(allowed); i++)
		if (is_for(&allowed[i], power, threads))
			put_call(&writer, &allowed[i], power);
	put_end(&writer);
	return writer.length;
}
