/* SPDX-License-Identifier: Apache-2.0 */
#include "net/confine_filter.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
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
#error "net/confine_filter.c: name the AUDIT_ARCH of this architecture"
#endif

/* Numbers from here on are x32's, which has the same AUDIT_ARCH. */
enum { X32_BIT = 0x40000000 };

enum check {
	ANY,
	INTERNET_SOCKET, /* of AF_INET and AF_INET6, TCP, UDP and echo */
	NO_CODE,         /* memory that is not executable */
	ABOUT_SOCKETS,   /* ioctl(2): how much is there, does it block */
	OWN_LIMITS,      /* prlimit(2) of this process */
	NO_PROGRAM,      /* setsockopt(2): attaches no BPF */
	NO_OWNER,        /* fcntl(2): names nobody whom a signal is sent to */
};

struct allowed {
	int number;
	enum check check;
};

/* What is called most stands first: older kernels run through the list for each call. */
static const struct allowed outer[] = {
	{ SYS_splice, ANY },
	{ SYS_epoll_pwait, ANY },
#ifdef SYS_epoll_wait
	{ SYS_epoll_wait, ANY },
#endif
#ifdef SYS_epoll_pwait2
	{ SYS_epoll_pwait2, ANY },
#endif
	{ SYS_read, ANY },
	{ SYS_write, ANY },
	{ SYS_readv, ANY },
	{ SYS_writev, ANY },
	{ SYS_recvmsg, ANY },
	{ SYS_sendmsg, ANY },
	{ SYS_recvfrom, ANY },
	{ SYS_sendto, ANY },
#ifdef SYS_recv
	{ SYS_recv, ANY },
#endif
#ifdef SYS_send
	{ SYS_send, ANY },
#endif
	{ SYS_recvmmsg, ANY },
	{ SYS_sendmmsg, ANY },
	{ SYS_epoll_ctl, ANY },
#ifdef SYS_poll
	{ SYS_poll, ANY },
#endif
	{ SYS_ppoll, ANY },
#ifdef SYS_ppoll_time64
	{ SYS_ppoll_time64, ANY },
#endif
#ifdef SYS_accept
	{ SYS_accept, ANY },
#endif
	{ SYS_accept4, ANY },
	{ SYS_connect, ANY },
	{ SYS_close, ANY },
	{ SYS_socket, INTERNET_SOCKET },
	{ SYS_bind, ANY },
	{ SYS_listen, ANY },
	{ SYS_shutdown, ANY },
	{ SYS_getsockname, ANY },
	{ SYS_getpeername, ANY },
	{ SYS_getsockopt, ANY },
	{ SYS_setsockopt, NO_PROGRAM },
	{ SYS_ioctl, ABOUT_SOCKETS },
	{ SYS_fcntl, NO_OWNER },
#ifdef SYS_fcntl64
	{ SYS_fcntl64, NO_OWNER },
#endif
	{ SYS_pipe2, ANY },
	{ SYS_epoll_create1, ANY },
	{ SYS_timerfd_create, ANY },
	{ SYS_timerfd_settime, ANY },
	{ SYS_clock_gettime, ANY },
#ifdef SYS_clock_gettime64
	{ SYS_clock_gettime64, ANY },
#endif
	{ SYS_gettimeofday, ANY },
#ifdef SYS_time
	{ SYS_time, ANY },
#endif
	{ SYS_clock_nanosleep, ANY },
	{ SYS_nanosleep, ANY },
	{ SYS_getrandom, ANY },
	{ SYS_brk, ANY },
#ifdef SYS_mmap
	{ SYS_mmap, NO_CODE },
#endif
#ifdef SYS_mmap2
	{ SYS_mmap2, NO_CODE },
#endif
	{ SYS_mprotect, NO_CODE },
	{ SYS_mremap, ANY },
	{ SYS_munmap, ANY },
	{ SYS_madvise, ANY },
	{ SYS_futex, ANY },
	{ SYS_sched_yield, ANY },
	{ SYS_sysinfo, ANY },
	{ SYS_fstat, ANY },
#ifdef SYS_newfstatat
	{ SYS_newfstatat, ANY },
#endif
	{ SYS_lseek, ANY },
	{ SYS_fsync, ANY },
	{ SYS_getpid, ANY },
	{ SYS_gettid, ANY },
	{ SYS_wait4, ANY },
	{ SYS_waitid, ANY },
	{ SYS_prlimit64, OWN_LIMITS },
	{ SYS_rt_sigaction, ANY },
	{ SYS_rt_sigprocmask, ANY },
	{ SYS_rt_sigreturn, ANY },
	{ SYS_sigaltstack, ANY },
	{ SYS_restart_syscall, ANY },
	{ SYS_exit, ANY },
	{ SYS_exit_group, ANY },
};

