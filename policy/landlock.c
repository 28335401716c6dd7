/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A layer of Landlock (landlock(7)).
 *
 * One ruleset says everything, since layers add up: a second one that does not mention
 * renames across directories would forbid them. File rights are handled only where paths
 * are given, as a domain that handles any forbids mounts for ever, while one of scopes and
 * ports does not. What is handled is denied but for the rules; an ABI that does not know a
 * right leaves it open, and landlock_check() says which one that is.
 *
 * Numbers and layouts stand here: the headers of a distribution are often older than its
 * kernel.
 */
#include "policy/policy.h"

#include "base/error.h"
#include "base/failpoint.h"
#include "base/fd.h"
#include "base/files.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The same on every architecture. */
enum { SYS_CREATE_RULESET = 444, SYS_ADD_RULE = 445, SYS_RESTRICT_SELF = 446 };

enum { ASK_VERSION = 1 };

enum { RULE_PATH = 1, RULE_PORT = 2 };

struct ruleset {
	uint64_t files, ports, scopes;
};

struct path_rule {
	uint64_t allowed;
	int32_t parent;
} __attribute__((packed));

struct port_rule {
	uint64_t allowed, port;
};

enum { SCOPE_ABSTRACT_UNIX = 1 << 0, SCOPE_SIGNAL = 1 << 1 };
enum { PORT_BIND = 1 << 0, PORT_CONNECT = 1 << 1 };

enum {
	FILE_EXECUTE = 1 << 0,
	FILE_WRITE = 1 << 1,
	FILE_READ = 1 << 2,
	FILE_READ_DIR = 1 << 3,
	FILE_TRUNCATE = 1 << 14,
	FILE_IOCTL_DEV = 1 << 15,
	FILE_RESOLVE_UNIX = 1 << 16,
	FILE_ALL_ABI_1 = (1 << 13) - 1,
	FILE_ALL_ABI_2 = (1 << 14) - 1, /* renames across directories */
	FILE_ALL_ABI_3 = (1 << 15) - 1, /* truncation */
	FILE_ALL_ABI_5 = (1 << 16) - 1, /* ioctls of devices */
	FILE_ALL_ABI_9 = (1 << 17) - 1, /* sockets by their paths */
	/* Of a rule for something that is no directory the kernel takes only these. */
	FILE_OF_FILES = FILE_EXECUTE | FILE_WRITE | FILE_READ | FILE_TRUNCATE |
			FILE_IOCTL_DEV | FILE_RESOLVE_UNIX,
	FILE_READING = FILE_EXECUTE | FILE_READ | FILE_READ_DIR,
};

enum { ABI_FILES = 1, ABI_TRUNCATE = 3, ABI_PORTS = 4, ABI_DEVICES = 5, ABI_SCOPES = 6 };

static const struct landlock_guarantee guarantees[] = {
	{ ABI_FILES, "5.13", "files", "every file that you may use" },
	{ 2, "5.19", "renames",
	  "nothing, but files cannot be moved between directories" },
	{ ABI_TRUNCATE, "6.2", "truncation",
	  "every file that you may write can be emptied" },
	{ ABI_PORTS, "6.7", "TCP ports", "TCP ports" },
	{ ABI_DEVICES, "6.10", "ioctls of devices",
	  "every device that can be opened takes every ioctl" },
	{ ABI_SCOPES, "6.12", "signals and abstract sockets",
	  "every process of yours can be sent signals, and abstract sockets be reached" },
	{ 9, "7.1", "sockets by path", "sockets in directories can be reached" },
	{ 0, NULL, NULL, NULL },
};

const struct landlock_guarantee *landlock_guarantees(void)
{
	return guarantees;
}

int landlock_abi(void)
{
	const long abi = syscall(SYS_CREATE_RULESET, NULL, (size_t)0, ASK_VERSION);

	/* Not built in, or not switched on at boot: no difference to who wants it. */
	return at_most_for_test("SBX_TEST_LANDLOCK_ABI", abi < 0 ? 0 : (int)abi);
}

struct landlock_spec landlock_default(void)
{
	return (struct landlock_spec){
		.mode = LANDLOCK_AUTO,
		.scope_signal = true,
		.scope_abstract_unix = true,
	};
}

/* ---- what it needs ----------------------------------------------------------------------- */

static bool restricts_files(const struct landlock_spec *spec)
{
	return spec->whole || spec->path_count > 0;
}

static uint64_t all_file_rights(int abi)
{
	if (abi >= 9)
		return FILE_ALL_ABI_9;
	if (abi >= ABI_DEVICES)
		return FILE_ALL_ABI_5;
	if (abi >= ABI_TRUNCATE)
		return FILE_ALL_ABI_3;
	if (abi >= 2)
		return FILE_ALL_ABI_2;
	return abi >= ABI_FILES ? FILE_ALL_ABI_1 : 0;
}

/* What of it a kernel with this ABI can restrict. */
static struct ruleset ruleset_of(const struct landlock_spec *spec, int abi)
{
	struct ruleset ruleset = { 0 };

	if (restricts_files(spec))
		ruleset.files = all_file_rights(abi);
	if (abi >= ABI_PORTS && spec->limits_bind)
		ruleset.ports |= PORT_BIND;
	if (abi >= ABI_PORTS && spec->limits_connect)
		ruleset.ports |= PORT_CONNECT;
	if (abi >= ABI_SCOPES && spec->scope_signal)
		ruleset.scopes |= SCOPE_SIGNAL;
	if (abi >= ABI_SCOPES && spec->scope_abstract_unix)
		ruleset.scopes |= SCOPE_ABSTRACT_UNIX;
	return ruleset;
}