static const struct allowed inner[] = {
#ifdef SYS_poll
	{ SYS_poll, ANY },
#endif
	{ SYS_ppoll, ANY },
#ifdef SYS_ppoll_time64
	{ SYS_ppoll_time64, ANY },
#endif
	{ SYS_recvfrom, ANY },
	{ SYS_sendto, ANY },
#ifdef SYS_recv
	{ SYS_recv, ANY },
#endif
#ifdef SYS_send
	{ SYS_send, ANY },
#endif
	{ SYS_recvmsg, ANY },
	{ SYS_sendmsg, ANY },
	{ SYS_clock_gettime, ANY },
#ifdef SYS_clock_gettime64
	{ SYS_clock_gettime64, ANY },
#endif
	{ SYS_socket, INTERNET_SOCKET },
	{ SYS_setsockopt, NO_PROGRAM },
	{ SYS_close, ANY },
	{ SYS_brk, ANY },
	{ SYS_munmap, ANY },
	{ SYS_futex, ANY },
	{ SYS_rt_sigprocmask, ANY },
	{ SYS_rt_sigreturn, ANY },
	{ SYS_restart_syscall, ANY },
	{ SYS_exit, ANY },
	{ SYS_exit_group, ANY },
};

/* Nobody calls these by mistake. */
static const int deadly[] = {
	SYS_execve,
	SYS_execveat,
	SYS_mount,
	SYS_unshare,
	SYS_setns,
	SYS_bpf,
	SYS_process_vm_readv,
	SYS_process_vm_writev,
	SYS_open_by_handle_at,
	SYS_init_module,
	SYS_finit_module,
	SYS_perf_event_open,
	SYS_add_key,
	SYS_keyctl,
	SYS_userfaultfd,
#ifdef SYS_io_uring_setup
	SYS_io_uring_setup,
#endif
};

/* ---- the program -------------------------------------------------------------------- */

struct writer {
	struct sock_filter *program;
	size_t length;
};

static void put(struct writer *writer, uint16_t code, uint32_t k, uint8_t yes, uint8_t no)
{
	assert(writer->length < CONFINE_PROGRAM_MAX);
	writer->program[writer->length++] =
		(struct sock_filter){ .code = code, .jt = yes, .jf = no, .k = k };
}

static void put_return(struct writer *writer, uint32_t action)
{
	put(writer, BPF_RET | BPF_K, action, 0, 0);
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

/* Goes on behind the group if the argument is one of the values; else refuses. */
static void need_one_of(struct writer *writer, unsigned int which, const uint32_t *values,
			size_t count)
{
	load_argument(writer, which);
	for (size_t i = 0; i < count; i++)
		put(writer, BPF_JMP | BPF_JEQ | BPF_K, values[i], (uint8_t)(count - i),
		    0);
	put_return(writer, SECCOMP_RET_ERRNO | EPERM);
}

static void refuse_one_of(struct writer *writer, unsigned int which,
			  const uint32_t *values, size_t count)
{
	load_argument(writer, which);
	for (size_t i = 0; i < count; i++) {
		put(writer, BPF_JMP | BPF_JEQ | BPF_K, values[i], 0, 1);
		put_return(writer, SECCOMP_RET_ERRNO | EPERM);
	}
}

/* Jumps to what is put next after end_if(), unless the argument is that value. */
static size_t begin_if(struct writer *writer, unsigned int which, uint32_t value)
{
	load_argument(writer, which);
	put(writer, BPF_JMP | BPF_JEQ | BPF_K, value, 0, 0);
	return writer->length - 1;
}

static void end_if(struct writer *writer, size_t jump)
{
	writer->program[jump].jf = (uint8_t)(writer->length - jump - 1);
}

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* socket(2): raw sockets need a capability; other protocols are code that we never use. */
static void check_socket(struct writer *writer)
{
	static const uint32_t families[] = { AF_INET, AF_INET6 };
	static const uint32_t protocols[] = { 0, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP,
					      IPPROTO_ICMPV6 };

	need_one_of(writer, 0, families, COUNT(families));
	need_one_of(writer, 2, protocols, COUNT(protocols));
}

static void check_ioctl(struct writer *writer)
{
	static const uint32_t requests[] = { FIONREAD, FIONBIO, SIOCATMARK, SIOCOUTQ };

	need_one_of(writer, 1, requests, COUNT(requests));
}

/* socket(7), SO_ATTACH_FILTER and its kin; numbers that are the same everywhere. */
static void check_option(struct writer *writer)
{
	static const uint32_t levels[] = { SOL_SOCKET, IPPROTO_IP, IPPROTO_TCP,
					   IPPROTO_IPV6, IPPROTO_UDP };
	static const uint32_t programs[] = {
#ifdef SO_ATTACH_FILTER
		SO_ATTACH_FILTER,
#endif
#ifdef SO_ATTACH_BPF
		SO_ATTACH_BPF,
#endif
#ifdef SO_ATTACH_REUSEPORT_CBPF
		SO_ATTACH_REUSEPORT_CBPF,
#endif
#ifdef SO_ATTACH_REUSEPORT_EBPF
		SO_ATTACH_REUSEPORT_EBPF,
#endif
	};

	size_t of_sockets;

	need_one_of(writer, 1, levels, COUNT(levels));
	of_sockets = begin_if(writer, 1, SOL_SOCKET);
	refuse_one_of(writer, 2, programs, COUNT(programs));
	end_if(writer, of_sockets);
}

static void check_no_code(struct writer *writer)
{
	load_argument(writer, 2);
	put(writer, BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 0, 1);
	put_return(writer, SECCOMP_RET_ERRNO | EPERM);
}

/*
 * F_SETOWN and F_SETSIG send any signal to any process of the user, as kill(2) would, which is
 * not on the list. What C libraries and libslirp ask for is.
 */
static void check_fcntl(struct writer *writer)
{
	static const uint32_t commands[] = { F_GETFD,      F_SETFD,     F_GETFL,
					     F_SETFL,      F_DUPFD,     F_DUPFD_CLOEXEC,
					     F_SETPIPE_SZ, F_GETPIPE_SZ };

	need_one_of(writer, 1, commands, COUNT(commands));
}

static void check_own(struct writer *writer)
{
	static const uint32_t self[] = { 0 };

	need_one_of(writer, 0, self, COUNT(self));
}

static void put_check(struct writer *writer, enum check check)
{
	switch (check) {
	case ANY:
		break;
	case INTERNET_SOCKET:
		check_socket(writer);
		break;
	case NO_CODE:
		check_no_code(writer);
		break;
	case ABOUT_SOCKETS:
		check_ioctl(writer);
		break;
	case OWN_LIMITS:
		check_own(writer);
		break;
	case NO_PROGRAM:
		check_option(writer);
		break;
	case NO_OWNER:
		check_fcntl(writer);
		break;
	}
}

/* What a matching call runs through ends in a return, so that the number stays loaded. */
static void put_allowed(struct writer *writer, const struct allowed *allowed)
{
	const size_t jump = writer->length;

	put(writer, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)allowed->number, 0, 0);
	put_check(writer, allowed->check);
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

size_t confine_write_filter(enum confine_list list,
			    struct sock_filter program[CONFINE_PROGRAM_MAX])
{
	struct writer writer = { .program = program };
	const struct allowed *rows = list == CONFINE_OUTER ? outer : inner;
	const size_t count = list == CONFINE_OUTER ? COUNT(outer) : COUNT(inner);

	put_front(&writer);
	for (size_t i = 0; i < count; i++)
		put_allowed(&writer, &rows[i]);
	for (size_t i = 0; i < COUNT(deadly); i++) {
		put(&writer, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)deadly[i], 0, 1);
		put_return(&writer, SECCOMP_RET_KILL_PROCESS);
	}
	put_return(&writer, SECCOMP_RET_ERRNO | EPERM);
	return writer.length;
}