static bool needs_abi(const struct landlock_spec *spec, int abi)
{
	switch (abi) {
	case ABI_FILES:
	case 2:
	case ABI_TRUNCATE:
	case ABI_DEVICES:
		return restricts_files(spec);
	case ABI_PORTS:
		return spec->limits_bind || spec->limits_connect;
	case ABI_SCOPES:
		return spec->scope_signal || spec->scope_abstract_unix;
	default:
		return false;
	}
}

static int refuse_without(struct error *err)
{
	error_set(err, ERROR_LANDLOCK, "use Landlock: this kernel has none");
	return error_hint(err, "it needs Linux 5.13 with CONFIG_SECURITY_LANDLOCK, and "
			       "landlock among the modules of lsm= where that is given");
}

int landlock_check(const struct landlock_spec *spec, struct error *err)
{
	int abi;

	if (spec->mode == LANDLOCK_OFF || (spec->mode == LANDLOCK_AUTO && !spec->whole))
		return 0;
	abi = landlock_abi();
	if (abi == 0)
		return refuse_without(err);
	if (spec->mode == LANDLOCK_AUTO)
		return 0;
	for (const struct landlock_guarantee *each = guarantees; each->abi; each++) {
		if (abi >= each->abi || !needs_abi(spec, each->abi))
			continue;
		error_set(err, ERROR_LANDLOCK,
			  "restrict %s: this kernel has Landlock ABI %d, and it needs %d "
			  "(Linux %s)",
			  each->what, abi, each->abi, each->kernel);
		return error_hint(err, "--landlock auto takes what there is");
	}
	if (abi >= spec->least_abi)
		return 0;
	error_set(err, ERROR_LANDLOCK,
		  "use Landlock: this kernel has ABI %d, and at least %d is asked for",
		  abi, spec->least_abi);
	return error_hint(err, "--landlock auto takes what there is");
}

/* ---- the ruleset ------------------------------------------------------------------------- */

static uint64_t rights_of(const struct landlock_path *path)
{
	if (path->lists)
		return FILE_READ_DIR;
	return path->writable ? ~0ULL : (uint64_t)FILE_READING;
}

static int add_path(int ruleset, int root, const struct landlock_path *path,
		    uint64_t handled, struct error *err)
{
	auto_close int fd = files_open_in_root(root, path->path, O_PATH, 0);
	struct path_rule rule = { .parent = fd };
	struct stat status;

	if (fd < 0 && path->optional && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	if (fd < 0 || fstat(fd, &status) < 0)
		return error_errno_id(err, ERROR_LANDLOCK, "allow %s by Landlock",
				      path->path);
	rule.allowed = handled & rights_of(path);
	if (!S_ISDIR(status.st_mode))
		rule.allowed &= FILE_OF_FILES;
	/* The kernel takes no rule that allows nothing: only directories are listed. */
	if (!rule.allowed)
		return 0;
	if (syscall(SYS_ADD_RULE, ruleset, RULE_PATH, &rule, 0) < 0)
		return error_errno_id(err, ERROR_LANDLOCK, "allow %s by Landlock",
				      path->path);
	return 0;
}

static int add_paths(int ruleset, const struct landlock_spec *spec, uint64_t handled,
		     struct error *err)
{
	auto_close int root = -1;

	if (handled == 0)
		return 0;
	root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return error_errno_id(err, ERROR_LANDLOCK, "open the root for Landlock");
	for (size_t i = 0; i < spec->path_count; i++)
		if (add_path(ruleset, root, &spec->paths[i], handled, err) < 0)
			return -1;
	return 0;
}

static int add_ports(int ruleset, const uint16_t *ports, size_t count, uint64_t right,
		     struct error *err)
{
	for (size_t i = 0; i < count; i++) {
		const struct port_rule rule = { .allowed = right, .port = ports[i] };

		if (syscall(SYS_ADD_RULE, ruleset, RULE_PORT, &rule, 0) < 0)
			return error_errno_id(err, ERROR_LANDLOCK,
					      "allow TCP port %u by Landlock",
					      (unsigned int)ports[i]);
	}
	return 0;
}

static int add_rules(int fd, const struct landlock_spec *spec,
		     const struct ruleset *ruleset, struct error *err)
{
	if (add_paths(fd, spec, ruleset->files, err) < 0)
		return -1;
	if (ruleset->ports & PORT_BIND &&
	    add_ports(fd, spec->bind_ports, spec->bind_count, PORT_BIND, err) < 0)
		return -1;
	if (ruleset->ports & PORT_CONNECT)
		return add_ports(fd, spec->connect_ports, spec->connect_count,
				 PORT_CONNECT, err);
	return 0;
}

int landlock_restrict(const struct landlock_spec *spec, struct error *err)
{
	struct ruleset ruleset;
	auto_close int fd = -1;
	int abi;

	if (spec->mode == LANDLOCK_OFF || protection_is_off("landlock"))
		return 0;
	/* The launcher has asked; but whoever starts us may filter the call away since. */
	if (landlock_check(spec, err) < 0)
		return -1;
	abi = landlock_abi();
	ruleset = ruleset_of(spec, abi);
	if (!ruleset.files && !ruleset.ports && !ruleset.scopes)
		return 0;
	/* An older kernel takes a longer struct, if what it does not know is zero. */
	fd = (int)syscall(SYS_CREATE_RULESET, &ruleset, sizeof(ruleset), 0);
	if (fd < 0)
		return error_errno_id(err, ERROR_LANDLOCK, "make a Landlock ruleset");
	if (add_rules(fd, spec, &ruleset, err) < 0)
		return -1;
	if (syscall(SYS_RESTRICT_SELF, fd, 0) < 0)
		return error_errno_id(err, ERROR_LANDLOCK, "enter the Landlock domain");
	return seccomp_install(&spec->filter, err);
}
